"""Null counts of a spilled frame, from the footer of its Parquet file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.base.safe_open import open_regular

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

MAX_COLUMNS: int = 2_000
"""A wider frame is not counted."""
MAX_COUNTED_BYTES: int = 65_536
"""Uncompressed bytes of a column without statistics that is read to count its nulls."""
_FLOATS = ("FLOAT", "DOUBLE")


def null_counts(path: Path) -> tuple[int, dict[str, int | None]] | None:
    """Return the rows of a frame and the nulls of each column, None where unknown; None if it is unreadable."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with os.fdopen(open_regular(path), "rb") as stream, ParquetFile(stream) as file:
            if file.metadata.num_columns > MAX_COLUMNS:
                return None
            names = file.schema_arrow.names
            return file.metadata.num_rows, {name: _nulls(file, name) for name in names}
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError):
        return None  # the rules on spills report a file that cannot be read


def _nulls(file: "ParquetFile", name: str) -> int | None:
    """Return the nulls of a column by the statistics of its chunks; a small one without them is read."""
    chunks = [
        chunk
        for group in range(file.metadata.num_row_groups)
        for chunk in _chunks(file.metadata.row_group(group))
        if chunk.path_in_schema == name
    ]
    counts = [_chunk_nulls(chunk) for chunk in chunks]
    if chunks and None not in counts:
        return sum(count or 0 for count in counts)
    if chunks and sum(chunk.total_uncompressed_size for chunk in chunks) <= MAX_COUNTED_BYTES:
        return int(file.read(columns=[name]).column(name).null_count)
    return None


def _chunks(group: Any) -> list[Any]:
    return [group.column(number) for number in range(group.num_columns)]


def _chunk_nulls(chunk: Any) -> int | None:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_null_count:
        return None
    if not statistics.has_min_max and statistics.physical_type in _FLOATS:  # NaN is in no statistics
        return int(chunk.num_values)
    return int(statistics.null_count)
