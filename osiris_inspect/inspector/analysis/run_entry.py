"""A list of runs to choose from: what each was, how it ended, and why."""

from dataclasses import dataclass
from pathlib import Path

from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.model.run_types import RunMode, RunStatus


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in a list.

    Attributes:
        rows: the rows that left the run; None where not told.
        cause: why it is no success, in one line; None for a success and where nothing explains it.
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


def entries(path: Path, *, now: float | None = None) -> list[RunEntry]:
    """The runs in a directory as a list to choose from, newest first.

    Raises:
        RunNotReadable: there is no such directory, or no run in it.
    """
    return [run_entry(run, now=now) for run in find_runs(path)]


def run_entry(
    path: Path, *, now: float | None = None, cache: Path | None = None, repository: Path | None = None
) -> RunEntry:
    """One run of a list; ``cache`` as for ``loading.load``, ``repository`` as for ``report.judged``.

    Raises:
        RunNotReadable: the path is no run.
        SettingsError: the repository's settings say something that cannot be.
    """
    from osiris_inspect.inspector.analysis.analyze import diagnose_run
    from osiris_inspect.inspector.reader.loader import load
    from osiris_inspect.inspector.run.lineage import build_lineage
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.summary import finding_scope, output_rows

    run = load(path, now=now, cache=cache)
    # a run that went well needs no cause, so no rule is asked
    went_well = run.status in ("success", "running")
    told = Report(run, build_lineage(run), ()) if went_well else diagnose_run(run, repository=repository)
    cause = told.root_cause
    return RunEntry(
        path=path,
        id=run.id,
        pipeline=run.pipeline,
        status=run.status,
        mode=run.mode,
        started=run.started,
        duration_s=run.duration_s,
        rows=output_rows(told),
        cause=f"{finding_scope(cause)}: {cause.message}" if cause is not None else None,
    )
