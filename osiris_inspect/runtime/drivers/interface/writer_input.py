"""Input of a writer: one frame, or several if the step says to append them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, Inputs
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE

UNKNOWN_ROWS: Final = "unknown"
"""Fact ``rows_written`` of a write whose outcome the writer does not know."""
MAX_COUNTED_ROWS: Final = 2_000_000
"""Rows of an input in which repeated keys are counted after a failed write."""


@dataclass(frozen=True, slots=True)
class WriterInput:
    """Rows to write: the rows of each input in turn."""

    inputs: Inputs

    @property
    def rows(self) -> int:
        """The number of rows of all inputs."""
        return sum(resolved.rows for resolved in self.inputs.values())

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The original dtype of each column by its name in ``batches``."""
        return next(iter(self.inputs.values())).dtypes

    @property
    def column_names(self) -> Mapping[str, str]:
        """Name of each column in the driver's frame, as text, by its name in ``batches``."""
        return next(iter(self.inputs.values())).column_names

    def frames(self) -> Iterator[pd.DataFrame]:
        """Yield each input as a pandas frame, with the columns in the order of the first input.

        Raises:
            DriverError: an input has other columns than the first.
        """
        first: list[Any] | None = None
        for name, resolved in self.inputs.items():
            frame = resolved.to_pandas()
            names = list(frame.columns)
            first = first if first is not None else names
            _check_names(name, names, first)
            yield frame if names == first else frame[first]

    def batches(self, rows: int = ROWS_PER_SLICE) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return the schema, and all rows in normal form in batches of at most ``rows``.

        Raises:
            DriverError: an input has other columns than the first, or types that cannot be unified.
        """
        readers = {name: resolved.to_batches(rows) for name, resolved in self.inputs.items()}
        schemas = [reader.schema for reader in readers.values()]
        for name, schema in zip(readers, schemas, strict=True):
            _check_names(name, schema.names, schemas[0].names)
        try:
            schema = pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise DriverError(
                f"cannot append the inputs: {error}",
                kind="columns-differ",
                fix="cast the columns to the same type in an earlier step",
                inputs=list(self.inputs),
            ) from error
        return schema, _cast((batch for reader in readers.values() for batch in reader), schema)

    def repeated_rows(self, columns: Sequence[str]) -> int:
        """Return how many rows repeat an earlier row in these columns; 0 if that was not counted."""
        if not columns or self.rows > MAX_COUNTED_ROWS:
            return 0
        schema, batches = self.batches()
        if not set(columns) <= set(schema.names):
            return 0
        names = list(columns)
        keys = pa.Table.from_batches(
            [batch.select(names) for batch in batches], pa.schema([schema.field(name) for name in names])
        ).drop_null()
        try:
            return int(keys.num_rows - keys.group_by(names).aggregate([]).num_rows)
        except pa.ArrowException:  # a nested type, which cannot be part of a key
            return 0


def writer_input(config: Config, inputs: Inputs) -> WriterInput:
    """Return the input of a writer.

    Raises:
        DriverError: there is no input, or there are several and the step does not say to append them.
    """
    if not inputs:
        raise DriverError(
            "the writer received no input",
            kind="input-count-wrong",
            fix="name a step in its needs",
            inputs=[],
        )
    if len(inputs) > 1 and config.get("on_several_inputs") != "append":
        raise DriverError(
            f"the writer takes 1 input and received {len(inputs)}: {', '.join(inputs)}",
            kind="input-count-wrong",
            fix="join them in an earlier step, or set on_several_inputs: append",
            inputs=list(inputs),
        )
    return WriterInput(inputs)


def _check_names(name: str, names: list[Any], first: list[Any]) -> None:
    if sorted(map(str, names)) != sorted(map(str, first)):
        text = f"input {name!r} has columns {', '.join(map(str, names))}; the first has {', '.join(map(str, first))}"
        raise DriverError(
            f"cannot append the inputs: {text}",
            kind="columns-differ",
            fix="select the same columns of each input in an earlier step",
            input=name,
            columns=list(map(str, names)),
            expected_columns=list(map(str, first)),
        )


def _cast(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        ordered = batch if batch.schema.names == schema.names else batch.select(schema.names)
        yield ordered if ordered.schema == schema else ordered.cast(schema)
