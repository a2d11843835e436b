"""Frames of a run: those that steps returned, and those that they received."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.api.exceptions import NoSuchInput, QueryError
from osiris_inspect.api.tables import MAX_SHOWN_ROWS, QueryResult, html_table
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import (
    InputsGone,
    NotOurs,
    OsirisError,
    SpillCorrupt,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from osiris_inspect.api.runs import Run
    from osiris_inspect.inspector.run.run import StepState
    from osiris_inspect.model.manifest import InputRef


class Frame:
    """A frame that a step spilled to disk."""

    def __init__(self, run_dir: Path, step: str, path: Path) -> None:
        from pyarrow import parquet

        from osiris_inspect.inspector.files import remote_registry
        from osiris_inspect.inspector.files.run_files import RunFiles

        self._run_dir, self._step, self.path = run_dir, step, path
        remote_registry.fetch_all(path)
        try:
            with RunFiles(run_dir).opened_path(layout.spill_path(step)) as opened:
                self._file = parquet.ParquetFile(opened)
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise SpillCorrupt(f"cannot read {layout.spill_path(step)!r}: {error}") from error

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self._file.metadata.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns in the file."""
        return tuple(self._file.schema_arrow.names)

    def to_arrow(self) -> "pa.Table":
        """Return the frame as the file holds it."""
        return self._file.read()

    def to_pandas(self) -> "pd.DataFrame":
        """Return the frame as the step returned it: index, dtypes and Python objects are restored.

        The Parquet file of another program is read as it is.

        Raises:
            SpillCorrupt: the files are not the ones that were written.
        """
        from osiris_inspect.runtime.frames.spill import spill_file

        spill = spill_file.find_spill(self._run_dir, self._step) if self._is_ours else None
        return self.to_arrow().to_pandas() if spill is None else spill_file.read_frame(spill)

    @property
    def _is_ours(self) -> bool:
        from osiris_inspect.inspector.files.run_files import MAX_DOCUMENT, RunFiles

        return b'"restore"' in RunFiles(self._run_dir).head(layout.schema_path(self._step), MAX_DOCUMENT)

    def __repr__(self) -> str:
        return f"<frame of {one_line(self._step)!r}: {self.rows:,} rows, {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        head = next(self._file.iter_batches(batch_size=MAX_SHOWN_ROWS), None)
        if head is None:
            return f"<p>{escape(repr(self))}</p>"
        import pyarrow as pa

        return html_table(pa.Table.from_batches([head]), self.rows)


