"""Input of a writer: one frame, or several if the step says to append them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, Inputs
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.conversion.cell_json import cell_from_json
from osiris_inspect.runtime.frames.conversion.column_names import label_text
from osiris_inspect.runtime.frames.conversion.natural import Natural, natural_of
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

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
    def names(self) -> list[str]:
        """Names of the columns as the target gets them: those of the frame, not those of SQL.

        Raises:
            DriverError: a name has several levels, or is not valid text.
        """
        return target_names(self._first.fields)

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The original dtype of each column by its name in ``batches``."""
        return {name: field["dtype"] for name, field in zip(self.names, self._first.fields, strict=True)}

    @property
    def natural(self) -> Mapping[str, Natural]:
        """The natural form of each column by its name in ``batches``."""
        return dict(zip(self.names, self.forms, strict=True))

    @property
    def forms(self) -> list[Natural]:
        """The natural form of each column in the order of ``names``, of which CSV may repeat one."""
        return [natural_of(field) for field in self._first.fields]

    @property
    def _first(self) -> ResolvedInput:
        return next(iter(self.inputs.values()))

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
        """Return the schema, and all rows in natural form in batches of at most ``rows``, under ``names``.

        Raises:
            DriverError: an input has other columns than the first, or types that cannot be unified, or a column has
                no natural form.
        """
        readers = {
            name: _renamed(resolved.to_batches(rows), resolved) for name, resolved in self.inputs.items()
        }
        schemas = [schema for schema, _ in readers.values()]
        for name, schema in zip(readers, schemas, strict=True):
            _check_names(name, schema.names, schemas[0].names)
        if len(schemas) == 1:
            return next(iter(readers.values()))
        try:
            schema = pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise DriverError(
                f"cannot append the inputs: {error}",
                kind="columns-differ",
                fix="cast the columns to the same type in an earlier step",
                inputs=list(self.inputs),
            ) from error
        return schema, _cast((batch for _, batches in readers.values() for batch in batches), schema)

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
    if config.get("index") == "drop":
        inputs = {name: resolved.without_index() for name, resolved in inputs.items()}
    return WriterInput(inputs)


def with_outcome(error: DriverError) -> DriverError:
    """Return the error with the outcome of the write, if it does not state it: nothing was written."""
    if "rows_written" in error.facts:
        return error
    message = f"{error.message}; nothing was written"
    return DriverError(message, kind=error.kind, fix=error.fix, rows_written=0, **error.facts)


def target_names(fields: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the name of each column of ``schema.json`` for a target outside of SQL: its name in the frame.

    Raises:
        DriverError: there is none, or a name has several levels or is not valid text.
    """
    names = []
    for field in fields:
        label = cell_from_json(field["name"])
        if isinstance(label, tuple):
            raise _name_error(f"name {label!r} of a column has {len(label)} levels", label)
        name = label_text(label)
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise _name_error(f"name {name!r} of a column is not valid text", name)
        names.append(name)
    if not names:
        raise DriverError(
            "the frame has no columns; there is nothing to write",
            kind="frame-without-columns",
            fix="check the step that produces the frame",
            rows_written=0,
        )
    return names


def _name_error(text: str, label: Any) -> DriverError:
    return DriverError(
        f"the {text}",
        kind="frame-refused",
        fix="rename it in the step that makes the frame, for example "
        "frame.columns = ['_'.join(map(str, name)) for name in frame.columns]",
        column=str(label),
        rows_written=0,
    )


def _renamed(
    reader: pa.RecordBatchReader, resolved: ResolvedInput
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    names = target_names(resolved.fields)
    if names == reader.schema.names:
        return reader.schema, iter(reader)
    schema = pa.schema([field.with_name(name) for name, field in zip(names, reader.schema, strict=True)])
    return schema, (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader)


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
