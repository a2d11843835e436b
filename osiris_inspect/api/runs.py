"""Runs: open them, and ask them."""

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.api.exceptions import FrameNotFound, QueryError, StepNotFound
from osiris_inspect.api.frames import Frame
from osiris_inspect.api.steps import Explanation, Finding, Lineage, StepMap, to_finding
from osiris_inspect.api.tables import QueryResult, Table
from osiris_inspect.base.user_folders import user_folder
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import (
    RunNotReadable,
)

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.run import StepState
    from osiris_inspect.model.event import Event
    from osiris_inspect.model.manifest import InputRef
    from osiris_inspect.model.metric import Metric


PathLike = str | os.PathLike[str]


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
    return analyzed_run(run_directories(path)[0], rules, project)


def open_all(
    path: PathLike = ".", *, rules: "Sequence[Rule]" = (), project: PathLike | None = None
) -> "tuple[Run, ...]":
    """Open every run below a folder, the newest first. Arguments and errors are those of ``open``."""
    return tuple(analyzed_run(directory, rules, project) for directory in run_directories(path))


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
        return Table("findings", tuple(map(to_finding, self._report.findings)), self._report)

    @property
    def root_cause(self) -> Finding | None:
        """The finding that explains why the run is not a success; None for a successful or a running one."""
        cause = self._report.root_cause
        return None if cause is None else to_finding(cause)

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


def run_directories(path: PathLike) -> list[Path]:
    """Return the runs at a path, the newest first.

    Raises:
        RunNotReadable: there is none.
    """
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


def analyzed_run(directory: Path, rules: "Sequence[Rule]", project: PathLike | None) -> Run:
    """Return a run with its report."""
    from osiris_inspect.inspector.analysis.analyze import analyze
    from osiris_inspect.inspector.project.project import Project

    trusted = None if project is None else Project(Path(project), trusts_rules=True)
    return Run(analyze(directory, extra_rules=rules, project=trusted))
