"""The Python API: open runs, ask them, run pipelines.

```python
import osiris_inspect as oi

run = oi.open("logs")  # the newest run below logs/
run.root_cause  # the finding that explains the failure, or None
run.steps["extract-movies"].rows_out
run.events.to_pandas()
run.sql("SELECT step, status FROM steps").to_pandas()
```

Text of a log is shown with secrets masked and control characters removed, and escaped in notebooks.
"""

import io
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from osiris_inspect.base.user_folders import user_folder
from osiris_inspect.inspector.text.sanitize import multi_line, one_line
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import (
    InputsGone,
    NotOurs,
    OsirisError,
    RunNotReadable,
    SettingsError,
    SpillCorrupt,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
    from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
    from osiris_inspect.inspector.run.lineage import Edge
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.run import StepState
    from osiris_inspect.inspector.why.step_explanation import StepExplanation
    from osiris_inspect.model.event import Event
    from osiris_inspect.model.finding import Evidence
    from osiris_inspect.model.finding import Finding as ModelFinding
    from osiris_inspect.model.manifest import InputRef
    from osiris_inspect.model.metric import Metric
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.pipeline.lint import LintMessage

PathLike = str | os.PathLike[str]
Item_co = TypeVar("Item_co", covariant=True)
Target = Literal["local", "sandbox", "e2b"]
_MAX_SHOWN_ROWS = 20
_MAX_SHOWN_CELL = 200
_SHOWN_COLUMNS = {
    "steps": ("step", "driver", "status", "rows_in", "rows_out", "duration_s", "storage"),
    "findings": ("severity", "confidence", "rule", "step", "message", "fix", "file", "line"),
    "events": ("line", "ts", "event", "step", "rows", "duration_s", "error", "fields"),
}
"""The columns that a notebook shows of a table; ``to_pandas`` returns all."""
_LEFT = 'style="text-align:left;vertical-align:top"'
_RIGHT = 'style="text-align:right;vertical-align:top;white-space:nowrap"'
_ANYWHERE = 'style="text-align:left;vertical-align:top;overflow-wrap:anywhere"'
_PRE = '<pre style="font-family:monospace">'


class QueryError(OsirisError):
    """A query that DuckDB rejects; ``position`` counts characters from 0, None if it is unknown."""

    def __init__(self, message: str, position: int | None) -> None:
        self.position = position
        super().__init__(message)


class StepNotFound(OsirisError, KeyError):
    """The run has no step with this id; the message lists the steps it has."""

    def __str__(self) -> str:
        return str(self.args[0])


class NoSuchInput(OsirisError, KeyError):
    """The step has no input of this name; the message lists the inputs it has."""

    def __str__(self) -> str:
        return str(self.args[0])


class FrameNotFound(OsirisError):
    """The step left no frame in the run directory; the message says where the frame was kept."""


def open(  # noqa: A001  the name users expect: osiris_inspect.open
    path: PathLike = ".", *, rules: "Sequence[Rule]" = (), project: PathLike | None = None
) -> "Run":
    """Open a run: a run directory, an s3:// or https:// URL, or a folder, whose newest run is opened.

    Args:
        path: by default the newest run below ``logs/`` or ``run_logs/`` of the current directory.
        rules: rules to apply in addition to the built-in ones.
        project: the folder whose ``.osiris-inspect.toml``, suppressions and rules apply; none by default.

    Raises:
        RunNotReadable: there is no run at this path, or it cannot be read.
        SettingsError: the settings of the project are invalid.
    """
    return _analyzed(_run_directories(path)[0], rules, project)


def open_all(
    path: PathLike = ".", *, rules: "Sequence[Rule]" = (), project: PathLike | None = None
) -> "tuple[Run, ...]":
    """Open every run below a folder, the newest first. Arguments and errors are those of ``open``."""
    return tuple(_analyzed(directory, rules, project) for directory in _run_directories(path))


def lint(
    pipeline: PathLike, *, params: Mapping[str, str] | None = None, profile: str | None = None
) -> "list[LintMessage]":
    """Check a pipeline file without running it; each message has severity, line and column.

    Raises:
        SettingsError: the file cannot be read.
    """
    from osiris_inspect.runtime.connections.connection_lint import lint_connections
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.compiler import pipeline_folder, read_pipeline
    from osiris_inspect.runtime.pipeline.lint import lint as check
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    path = Path(pipeline)
    inputs = CompileInputs(dict(params or {}), os.environ, profile)
    connections = partial(
        lint_connections, components=all_components(), folders=(pipeline_folder(path),), named=None
    )
    return list(check(read_pipeline(path), str(path), all_components(), inputs, connections))


def compile(  # noqa: A001  the name of the command
    pipeline: PathLike, *, params: Mapping[str, str] | None = None, profile: str | None = None
) -> "Compiled":
    """Compile a pipeline file to its manifest and step configurations.

    Raises:
        PipelineError: the pipeline has mistakes; ``problems`` holds all of them with line and column.
        SettingsError: the file cannot be read.
    """
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.compiler import compile_pipeline, read_pipeline
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    path = Path(pipeline)
    inputs = CompileInputs(dict(params or {}), os.environ, profile)
    return compile_pipeline(read_pipeline(path), str(path), all_components(), inputs)


def run(  # noqa: PLR0913  one parameter an option of `osiris-inspect run`
    pipeline: PathLike,
    *,
    on: Target = "local",
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    logs: PathLike = "logs",
    base: PathLike | None = None,
    connections: PathLike | None = None,
    env_file: PathLike | None = None,
    force_spill: bool | None = None,
    spill_threshold: int | None = None,
    step_timeout: float | None = None,
    hang_timeout: float | None = None,
    fail_fast: bool = False,
    jobs: int = 1,
) -> "Run":
    """Run a pipeline and open its run; a failed run is returned, not raised.

    Args:
        pipeline: the pipeline file.
        on: ``local`` (this process), ``sandbox`` (an isolated child process) or ``e2b``.
        params: values of ``${params.NAME}``.
        profile: the profile of the parameters.
        logs: the folder in which the run directory is created.
        base: the folder that relative paths of the pipeline start from; by default that of the pipeline file.
        connections: the connections file; by default ``osiris_connections.yaml`` in ``base`` or beside the pipeline.
        env_file: the file with variables; by default ``.env`` beside the connections file.
        force_spill: whether every frame is written to disk.
        spill_threshold: rows above which a frame is written to disk.
        step_timeout: seconds a step may take.
        hang_timeout: seconds without a heartbeat after which a worker process is ended.
        fail_fast: whether the first failed step ends the run.
        jobs: the most steps at a time; ``e2b`` runs one.

    Raises:
        PipelineError: the pipeline has mistakes.
        SettingsError: a setting, a file or a connection is invalid, or the run directory cannot be created.
    """
    from osiris_inspect.model.errors import RunError
    from osiris_inspect.runtime import settings
    from osiris_inspect.runtime.connections.connections import open_connections, resolve_connections
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.pipeline_files import check_start
    from osiris_inspect.runtime.proxy import proxy
    from osiris_inspect.runtime.transport.create_transport import create_transport

    if jobs < 1:
        raise SettingsError(f"jobs is {jobs}: it must be 1 or more")
    compiled = compile(pipeline, params=params, profile=profile)
    base_dir = compiled.folder if base is None else Path(base)
    folders = (base_dir, compiled.folder)
    file = open_connections(
        folders,
        os.environ,
        None if connections is None else Path(connections),
        None if env_file is None else Path(env_file),
    )
    flags = {
        "force_spill": None if force_spill is None else str(int(force_spill)),
        "spill_threshold": None if spill_threshold is None else str(spill_threshold),
        "step_timeout_s": None if step_timeout is None else str(step_timeout),
        "hang_timeout_s": None if hang_timeout is None else str(hang_timeout),
    }
    resolved = resolve_connections(compiled, all_components(), file)
    if base is None:
        check_start(compiled, all_components(), base_dir.resolve(), resolved.by_step)
    key = os.environ.get("E2B_API_KEY")
    request = proxy.RunRequest(
        compiled,
        settings.read(os.environ, flags),
        Path(logs),
        base_dir.resolve(),
        time.time,
        tuple(sorted(os.environ)),
        fail_fast=fail_fast,
        connections=resolved,
        secrets=(key,) if key else (),
        private=(user_folder("cache"),),
        jobs=jobs,
    )
    try:
        Path(logs).mkdir(parents=True, exist_ok=True)
        return open(proxy.run(request, create_transport(on, os.environ)).path)
    except (OSError, RunError) as error:
        raise SettingsError(str(error)) from error


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """Outcome of a replayed step.

    Attributes:
        verdict: the last line of ``osiris-inspect replay``, such as ``same failure``; None if the step was not reached.
        error: the message of its failure, or why it was not reached.
        path: the new run directory.
    """

    verdict: str | None
    error: str | None
    path: Path

    @property
    def run(self) -> "Run":
        """The new run: the step, and those of its inputs."""
        return open(self.path)


def replay(  # noqa: PLR0913  one parameter an option of `osiris-inspect replay`
    run: PathLike,
    step: str,
    *,
    on: Target | None = None,
    changes: Mapping[str, Any] | None = None,
    inputs: PathLike | None = None,
    recompute: bool = False,
    allow_writes: bool = False,
    logs: PathLike | None = None,
) -> ReplayOutcome:
    """Run one step of an earlier run again, alone, on the inputs that it had; a failure is returned, not raised.

    Args:
        run: the run directory, or a folder whose newest run is used. It stays as it is.
        step: the step.
        on: where it runs; by default where it ran. During a local replay the working directory is the pipeline's folder.
        changes: values of its configuration by key, such as ``{"query": "..."}``.
        inputs: the run directory that its inputs are taken from.
        recompute: whether inputs that were not kept are produced again by the steps before it.
        allow_writes: whether a step that reads or writes files or databases may run.
        logs: the folder in which the run directory is created; by default beside the run, or ``logs`` for a run in an
            archive or a repro bundle, which runs isolated.

    Raises:
        InputsGone: an input is not on disk, or it is another frame than in the log; nothing ran.
        SettingsError: there is no such step, or it reads or writes outside of the run.
        MaskedConfiguration: a value of its configuration or connection is not available.
    """
    from osiris_inspect.inspector.archives.open_archives import name_in_archive
    from osiris_inspect.inspector.tables.diff.frame_diff import output_level
    from osiris_inspect.runtime.replay.replay import Replay, ReplayHost, ReplayOptions
    from osiris_inspect.runtime.replay.repro.foreign_replay import ForeignReplay, is_bundle

    path = _run_directories(run)[0]
    is_foreign = name_in_archive(path) is not None or is_bundle(path)
    if is_foreign and logs is None:
        logs = "logs"
    options = ReplayOptions(
        target=on,
        changes=dict(changes or {}),
        inputs=None if inputs is None else Path(inputs),
        recompute=recompute,
        allow_writes=allow_writes,
        logs=None if logs is None else Path(logs),
    )
    host = ReplayHost(os.environ, private=(user_folder("cache"),), compare_frames=output_level)
    result = (ForeignReplay if is_foreign else Replay)(path, step, options, host).run()
    verdict = None if result.verdict is None else str(result.verdict)
    return ReplayOutcome(verdict, result.error, result.run.path)


def diff(a: "PathLike | Run", b: "PathLike | Run") -> "Diff":
    """Compare two runs: where they first diverge, and which differences may have caused it.

    If only ``b`` succeeded, it becomes the run that works. Frames on disk are compared as ``osiris-inspect diff`` does.

    Raises:
        RunNotReadable: there is no run at a path.
    """
    from osiris_inspect.inspector.analysis.diff import diff_runs
    from osiris_inspect.inspector.analysis.stored_frames import StoredFrames
    from osiris_inspect.inspector.tables.diff.frame_diff import FrameDiffOptions

    runs = [side if isinstance(side, Run) else open(side) for side in (a, b)]
    frames = StoredFrames(FrameDiffOptions(), is_asked_for=False)
    return Diff(diff_runs(runs[0]._report.run, runs[1]._report.run, frames=frames))


class Diff:
    """The differences of two runs.

    Attributes:
        result: the comparison with all its values.
    """

    def __init__(self, result: "RunDiff") -> None:
        self.result = result

    @property
    def differs(self) -> bool:
        """True if a step diverges, or the runs ended differently."""
        return self.result.differs

    @property
    def first(self) -> tuple[str, ...]:
        """The steps where the runs first diverge."""
        return tuple(step.step for step in self.result.first)

    @property
    def causes(self) -> tuple[str, ...]:
        """The differences that may have caused it, the most likely first, secrets masked."""
        from osiris_inspect.inspector.run.comparison.diff_words import difference_name, difference_words

        return tuple(f"{difference_name(entry)}: {difference_words(entry)}" for entry in self.result.ranked)

    @property
    def frames(self) -> "Mapping[str, FrameChanges]":
        """The differences of the frames that both runs kept on disk, by step."""
        return self.result.frames

    def to_dict(self, *, show_values: bool = False) -> dict[str, Any]:
        """Return what ``osiris-inspect diff --format json`` prints; values of frames only with ``show_values``."""
        from osiris_inspect.inspector.export.diff.json import document

        return document(self.result, show_values=show_values)

    def __str__(self) -> str:
        from osiris_inspect.inspector.export.diff.text import lines

        return "\n".join(lines(self.result))

    def __repr__(self) -> str:
        from osiris_inspect.inspector.run.comparison.diff_words import headline

        return f"<diff: {headline(self.result)}>"

    def _repr_html_(self) -> str:
        return f"{_PRE}{escape(str(self))}</pre>"


class Table(Sequence[Item_co], Generic[Item_co]):
    """Rows of a run: a sequence of its items that also converts to pandas and Arrow."""

    def __init__(self, name: str, items: Sequence[Item_co], report: "Report") -> None:
        self._name, self._items, self._report = name, items, report

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Item_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item_co]: ...
    def __getitem__(self, index: int | slice) -> Item_co | Sequence[Item_co]:
        return self._items[index]

    def to_arrow(self) -> "pa.Table":
        """Return one row an item, with the columns that ``sql`` has; times are UTC, nested fields JSON text."""
        import pyarrow as pa

        from osiris_inspect.inspector.tables.table_rows import schema, table_rows, to_arrow_batches

        batches = to_arrow_batches(self._name, table_rows(self._report, self._name))
        return pa.concat_tables([schema(self._name).empty_table(), *batches])

    def to_pandas(self) -> "pd.DataFrame":
        """Return ``to_arrow()`` as a DataFrame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def __repr__(self) -> str:
        return f"<{self._name}: {len(self):,} rows>"

    def _repr_html_(self) -> str:
        shown = self.to_arrow().slice(0, _MAX_SHOWN_ROWS)
        columns = _SHOWN_COLUMNS.get(self._name)
        if columns is not None:
            shown = shown.select([name for name in columns if shown[name].null_count < shown.num_rows])
        return _html_table(shown, len(self))


class QueryResult:
    """The rows that a query returned, with the masked cells that ``osiris-inspect sql`` prints."""

    def __init__(self, table: "pa.Table") -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._table.column_names)

    def to_arrow(self) -> "pa.Table":
        """Return the rows as an Arrow table."""
        return self._table

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows as a DataFrame."""
        frame: pd.DataFrame = self._table.to_pandas()
        return frame

    def __repr__(self) -> str:
        return f"<query result: {len(self):,} rows, {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        return _html_table(self._table.slice(0, _MAX_SHOWN_ROWS), len(self))


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a rule.

    Attributes:
        rule: the rule's id; ``osiris-inspect explain RULE`` prints its manual.
        severity: ``error``, ``warning`` or ``note``.
        confidence: ``high`` (the log states it), ``medium`` or ``low``.
        step: the step's id, None for the whole run.
        message: what happened.
        fix: what to do, None if the rule has no advice.
        evidence: the lines that prove it: file, line counted from 1, quote.
        caused_by: the id of the finding that explains this one, None for a cause.
    """

    rule: str
    severity: str
    confidence: str
    step: str | None
    message: str
    fix: str | None
    evidence: "tuple[Evidence, ...]"
    caused_by: str | None = None

    def __repr__(self) -> str:
        where = f" {self.step!r}" if self.step else ""
        return f"<{self.severity} {self.rule} ({self.confidence}){where}: {self.message}>"

    def _repr_html_(self) -> str:
        proof = "".join(
            f"<li><code>{escape(str(piece))}</code> {escape(piece.quote)}</li>" for piece in self.evidence
        )
        where = f"{escape(one_line(self.step))}: " if self.step else ""
        fix = f"<p><b>Fix</b>: {escape(self.fix)}</p>" if self.fix else ""
        return (
            f"<p><b>{escape(self.severity)}</b> {where}{escape(self.message)} "
            f"({escape(self.rule)}, {escape(self.confidence)})</p>{fix}<ul>{proof}</ul>"
        )


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
        head = next(self._file.iter_batches(batch_size=_MAX_SHOWN_ROWS), None)
        if head is None:
            return f"<p>{escape(repr(self))}</p>"
        import pyarrow as pa

        return _html_table(pa.Table.from_batches([head]), self.rows)


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
        return _query_inputs({self.name: self}, query)

    def __repr__(self) -> str:
        rows = "" if self.rows is None else f", {pluralize(self.rows, 'row')}"
        return f"<input {one_line(self.name)!r} of {one_line(self._state.id)!r}: from {one_line(self.from_step or '?')!r}{rows}>"

    def _repr_html_(self) -> str:
        try:
            table = self.to_arrow()
        except OsirisError as error:
            return f"<p>{escape(repr(self))}</p><p>{escape(one_line(str(error)))}</p>"
        return f"<p>{escape(repr(self))}</p>{_html_table(table.slice(0, _MAX_SHOWN_ROWS), table.num_rows)}"


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
        return _query_inputs(self._frames, query)

    def __repr__(self) -> str:
        return f"<inputs of {one_line(self._step)!r}: {', '.join(map(one_line, self._frames)) or 'none'}>"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{escape(repr(frame))}</li>" for frame in self._frames.values())
        return f"<p>{escape(repr(self))}</p><ul>{items}</ul>"


def _query_inputs(frames: Mapping[str, InputFrame], query: str) -> QueryResult:
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


class Step:
    """A step as the run left it. Attributes of the step state (``status``, ``rows_out``, …) are its own."""

    def __init__(self, run: "Run", state: "StepState") -> None:
        self._run, self.state = run, state

    @property
    def id(self) -> str:
        """The step's id."""
        return self.state.id

    @property
    def driver(self) -> str | None:
        """The component that ran it; None if unknown."""
        return self.state.driver

    @property
    def status(self) -> str:
        """``succeeded``, ``failed``, ``interrupted``, ``skipped``, ``running`` or ``not_started``."""
        return self.state.status

    @property
    def rows_in(self) -> int | None:
        """The sum of the rows of its inputs; None if the log does not tell."""
        return self.state.rows_in

    @property
    def rows_out(self) -> int | None:
        """The rows it produced, or wrote; None if the log does not tell."""
        return self.state.rows_out

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end; None if the log does not tell."""
        return self.state.duration_s

    @property
    def storage(self) -> str:
        """The storage of its frame: ``memory``, ``spill``, ``none`` or ``unknown``."""
        return self.state.storage

    @property
    def error(self) -> str | None:
        """The error message of a failed step, secrets masked; None for others."""
        return "\n".join(multi_line(self.state.failure.message)) if self.state.failure else None

    @cached_property
    def inputs(self) -> InputFrames:
        """The frames that the step takes, by name: ``inputs["df"].to_pandas()``."""
        return InputFrames(self._run, self.state, self._run._input_references(self.state))

    def frame(self) -> Frame:
        """Return the spilled frame of the step; errors are those of ``Run.frame``."""
        return self._run.frame(self.id)

    def why(self) -> "Explanation":
        """Explain the step; see ``Run.why``."""
        return self._run.why(self.id)

    def __repr__(self) -> str:
        rows = "" if self.rows_out is None else f", {self.rows_out:,} rows"
        storage = {"memory": " in memory", "spill": " on disk"}.get(self.storage, "") if rows else ""
        return f"<step {one_line(self.id)!r}: {self.status}{rows}{storage}>"

    def _repr_html_(self) -> str:
        error = f"{_PRE}{escape(self.error)}</pre>" if self.error else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{error}"


class StepMap(Mapping[str, Step]):
    """The steps of a run by id, in the order of the manifest."""

    def __init__(self, run: "Run", report: "Report") -> None:
        self._report = report
        self._steps = {state.id: Step(run, state) for state in report.run.steps}

    def __getitem__(self, step_id: str) -> Step:
        if step_id not in self._steps:
            ids = ", ".join(map(repr, map(one_line, self._steps))) or "no steps"
            raise StepNotFound(f"no step {step_id!r}; the run has {ids}")
        return self._steps[step_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row a step."""
        return Table("steps", self._report.run.steps, self._report).to_pandas()

    def __repr__(self) -> str:
        return f"<steps: {', '.join(f'{one_line(step.id)} {step.status}' for step in self.values())}>"

    def _repr_html_(self) -> str:
        return Table("steps", self._report.run.steps, self._report)._repr_html_()


