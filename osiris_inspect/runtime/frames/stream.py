"""A frame that a driver gives as a stream of Arrow batches: kept as a table while it is small, else straight to disk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyarrow as pa

from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE


class StreamSourceError(Exception):
    """The stream broke off; ``cause`` is what it said. Never leaves the store: it tells a failing source from a failing disk."""

    log_name = "SourceFailed"

    def __init__(self, rows: int, cause: Exception) -> None:
        self.rows, self.cause = rows, cause
        super().__init__(f"the stream broke off after {rows:,} rows: {cause}")


@dataclass(slots=True)
class BatchStream:
    """Batches as they come, and those that were already taken from them."""

    schema: pa.Schema
    reader: Iterator[pa.RecordBatch]
    buffered: list[pa.RecordBatch] = field(default_factory=list)
    ended: bool = False

    def read_until(self, is_too_much: Callable[[int, int], bool]) -> bool:
        """Takes batches until they are too much (by rows and bytes, True) or the stream ends (False)."""
        rows = size = 0
        while not is_too_much(rows, size):
            batch = next(self.reader, None)
            if batch is None:
                self.ended = True
                return False
            self.buffered.append(batch)
            rows, size = rows + len(batch), size + batch.nbytes
        return True

    def table(self) -> pa.Table:
        """All of it in memory."""
        batches, self.buffered = [*self.buffered, *self.reader], []
        return pa.Table.from_batches(batches, schema=self.schema)

    def slices(self) -> Iterator[pa.Table]:
        """All of it, in tables of ``ROWS_PER_SLICE`` rows; what was handed out is forgotten."""
        return _cut(self.schema, chain(_consume(self.buffered), self.reader))


def open_stream(reader: Any) -> BatchStream:
    """The stream of a driver's reader."""
    return BatchStream(reader.schema, _naming_errors(reader))


def _naming_errors(reader: Any) -> Iterator[pa.RecordBatch]:
    rows = 0
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception as error:  # a driver's reader runs other people's code; the store names the step
            raise StreamSourceError(rows, error) from error
        rows += len(batch)
        yield batch


def _consume(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while batches:
        yield batches.pop(0)


def _cut(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        while rows >= ROWS_PER_SLICE:
            table = pa.Table.from_batches(held, schema=schema)
            held = table.slice(ROWS_PER_SLICE).to_batches()
            rows -= ROWS_PER_SLICE
            yield table.slice(0, ROWS_PER_SLICE)
    if rows:
        yield pa.Table.from_batches(held, schema=schema)
