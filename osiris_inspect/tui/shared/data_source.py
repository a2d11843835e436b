"""Where the screens get what they show. A seam: tests hand in reports made by hand."""

from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillCorrupt

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.run_list import RunEntry
    from osiris_inspect.inspector.run.frame_info import FrameReader
    from osiris_inspect.inspector.tables.sql_types import SqlSession

ProgressCallback = Callable[[int, int], bool]
"""Is given the bytes of a long log that were read and all that there are; says whether anybody still waits for them."""

QUICK_BYTES = 256 << 10
"""Bytes of a log that are read while nobody would notice: some 10 ms."""


class DataSource(Protocol):
    """Runs and what is known of them. All but ``is_run`` and ``at_once`` may take long: screens call them off the loop."""

    def is_run(self, path: Path) -> bool:
        """Whether the directory is a run, not a folder of runs."""

    def report(self, path: Path, now: float, on_progress: ProgressCallback | None = None) -> Report:
        """The report on a run. Where ``told`` says False, it is given up, and what is returned is for nobody."""

    def quick_report(self, path: Path, now: float) -> Report | None:
        """The report on a run that is read before a screen could be painted; None where that takes longer, or fails."""

    def entries(self, path: Path, now: float) -> Iterator["RunEntry"]:
        """The runs under a folder, newest first, each as soon as it was read."""

    def signature(self, path: Path) -> Hashable:
        """A value that changes when the run has grown."""

    def manual(self, rule: str) -> str | None:
        """The manual of a rule; None where it has none."""

    def frame(self, path: Path) -> "FrameReader":
        """An open frame, to be closed by whoever asked for it.

        Raises:
            SpillCorrupt: it is missing, or cannot be read.
        """

    def sql_session(self, report: Report) -> "SqlSession":
        """A run as tables, to be closed by whoever asked for it."""


class LocalDataSource:
    """Runs on disk, read by the inspector.

    Attributes:
        cache: the folder for indexes of long logs; None keeps none.
        open_frame: opens a spilled frame. What that takes is heavy and not the screen's, so it is handed in.
        open_console: makes tables of a run, and is handed in for the same reason.
        ahead: gives the report on a run that somebody began to read before the screens were loaded; None without one.
        repository: the folder whose rules and allowances count; None for none.
    """

    def __init__(
        self,
        cache: Path | None = None,
        open_frame: "Callable[[Path], FrameReader] | None" = None,
        open_console: "Callable[[Report], SqlSession] | None" = None,
        prefetched: "Callable[[Path], Report | None] | None" = None,
        repository: Path | None = None,
    ) -> None:
        self.cache, self.open_frame, self.open_console = cache, open_frame, open_console
        self.prefetched, self.repository = prefetched, repository

    def is_run(self, path: Path) -> bool:
        """Whether the directory is a run."""
        from osiris_inspect.inspector.files.find_runs import is_run

        return is_run(path)

    def report(self, path: Path, now: float, on_progress: ProgressCallback | None = None) -> Report:
        """Read the run and ask every rule."""
        from osiris_inspect.inspector.analysis.analyze import analyze

        return analyze(path, now=now, cache=self.cache, repository=self.repository, on_progress=on_progress)

    def quick_report(self, path: Path, now: float) -> Report | None:
        """Read a run with a short log. What goes wrong is found again, and said, by whoever asks for the report."""
        ahead, self.prefetched = self.prefetched, None
        try:
            told = ahead(path) if ahead is not None else None
            if told is not None:
                return told
            if (path / layout.EVENTS).stat().st_size > QUICK_BYTES:
                return None
            return self.report(path, now)
        except Exception:  # noqa: BLE001  a stranger's run and a stranger's rules; the slow way says what went wrong
            return None

    def entries(self, path: Path, now: float) -> Iterator["RunEntry"]:
        """Read what there is under a folder, run by run; what is known of a run that did not change is not read again."""
        from osiris_inspect.inspector.analysis.run_list import list_runs

        yield from list_runs(path, now=now, cache=self.cache, repository=self.repository)

    def signature(self, path: Path) -> Hashable:
        """Size and time of the log and of the verdict; a file that is not there yet counts as such."""
        return tuple(_stamp(path / name) for name in (layout.EVENTS, layout.METRICS, layout.STATUS))

    def manual(self, rule: str) -> str | None:
        """The manual the rule ships with."""
        from osiris_inspect.inspector.diagnosis.engine import rule_manual

        return rule_manual(rule)

    def frame(self, path: Path) -> "FrameReader":
        """Open a Parquet file."""
        if self.open_frame is None:
            raise SpillCorrupt(f"{path.name} cannot be read: nothing here knows how")
        return self.open_frame(path)

    def sql_session(self, report: Report) -> "SqlSession":
        """Make tables of a run."""
        if self.open_console is None:
            raise LookupError("nothing here knows how to ask a run in SQL")
        return self.open_console(report)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
