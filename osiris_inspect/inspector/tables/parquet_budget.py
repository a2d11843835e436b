"""Budgets in bytes for Parquet files, which can announce or expand to far more than they have."""

from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.inspector.text.units import format_bytes

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

MAX_GROUP_BYTES: Final = 64 << 20
"""Bytes of a column in a row group that are read although the file is much smaller."""
MAX_RATIO: Final = 1_000
"""Largest ratio of a column's bytes in memory to its bytes in the file, if it exceeds ``MAX_GROUP_BYTES``."""
BATCH_BYTES: Final = 32 << 20
"""Approximate bytes of the rows that are read at once."""
_WIDTHS: Final = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
_INDEX_BYTES: Final = 16
"""Of a text whose dictionary is kept, and of a list."""


def oversized_column(metadata: "FileMetaData") -> str | None:
    """Return which column is too large to be read for its bytes in the file; None if all can be read."""
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        for number in range(chunks.num_columns):
            chunk = chunks.column(number)
            is_repeated = chunk.num_values > chunks.num_rows
            size = max(chunk.total_uncompressed_size, _value_bytes(chunk) if is_repeated else 0)
            if size > max(MAX_GROUP_BYTES, MAX_RATIO * chunk.total_compressed_size):
                return (
                    f"column {chunk.path_in_schema!r} announces {format_bytes(size)} in "
                    f"{format_bytes(chunk.total_compressed_size)} of the file"
                )
    return None


def file_bytes(metadata: "FileMetaData") -> int:
    """Return the bytes of all columns in the file."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return sum(
        group.column(number).total_compressed_size for group in groups for number in range(group.num_columns)
    )


def group_bytes(chunks: Any, names: "frozenset[str] | None") -> int:
    """Return the approximate bytes of a row group in memory, with the dictionaries of its texts kept."""
    columns = (chunks.column(number) for number in range(chunks.num_columns))
    return sum(
        max(chunk.total_uncompressed_size, _value_bytes(chunk))
        for chunk in columns
        if names is None or chunk.path_in_schema.partition(".")[0] in names
    )


def _value_bytes(chunk: Any) -> int:
    return int(chunk.num_values * _WIDTHS.get(chunk.physical_type, _INDEX_BYTES))
