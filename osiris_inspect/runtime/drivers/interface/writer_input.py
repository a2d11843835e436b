"""What a writer was handed: one frame, or several where its step says what to do with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput


@dataclass(frozen=True, slots=True)
class WriterInput:
    """The rows a writer is to write, one part after another."""

    step_id: str
    parts: Mapping[str, ResolvedInput]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts.values())

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The type of each column as its driver gave it, by the name it has in ``batches``."""
        return next(iter(self.parts.values())).dtypes

    def frames(self) -> Iterator[pd.DataFrame]:
        """Each part as a pandas frame, its columns in the order of the first part's.

        Raises:
            DriverError: a part has other columns than the first.
        """
        first: list[Any] | None = None
        for name, part in self.parts.items():
            frame = part.to_pandas()
            names = list(frame.columns)
            first = first if first is not None else names
            self._check_names(name, names, first)
            yield frame if names == first else frame[first]

    def batches(self, rows: int = ROWS_PER_SLICE) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The columns, and all rows in normal form, at most so many at a time.

        Raises:
            DriverError: a part has other columns than the first, or of types that have no type in common.
        """
        readers = {name: part.to_batches(rows) for name, part in self.parts.items()}
        schemas = [reader.schema for reader in readers.values()]
        for name, schema in zip(readers, schemas, strict=True):
            self._check_names(name, schema.names, schemas[0].names)
        try:
            schema = pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise DriverError(f"step {self.step_id!r}: its inputs cannot be put together: {error}") from error
        return schema, _cast((batch for reader in readers.values() for batch in reader), schema)

    def _check_names(self, name: str, names: list[Any], first: list[Any]) -> None:
        if sorted(map(str, names)) != sorted(map(str, first)):
            text = f"input {name!r} has columns {', '.join(map(str, names))}; the first has {', '.join(map(str, first))}"
            raise DriverError(f"step {self.step_id!r} cannot append its inputs: {text}")


def from_inputs(step_id: str, config: Mapping[str, Any], inputs: Mapping[str, ResolvedInput]) -> WriterInput:
    """What the step was handed.

    Raises:
        DriverError: no input, or several and the step does not say what to do with them.
    """
    if not inputs:
        raise DriverError(f"step {step_id!r} writes one frame and got none; name a step in its needs")
    if len(inputs) > 1 and config.get("on_several_inputs") != "append":
        text = f"step {step_id!r} writes one frame and got {len(inputs)}: {', '.join(inputs)}"
        raise DriverError(f"{text}; join them in a step before it, or set on_several_inputs: append")
    return WriterInput(step_id, inputs)


def _cast(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        ordered = batch if batch.schema.names == schema.names else batch.select(schema.names)
        yield ordered if ordered.schema == schema else ordered.cast(schema)
