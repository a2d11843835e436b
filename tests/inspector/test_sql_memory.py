"""The limit of memory for a query ends with the query, so that a program that uses these modules keeps its own."""

import mmap

import pytest

from osiris_inspect.inspector.tables.sql_memory import limited_process_memory

TOO_MUCH = 2 << 30


def allocate(size: int) -> int:
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        return len(memory)


def test_limit_holds_during_a_query_only() -> None:
    with limited_process_memory(), pytest.raises(OSError, match="Cannot allocate memory"):
        allocate(TOO_MUCH)
    assert allocate(TOO_MUCH) == TOO_MUCH