class Lineage:
    """Steps as nodes, frames as edges, with the rows and the location of each frame."""

    def __init__(self, report: "Report") -> None:
        self._report = report

    @property
    def edges(self) -> "tuple[Edge, ...]":
        """The frames: producer, consumer, input name, location, rows out and in."""
        return self._report.lineage.edges

    @property
    def orders(self) -> "tuple[Edge, ...]":
        """The pairs of steps of which the consumer runs after the producer without its frame."""
        return self._report.lineage.orders

    def upstream(self, step: str) -> tuple[str, ...]:
        """Return the ids of all steps that ``step`` depends on, nearest first."""
        return self._report.lineage.predecessors(step)

    def downstream(self, step: str) -> tuple[str, ...]:
        """Return the ids of all steps that depend on ``step``, nearest first."""
        return self._report.lineage.successors(step)

    def to_text(self, format: Literal["text", "mermaid", "dot", "json"] = "text") -> str:  # noqa: A002
        """Return the graph in a format of ``osiris-inspect lineage``."""
        from importlib import import_module

        from osiris_inspect.inspector.export.lineage import build_diagram

        module = import_module(f"osiris_inspect.inspector.export.lineage.{format}")
        width = (100,) if format == "text" else ()
        return "\n".join(module.lines(build_diagram(self._report), *width)) + "\n"

    def __repr__(self) -> str:
        return f"<lineage: {len(self._report.lineage.steps)} steps, {len(self.edges)} frames>"

    def _repr_html_(self) -> str:
        return f"{_PRE}{escape(self.to_text())}</pre>"


