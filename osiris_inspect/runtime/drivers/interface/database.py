"""Helpers of the database drivers."""

from collections.abc import Iterator
from contextlib import ExitStack

import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.driver import Config


def closing_stream(batches: Iterator[pa.RecordBatch], stack: ExitStack) -> Iterator[pa.RecordBatch]:
    """Yield the batches; close ``stack`` after the last one or after an error."""
    with stack:
        yield from batches


def connection_name(connection: Config) -> str:
    """Return the name of a connection for messages: ``@family.alias``."""
    if not connection.get("alias"):
        return "the connection"
    return f"@{connection.get('family')}.{connection['alias']}"
