"""Data source of the screens. Tests replace it with reports in memory."""

from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillCorrupt

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.run_list import RunEntry
    from osiris_inspect.inspector.project.project import Project
    from osiris_inspect.inspector.run.frame_info import FrameReader
    from osiris_inspect.inspector.tables.sql_types import SqlSession

ProgressCallback = Callable[[int, int], bool]
"""Receives the bytes of a long log read so far and its size; returns False to cancel the reading."""

QUICK_BYTES = 256 << 10
"""Largest log that is read before the first screen; takes about 10 ms."""


class DataSource(Protocol):
    """Runs and their reports. All methods but ``is_run`` and ``quick_report`` may be slow: call them in a thread."""

    def is_run(self, path: Path) -> bool:
        """Return True if the directory is a run, not a folder of runs."""

    def report(self, path: Path, now: float, on_progress: ProgressCallback | None = None) -> Report:
        """Return the report on a run; if ``on_progress`` cancels, the result is incomplete and must be dropped."""

    def quick_report(self, path: Path, now: float) -> Report | None:
        """Return the report on a run with a short log; None if reading would be slow or fails."""

    def entries(self, path: Path, now: float) -> Iterator["RunEntry"]:
        """Yield the runs of a folder, newest first."""

    def since_green(self, path: Path, now: float) -> str | None:
        """Return where a run diverges from the last success of its pipeline; None if there is none."""

    def signature(self, path: Path) -> Hashable:
        """Return a value that changes when the run's files change."""

    def manual(self, rule: str) -> str | None:
        """Return the manual of a rule; None if it has none."""

    def frame(self, path: Path) -> "FrameReader":
        """Open a spilled frame; the caller closes it.

        Raises:
            SpillCorrupt: The file is missing or unreadable.
        """

    def sql_session(self, report: Report) -> "SqlSession":
        """Open a run for SQL queries; the caller closes it."""


class LocalDataSource:
    """Runs on disk, read by the inspector.

    Attributes:
        cache: Folder for indexes of long logs; None disables caching.
        open_frame: Opens a spilled frame. Passed in because it needs pyarrow.
        open_console: Opens a run for SQL queries. Passed in because it needs DuckDB.
        prefetched: Returns a report that was read while the screens were loading; None if there is none.
        project: Project with custom rules and suppressions; None for none.
    """

    def __init__(
        self,
        cache: Path | None = None,
        open_frame: "Callable[[Path], FrameReader] | None" = None,
        open_console: "Callable[[Report], SqlSession] | None" = None,
        prefetched: "Callable[[Path], Report | None] | None" = None,
        project: "Project | None" = None,
    ) -> None:
        self.cache, self.open_frame, self.open_console = cache, open_frame, open_console
        self.prefetched, self.project = prefetched, project

    def is_run(self, path: Path) -> bool:
        """Return True if the directory is a run."""
        from osiris_inspect.inspector.files.find_runs import is_run

        return is_run(path)

    def report(self, path: Path, now: float, on_progress: ProgressCallback | None = None) -> Report:
        """Read a run and apply every rule."""
        from osiris_inspect.inspector.analysis.analyze import analyze

        return analyze(path, now=now, cache=self.cache, project=self.project, on_progress=on_progress)

    def quick_report(self, path: Path, now: float) -> Report | None:
        """Return the prefetched report, or read a run with a short log; ``report`` repeats and raises any error."""
        from osiris_inspect.inspector.files.run_files import RunFiles

        prefetched, self.prefetched = self.prefetched, None
        try:
            report = prefetched(path) if prefetched is not None else None
            if report is None and (RunFiles(path).size(layout.EVENTS) or 0) <= QUICK_BYTES:
                report = self.report(path, now)
        except Exception:  # noqa: BLE001  foreign runs and rules; ``report`` raises the same error again
            return None
        return report

    def entries(self, path: Path, now: float) -> Iterator["RunEntry"]:
        """Yield the runs of a folder; unchanged runs come from the cache."""
        from osiris_inspect.inspector.analysis.run_list import list_runs

        yield from list_runs(path, now=now, cache=self.cache, project=self.project)

    def since_green(self, path: Path, now: float) -> str | None:
        """Compare a run with the last successful one beside it."""
        from osiris_inspect.inspector.analysis.history import since_green

        return since_green(path, now=now, cache=self.cache)

    def signature(self, path: Path) -> Hashable:
        """Return size and modification time of the run's log, metrics and status files."""
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(path)
        states = map(disk.state, (layout.EVENTS, layout.METRICS, layout.STATUS))
        return tuple((state.st_size, state.st_mtime_ns) if state is not None else None for state in states)

    def manual(self, rule: str) -> str | None:
        """Return the manual of a rule."""
        from osiris_inspect.inspector.diagnosis.engine import rule_manual

        return rule_manual(rule)

    def frame(self, path: Path) -> "FrameReader":
        """Open a Parquet file."""
        if self.open_frame is None:
            raise SpillCorrupt(f"cannot read {path.name!r}: no Parquet reader is available")
        return self.open_frame(path)

    def sql_session(self, report: Report) -> "SqlSession":
        """Open a run for SQL queries."""
        if self.open_console is None:
            raise LookupError("SQL is not available here")
        return self.open_console(report)