class Explanation:
    """Why a step got what it got, or did what it did: the path of its inputs through memory and disk."""

    def __init__(self, explanation: "StepExplanation") -> None:
        self._explanation = explanation

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``osiris-inspect why --format json``."""
        from osiris_inspect.inspector.why.json import document

        return document(self._explanation)

    def __str__(self) -> str:
        from osiris_inspect.inspector.why.text import lines

        return "\n".join(lines(self._explanation))

    def __repr__(self) -> str:
        return f"<why {one_line(str(self.to_dict()['step']))!r}: {len(str(self).splitlines())} lines>"

    def _repr_html_(self) -> str:
        return f"{_PRE}{escape(str(self))}</pre>"


@dataclass(frozen=True, repr=False)
class Run:
    """A run and what the rules found in it."""

    _report: "Report" = field(repr=False)

    @property
    def id(self) -> str:
        """The name of the run directory."""
        return self._report.run.id

    @property
    def path(self) -> Path:
        """The run directory; for a remote run, its local copy."""
        return self._report.run.path

    @property
    def pipeline(self) -> str | None:
        """The name of the pipeline; None if unknown."""
        return self._report.run.pipeline

    @property
    def status(self) -> str:
        """``success``, ``failed``, ``interrupted``, ``running``, ``truncated``, ``compile_failed`` or ``unreadable``."""
        return self._report.run.status

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end; None if the log does not tell."""
        return self._report.run.duration_s

    @cached_property
    def steps(self) -> StepMap:
        """The steps by id."""
        return StepMap(self, self._report)

    @cached_property
    def findings(self) -> Table[Finding]:
        """The findings: the most severe first, each cause before its consequences."""
        return Table("findings", tuple(map(_finding, self._report.findings)), self._report)

    @property
    def root_cause(self) -> Finding | None:
        """The finding that explains why the run is not a success; None for a successful or a running one."""
        cause = self._report.root_cause
        return None if cause is None else _finding(cause)

    @property
    def lineage(self) -> Lineage:
        """Which frame went from which step to which."""
        return Lineage(self._report)

    @property
    def events(self) -> "Table[Event]":
        """The events in the order of the file."""
        return Table("events", self._report.run.events, self._report)

    @property
    def metrics(self) -> "Table[Metric]":
        """The metrics in the order of the file."""
        return Table("metrics", self._report.run.metrics, self._report)

    def frame(self, step: str) -> Frame:
        """Return the frame that a step spilled to disk.

        Raises:
            StepNotFound: the run has no such step.
            FrameNotFound: the frame is not in the run directory.
            SpillCorrupt: the file is not a Parquet file or is damaged.
            UnsafePath: the step id or a symbolic link leads outside the run directory.
            RunNotReadable: the file of a remote run cannot be downloaded.
        """
        from osiris_inspect.inspector.files.run_files import RunFiles
        from osiris_inspect.inspector.run.frame_info import frame_path

        state = self.steps[step].state
        path = frame_path(self._report.run, step)
        if not RunFiles(self.path).exists(layout.spill_path(step)):
            raise FrameNotFound(
                f"step {step!r} left no {layout.spill_path(step)}: its frame was kept in {state.storage};"
                " run again with force_spill=True to keep frames"
            )
        return Frame(self.path, step, path)

    def _input_references(self, state: "StepState") -> "dict[str, InputRef]":
        """Return the step and the key that each input of a step is from: planned, or else as the log says."""
        from osiris_inspect.model.manifest import InputRef, bind_inputs

        run = self._report.run
        planned = run.manifest.steps if run.manifest is not None and run.dialect == "native" else ()
        for step in planned:
            if step.id == state.id:
                with suppress(ValueError):  # two inputs have one name, which the compiler refuses
                    return bind_inputs(step)
        return {entry.name: InputRef(entry.from_step or "") for entry in state.inputs if entry.name}

    def sql(self, query: str) -> QueryResult:
        """Run one SELECT over events, metrics, steps, findings and spilled frames; secrets are masked.

        Raises:
            QueryError: DuckDB rejects the query, or it is not a single SELECT.
        """
        from osiris_inspect.inspector.tables.sql_console import SqlConsole
        from osiris_inspect.inspector.tables.sql_types import SqlError

        console = SqlConsole(self._report)
        try:
            result = console.run_query(query)
            if isinstance(result, SqlError):
                raise QueryError(result.text, result.position)
            with result:
                return QueryResult(result.to_arrow())
        finally:
            console.close()

    def why(self, target: str | None = None) -> Explanation:
        """Explain a step, or one input of it (``step.input``); by default the step that caused the failure.

        Raises:
            StepNotFound: the run has no such step or input, or no step failed and none is named.
        """
        from osiris_inspect.inspector.why import explain_step
        from osiris_inspect.inspector.why.step_explanation import UnknownStep

        if target is None:
            failed = (step.id for step in self.steps.values() if step.status == "failed")
            cause = self.root_cause.step if self.root_cause is not None else None
            target = next((step for step in (cause, *failed) if step in self.steps), None)
            if target is None:
                raise StepNotFound("no step failed; name a step")
        try:
            return Explanation(explain_step(self._report, target))
        except UnknownStep as error:
            raise StepNotFound(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the run as ``summarize --format json`` prints it, secrets masked."""
        from osiris_inspect.inspector.export.formats.json import document

        runs: list[dict[str, Any]] = document([self._report])["runs"]
        return runs[0]

    def to_html(self) -> str:
        """Return the report of ``summarize --format html``: one page that loads nothing else."""
        from osiris_inspect.inspector.export.formats.html import render

        out = io.StringIO()
        render([self._report], out)
        return out.getvalue()

    def __repr__(self) -> str:
        return f"<run {self._title()}>"

    def _title(self) -> str:
        pipeline = f" of {one_line(self.pipeline)!r}" if self.pipeline else ""
        seconds = f", {self.duration_s:.1f} s" if self.duration_s is not None else ""
        return f"{one_line(self.id)}{pipeline}: {self.status}, {len(self.steps)} steps{seconds}"

    def _repr_html_(self) -> str:
        cause = self.root_cause
        return f"<p><b>{escape(self._title())}</b></p>{cause._repr_html_() if cause else ''}{self.steps._repr_html_()}"


def _run_directories(path: PathLike) -> list[Path]:
    from osiris_inspect.inspector.archives.open_archives import archive_stem, open_archive
    from osiris_inspect.inspector.files.find_runs import find_runs

    text = os.fspath(path)
    if text == ".":
        runs: list[Path] = []
        problems: list[RunNotReadable] = []
        for folder in (Path("logs"), Path("run_logs")):
            try:
                runs += find_runs(folder) if folder.is_dir() else ()
            except RunNotReadable as error:
                problems.append(error)
        if runs:
            return sorted(runs, key=lambda run: layout.parse_start_ms(run.name) or 0, reverse=True)
        if problems:
            raise problems[0]
    if ":/" in text:
        from osiris_inspect.inspector.remote.open_remote import open_remote
        from osiris_inspect.inspector.remote.url import parse_url

        url = parse_url(Path(text))
        if url is not None:
            return find_runs(open_remote(url, user_folder("cache")))
    named = Path(text)
    is_archive = archive_stem(named.name) is not None and named.is_file()
    directories = find_runs(open_archive(named) if is_archive else named)
    if not directories:
        raise RunNotReadable(f"no run in {text!r}")
    return directories


def _analyzed(directory: Path, rules: "Sequence[Rule]", project: PathLike | None) -> Run:
    from osiris_inspect.inspector.analysis.analyze import analyze
    from osiris_inspect.inspector.project.project import Project

    trusted = None if project is None else Project(Path(project), trusts_rules=True)
    return Run(analyze(directory, extra_rules=rules, project=trusted))


def _finding(finding: "ModelFinding") -> Finding:
    return Finding(
        rule=finding.rule,
        severity=str(finding.severity),
        confidence=str(finding.confidence),
        step=finding.step,
        message=one_line(finding.message),
        fix=None if finding.fix is None else one_line(finding.fix),
        evidence=tuple(piece._replace(quote=one_line(piece.quote)) for piece in finding.evidence),
        caused_by=finding.caused_by,
    )


def _html_table(table: "pa.Table", total: int) -> str:
    styles = [_style(field) for field in table.schema]
    head = "".join(
        f"<th {style}>{escape(one_line(name))}</th>"
        for name, style in zip(table.column_names, styles, strict=True)
    )
    cells = [
        [f"<td {style}>{escape(_cell(name, value))}</td>" for value in table[number].to_pylist()]
        for number, (name, style) in enumerate(zip(table.column_names, styles, strict=True))
    ]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    more = f"<p>{table.num_rows} of {total:,} rows</p>" if total > table.num_rows else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _style(field: "pa.Field") -> str:
    from pyarrow import types

    if types.is_integer(field.type) or types.is_floating(field.type) or types.is_decimal(field.type):
        return _RIGHT
    return _ANYWHERE if field.name in ("fields", "error") else _LEFT


def _cell(name: str, value: object) -> str:
    from osiris_inspect.model.redaction import MASK, is_secret_key

    if value is None:
        return ""
    if is_secret_key(name):
        return MASK
    if name == "duration_s" and isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime) and value.microsecond % 1000 == 0:
        return value.isoformat(" ", "milliseconds")
    text = one_line(str(value))
    return text if len(text) <= _MAX_SHOWN_CELL else f"{text[:_MAX_SHOWN_CELL]}…"
