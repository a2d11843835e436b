"""The runs of a folder as a list: how each ended and why. Results are cached until a file of the run changes.

The cache has one file per folder of runs. A run that is still going on, or is unreadable, is read each
time.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.analysis.run_signature import files_signature
from osiris_inspect.inspector.archives.open_archives import name_in_archive
from osiris_inspect.inspector.files import cache_file
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.run.summary import INCOMPLETE_STATUSES
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.finding import Finding
from osiris_inspect.model.run_types import RunMode, RunStatus
from osiris_inspect.model.version import __version__

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.inspector.project.project import Project

_FOLDER: Final = "lists"
_FIELD_TYPES: Final[dict[str, Any]] = {
    "id": str,
    "pipeline": str | None,
    "status": str,
    "mode": str | None,
    "started": int | float | None,
    "duration_s": int | float | None,
    "rows": int | None,
    "cause": str | None,
    "warnings": int,
    "warning": str | None,
    "pipeline_file": str | None,
    "retried": int,
    "origin": str | None,
    "origin_run": str | None,
}
"""The cached fields of a ``RunEntry`` and their types."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in a list.

    Attributes:
        rows: rows that left the run; None if the run does not record them.
        cause: why the run failed, on one line; None for a success or an unexplained failure.
        warnings: number of warnings of a run that succeeded; 0 for others.
        warning: the first of them, on one line.
        pipeline_file: the file of the pipeline, as the run recorded it; its comments suppress warnings.
        retried: number of steps that succeeded only at a later attempt.
        origin: ``replay``, ``resume``, ``selection`` or ``reuse`` if it used an earlier run; else None.
        origin_run: the earlier run.
    """

    path: Path
    id: str
    pipeline: str | None
    status: RunStatus
    mode: RunMode | None
    started: float | None
    duration_s: float | None
    rows: int | None
    cause: str | None
    warnings: int = 0
    warning: str | None = None
    pipeline_file: str | None = None
    retried: int = 0
    origin: str | None = None
    origin_run: str | None = None

    @property
    def mark(self) -> str:
        """``replay`` or ``resumed`` for a run that repeats or continues another; else empty."""
        return {"replay": "replay", "resume": "resumed"}.get(self.origin or "", "")

    @property
    def reason(self) -> str:
        """The cause of a failure, the first warning of a success, or how many of its steps were retried."""
        retried = f"{pluralize(self.retried, 'step')} succeeded at a later attempt" if self.retried else ""
        return self.cause or self.warning or retried


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Conditions on the runs of a list.

    Attributes:
        failed: only runs that did not succeed.
        pipeline: name of the pipeline, ignoring case, with ``*`` and ``?`` as wildcards.
        since: only runs that started then or later, in seconds since 1970.
        where: a filter of the fields of a run (``run_fields``) and of its text.
    """

    failed: bool = False
    pipeline: str | None = None
    since: float | None = None
    where: "EventFilter | None" = None

    def matches(self, run: RunEntry) -> bool:
        """Return True if the run meets every condition."""
        if self.failed and run.status not in INCOMPLETE_STATUSES:
            return False
        if self.pipeline is not None and not fnmatchcase((run.pipeline or "").lower(), self.pipeline.lower()):
            return False
        if self.where is not None and not self.where.matches_row(run_text(run), run_fields(run)):
            return False
        return self.since is None or (run.started is not None and run.started >= self.since)


def run_fields(run: RunEntry) -> dict[str, object]:
    """Return what a filter of a list of runs compares."""
    return {
        "run": run.id,
        "status": run.status,
        "pipeline": run.pipeline,
        "mode": run.mode,
        "ts": run.started,
        "duration": run.duration_s,
        "rows": run.rows,
        "cause": run.cause,
        "warnings": run.warnings,
        "retried": run.retried,
        "origin": run.origin,
        "origin_run": run.origin_run,
    }


def run_text(run: RunEntry) -> str:
    """Return the text that a filter of a list of runs searches for words."""
    return " ".join((run.id, run.pipeline or "", run.status, run.mark, run.mode or "", run.reason))


def run_entry(
    path: Path, *, now: float | None = None, cache: Path | None = None, project: "Project | None" = None
) -> RunEntry:
    """Return the entry of one run; ``cache`` as in ``loader.load``, ``project`` as in ``diagnose_run``.

    Raises:
        RunNotReadable: the path is not a run.
        SettingsError: the settings of the project are invalid.
    """
    from osiris_inspect.inspector.analysis.analyze import diagnose_run
    from osiris_inspect.inspector.project.source_location import step_locations
    from osiris_inspect.inspector.reader.loader import load
    from osiris_inspect.inspector.run.lineage import build_lineage
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.summary import output_rows

    run = load(path, now=now, cache=cache)
    if run.status == "running":
        report = Report(run, build_lineage(run), ())
    else:
        report = diagnose_run(run, project=project)
    cause, warnings = report.root_cause, report.warnings
    source = step_locations(run).get(None)
    return RunEntry(
        path=path,
        id=run.id,
        pipeline=run.pipeline,
        status=run.status,
        mode=run.mode,
        started=run.started,
        duration_s=run.duration_s,
        rows=output_rows(report),
        cause=_line(cause) if cause is not None else None,
        warnings=len(warnings),
        warning=_line(warnings[0]) if warnings else None,
        pipeline_file=source.file if source is not None else None,
        retried=sum(step.is_flaky for step in run.steps),
        origin=run.parent.kind if run.parent is not None else None,
        origin_run=run.parent.run if run.parent is not None else None,
    )


