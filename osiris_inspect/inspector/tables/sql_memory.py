"""Memory that a query over a run may take.

DuckDB counts what it sorts, joins and groups, and writes the rest to a private folder. It does not count the texts that
a query makes; ``limited_process_memory`` lets their allocation fail.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from osiris_inspect.inspector.text.units import format_bytes

if TYPE_CHECKING:
    import pyarrow as pa

MAX_CELL_BYTES: Final = 16 << 20
"""Bytes of one row of a result."""
NO_MEMORY: Final = (
    "the query needs more memory than a query may use; select fewer rows or columns, or left(<column>, 1000)"
)
_MAX_DATABASE: Final = "256MB"
_MAX_SPILLED: Final = "4GB"
_MAX_THREADS: Final = 4
_MAX_GROWTH: Final = 400 << 20
"""Bytes that a process may take for a query."""
_PIECE_BYTES: Final = 4 << 20
"""Bytes of the rows that become Python values at once; nested ones take twenty times as much."""
_STATM: Final = Path("/proc/self/statm")
_STATM_DATA: Final = 5


class RowTooLarge(ValueError):
    """A row of a result that is longer than ``MAX_CELL_BYTES``."""


def database_settings(scratch: "TemporaryDirectory[str]") -> dict[str, str | bool | int | float | list[str]]:
    """Return the settings of a database that writes what it cannot keep to a folder."""
    return {
        "memory_limit": _MAX_DATABASE,
        "temp_directory": scratch.name,
        "max_temp_directory_size": _MAX_SPILLED,
        "threads": min(_MAX_THREADS, os.cpu_count() or 1),
    }


def scratch_folder() -> "TemporaryDirectory[str]":
    """Return a new private folder; its ``cleanup`` removes it."""
    return TemporaryDirectory(prefix="osiris-inspect-")


@contextmanager
def limited_process_memory() -> Iterator[None]:
    """Let allocations of this process fail that take more than a query may use, where the system can count them."""
    import resource

    try:
        used = int(_STATM.read_bytes().split()[_STATM_DATA]) * resource.getpagesize()
    except OSError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = (limit for limit in (soft, hard, used + _MAX_GROWTH) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def is_memory_error(error: BaseException) -> bool:
    """Return True if an error of Python, DuckDB or Arrow is about memory."""
    return isinstance(error, MemoryError) or str(error).startswith("Out of Memory Error")


def small_pieces(batch: "pa.RecordBatch") -> Iterator["pa.RecordBatch"]:
    """Yield the rows of a batch in pieces that are small enough to become Python values.

    Raises:
        RowTooLarge: one row is not.
    """
    if batch.nbytes <= _PIECE_BYTES:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from small_pieces(batch.slice(0, half))
        yield from small_pieces(batch.slice(half))
    elif batch.nbytes > MAX_CELL_BYTES:
        sizes = {name: column.nbytes for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        name = max(sizes, key=lambda name: sizes[name])
        raise RowTooLarge(
            f"a row of the result has {format_bytes(batch.nbytes)}, {format_bytes(sizes[name])} of them in {name!r}; "
            "select a part of it, such as left(<column>, 1000)"
        )
    else:
        yield batch