class InputFrame:
    """An input of a step as its driver received it. It is read when it is used, and compared with the log before.

    Each method raises ``InputsGone`` if the frame is not on disk, in this run or in one beside it, or is another one.

    Attributes:
        name: its name in the step, such as ``df``.
        from_step: the step that returned it; None if unknown.
        rows: its rows; None if the log does not tell.
    """

    def __init__(self, run: "Run", state: "StepState", name: str, reference: "InputRef") -> None:
        self._run, self._state, self._reference = run, state, reference
        self.name, self.from_step = name, reference.from_step or None
        recorded = (entry.rows for entry in state.inputs if entry.from_step == reference.from_step)
        self.rows = next(recorded, None)

    @cached_property
    def path(self) -> Path:
        """The Parquet file."""
        return self._folder / layout.spill_path(self._reference.from_step, self._reference.key)

    @cached_property
    def _folder(self) -> Path:
        """The run directory that has the frame."""
        from osiris_inspect.inspector.files import remote_registry
        from osiris_inspect.runtime.replay.earlier.earlier_pipeline import read_run
        from osiris_inspect.runtime.replay.replay_inputs import find_inputs

        step, producer = self._state.id, self._reference.from_step
        before = self._run.steps.get(producer)
        if before is None or before.status not in ("succeeded", "reused"):
            reason = f"step {producer!r} did not succeed" if before is not None else "its step is unknown"
            raise self._gone(reason, "correct the cause of the failure and run the pipeline again")
        for file in (layout.schema_path, layout.spill_path):
            remote_registry.fetch_all(self._run.path / file(producer, self._reference.key))
        try:
            earlier = read_run(self._run.path)
            planned = next((each for each in earlier.manifest.steps if each.id == step), None)
            if planned is None:
                raise self._gone("the manifest does not contain the step", "restore manifest.yaml of the run")
            found = find_inputs(earlier, replace(planned, inputs={self.name: self._reference}))
        except NotOurs as error:
            raise self._gone(
                error.message, "run its pipeline with osiris-inspect run --keep frames"
            ) from error
        except InputsGone as error:
            replay = shlex.join(["osiris-inspect", "replay", str(self._run.path), step, "--recompute"])
            fix = f"run the pipeline with --keep frames, which leaves frames on disk, or produce it again with {replay}"
            raise self._gone(error.message, fix) from error
        return found.reused[producer].run_dir

    def _gone(self, reason: str, fix: str) -> InputsGone:
        step = self._state.id
        message = f"input {self.name!r} of step {step!r} is not on disk: {reason}"
        return InputsGone(message, fix=fix, step=step, run=self._run.id)

    def to_arrow(self) -> "pa.Table":
        """Return the frame as the file holds it."""
        from pyarrow import parquet

        return parquet.read_table(self.path)

    def to_pandas(self) -> "pd.DataFrame":
        """Return the frame with its index, dtypes and Python objects.

        Raises:
            SpillCorrupt: the files are not the ones that were written.
        """
        from osiris_inspect.runtime.frames.spill import spill_file

        spilled = spill_file.find_spill(self._folder, self._reference.from_step, self._reference.key)
        if spilled is None:
            raise SpillCorrupt(f"the frame of step {self.from_step!r} was removed")
        return spill_file.read_frame(spilled)

    def sql(self, query: str) -> QueryResult:
        """Run a query over the frame, which has the names of the step (``df``, ``df_<step>``); values are not masked.

        Raises:
            QueryError: DuckDB rejects the query.
        """
        return query_inputs({self.name: self}, query)

    def __repr__(self) -> str:
        rows = "" if self.rows is None else f", {pluralize(self.rows, 'row')}"
        return f"<input {one_line(self.name)!r} of {one_line(self._state.id)!r}: from {one_line(self.from_step or '?')!r}{rows}>"

    def _repr_html_(self) -> str:
        try:
            table = self.to_arrow()
        except OsirisError as error:
            return f"<p>{escape(repr(self))}</p><p>{escape(one_line(str(error)))}</p>"
        return f"<p>{escape(repr(self))}</p>{html_table(table.slice(0, MAX_SHOWN_ROWS), table.num_rows)}"


class InputFrames(Mapping[str, InputFrame]):
    """The inputs of a step by name."""

    def __init__(self, run: "Run", state: "StepState", references: "Mapping[str, InputRef]") -> None:
        self._step = state.id
        self._frames = {name: InputFrame(run, state, name, ref) for name, ref in references.items()}

    def __getitem__(self, name: str) -> InputFrame:
        if name not in self._frames:
            names = ", ".join(map(repr, map(one_line, self._frames))) or "none"
            raise NoSuchInput(f"step {self._step!r} has no input {name!r}; its inputs are: {names}")
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def sql(self, query: str) -> QueryResult:
        """Run a query over all inputs, which have the names of the step; errors are those of ``InputFrame.sql``."""
        return query_inputs(self._frames, query)

    def __repr__(self) -> str:
        return f"<inputs of {one_line(self._step)!r}: {', '.join(map(one_line, self._frames)) or 'none'}>"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{escape(repr(frame))}</li>" for frame in self._frames.values())
        return f"<p>{escape(repr(self))}</p><ul>{items}</ul>"


def query_inputs(frames: Mapping[str, InputFrame], query: str) -> QueryResult:
    """Return the result of a query over inputs, which have their names.

    Raises:
        QueryError: DuckDB rejects the query.
    """
    import duckdb

    from osiris_inspect.inspector.tables.input_views import InputViews, table_names

    names = table_names((name, frame.from_step or "") for name, frame in frames.items())
    files = {
        table: frame.path for tables, frame in zip(names, frames.values(), strict=True) for table in tables
    }
    try:
        return QueryResult(InputViews(files).query_arrow(query))
    except duckdb.Error as error:
        raise QueryError(one_line(str(error)), None) from error
