"""What drivers of databases share: errors name their step, and a connection is closed after the last row."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pyarrow as pa

from osiris_inspect.model.errors import DriverError


@contextmanager
def errors_name_step(step_id: str) -> Iterator[None]:
    """What goes wrong inside names the step."""
    try:
        yield
    except DriverError as error:
        raise DriverError(f"step {step_id!r}: {error}") from error.__cause__


def closing_stream(batches: Iterator[pa.RecordBatch], stack: ExitStack) -> Iterator[pa.RecordBatch]:
    """The batches; ``stack`` is closed after the last one, and after a failure. Who takes them names the step."""
    with stack:
        yield from batches
