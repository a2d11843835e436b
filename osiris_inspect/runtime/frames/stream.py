"""Stream of Arrow batches returned by a driver: kept as a table if small, otherwise spilled as it arrives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyarrow as pa

from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE, rows_of_width


class StreamSourceError(Exception):
    """Failure of the stream's source, as opposed to a failure of the disk; handled inside the store."""

    log_name = "SourceFailed"

    def __init__(self, rows: int, cause: Exception) -> None:
        self.rows, self.cause = rows, cause
        super().__init__(f"the stream failed after {rows:,} rows: {cause}")


@dataclass(slots=True)
class BatchStream:
    """Batches still to come, and those already read from the stream."""

    schema: pa.Schema
    reader: Iterator[pa.RecordBatch]
    buffered: list[pa.RecordBatch] = field(default_factory=list)

    def read_until(self, is_too_much: Callable[[int, int], bool]) -> bool:
        """Read batches until ``is_too_much(rows, bytes)`` is True; return False if the stream ends before."""
        rows = size = 0
        while not is_too_much(rows, size):
            batch = next(self.reader, None)
            if batch is None:
                return False
            self.buffered.append(batch)
            rows, size = rows + len(batch), size + batch.nbytes
        return True

    def table(self) -> pa.Table:
        """Return all batches as one table in memory."""
        batches, self.buffered = [*self.buffered, *self.reader], []
        return pa.Table.from_batches(batches, schema=self.schema)

    def slices(self) -> Iterator[pa.Table]:
        """Yield all batches as tables of the rows and bytes of a slice; each batch is dropped once yielded."""
        return rechunk(self.schema, chain(_consume(self.buffered), self.reader))


def wrap_errors(reader: Any) -> Iterator[pa.RecordBatch]:
    """Yield a reader's batches; raises StreamSourceError if the driver's code fails."""
    rows = 0
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception as error:  # a driver's reader runs foreign code
            raise StreamSourceError(rows, error) from error
        rows += len(batch)
        yield batch


def _consume(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while batches:
        yield batches.pop(0)


def rechunk(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], max_rows: int = ROWS_PER_SLICE
) -> Iterator[pa.Table]:
    """Yield the rows of the batches as tables of the bytes of a slice, but of at most ``max_rows``."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        pending.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
        most = min(max_rows, rows_of_width(size // max(1, rows)))
        while rows >= most:
            table = pa.Table.from_batches(pending, schema=schema)
            pending = table.slice(most).to_batches()
            size, rows = size * (rows - most) // rows, rows - most
            yield table.slice(0, most)
            del table
        del batch
    if rows:
        yield pa.Table.from_batches(pending, schema=schema)