def _line(finding: Finding) -> str:
    from osiris_inspect.inspector.run.summary import finding_scope

    return f"{finding_scope(finding)}: {finding.message}"


def list_runs(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    run_filter: RunFilter | None = None,
    project: "Project | None" = None,
    on_left_out: Callable[[str], None] | None = None,
) -> Iterator[RunEntry]:
    """Yield the matching runs under a path, newest first, each as soon as it is read.

    Nothing is cached if the ``project`` has rules or suppressions, because these may change at any time.

    Raises:
        RunNotReadable: the folder does not exist or contains no run.
        SettingsError: the settings of the project are invalid.
    """
    runs = find_runs(path, on_left_out=on_left_out)
    ruled = project if project is not None and _has_settings(project) else None
    is_kept = cache is not None and ruled is None and name_in_archive(path) is None
    file = _cache_file(path, cache) if cache is not None and is_kept else None
    cached = _load(file) if file is not None else {}
    entries: dict[str, list[Any]] = {}
    try:
        for run in runs:
            signature = files_signature(run)  # before reading: a later change is seen the next time
            record = cached.get(str(run), [None, None])
            entry = _parse(run, record[1])
            if entry is None or record[0] != signature + _pipeline_state(entry, project):
                entry = _read(run, now=now, cache=cache, project=project)
                fields = {field: getattr(entry, field) for field in _FIELD_TYPES}
                record = [signature + _pipeline_state(entry, project), fields]
            if entry.status not in ("running", "unreadable"):
                entries[str(run)] = record
            if run_filter is None or run_filter.matches(entry):
                yield entry
    finally:
        # also if the caller stopped early: what was read is not read again
        if file is not None and any(cached.get(run) != record for run, record in entries.items()):
            _save(file, {run: record for run, record in cached.items() if Path(run).is_dir()} | entries)


def _pipeline_state(entry: RunEntry, project: "Project | None") -> str:
    """Return size and time of the pipeline file in the project, whose comments suppress warnings."""
    if project is None or entry.pipeline_file is None:
        return ""
    try:
        state = os.stat(os.path.join(project.folder, entry.pipeline_file))  # noqa: PTH116, PTH118  called for each run
    except (OSError, ValueError):
        return ""
    return f" {state.st_size} {state.st_mtime_ns}"


def _has_settings(project: "Project") -> bool:
    from osiris_inspect.inspector.analysis.analyze import project_settings
    from osiris_inspect.inspector.project.config_file import ProjectConfig

    return project_settings(project) != ProjectConfig()


def _read(run: Path, *, now: float | None, cache: Path | None, project: "Project | None") -> RunEntry:
    try:
        return run_entry(run, now=now, cache=cache, project=project)
    except RunNotReadable as error:  # the run was removed while the list was made
        return RunEntry(run, run.name, None, "unreadable", None, None, None, None, str(error))


def _cache_file(path: Path, cache: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(path.resolve()), digest_size=12).hexdigest()
    return cache / _FOLDER / f"{name}.json"


def _load(file: Path) -> dict[str, list[Any]]:
    """Return the cached records by run; empty if the file is missing, damaged or of another version."""
    try:
        document = bounded_json.loads(cache_file.read(file))
        records = document["runs"].items() if document["version"] == __version__ else ()
        return {run: record for run, record in records if isinstance(record, list) and len(record) == 2}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _save(file: Path, records: dict[str, list[Any]]) -> None:
    with suppress(OSError):  # the cache is full or read-only; the list is read again the next time
        cache_file.replace(file, [json.dumps({"version": __version__, "runs": records}).encode()])


def _parse(run: Path, fields: Any) -> RunEntry | None:
    """Return a cached entry, or None if its fields are not valid."""
    if not isinstance(fields, dict) or set(fields) != set(_FIELD_TYPES):
        return None
    if not all(isinstance(fields[name], kind) for name, kind in _FIELD_TYPES.items()):
        return None
    known = fields["status"] in get_args(RunStatus) and fields["mode"] in (None, *get_args(RunMode))
    return RunEntry(path=run, **fields) if known else None
