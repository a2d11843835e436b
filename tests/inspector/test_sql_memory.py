"""The limit of memory for a query ends with the query, so that a program that uses these modules keeps its own."""

import resource

import pytest

from osiris_inspect.inspector.tables.sql_memory import limited_process_memory

TOO_MUCH = 8 << 30


def test_limit_holds_during_a_query_only() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited_process_memory(), pytest.raises(MemoryError):
        bytearray(TOO_MUCH)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(bytearray(TOO_MUCH)) == TOO_MUCH  # zeroed pages are not allocated until they are written
