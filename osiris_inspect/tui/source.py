"""Where the screens get what they show. A seam: tests hand in reports made by hand."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osiris_inspect.inspector.report import Report
from osiris_inspect.model import layout

if TYPE_CHECKING:
    from osiris_inspect.inspector.catalog import RunEntry


class Source(Protocol):
    """Runs and what is known of them. Every method may block; the screens call them off the event loop."""

    def is_run(self, path: Path) -> bool:
        """Whether the directory is a run, not a folder of runs."""

    def report(self, path: Path, now: float) -> Report:
        """The report on a run."""

    def entries(self, path: Path, now: float) -> Sequence["RunEntry"]:
        """The runs under a folder, newest first."""

    def signature(self, path: Path) -> Hashable:
        """A value that changes when the run has grown."""

    def manual(self, rule: str) -> str | None:
        """The manual of a rule; None where it has none."""


class Disk:
    """Runs on disk, read by the inspector."""

    def is_run(self, path: Path) -> bool:
        """Whether the directory is a run."""
        from osiris_inspect.inspector.catalog import is_run

        return is_run(path)

    def report(self, path: Path, now: float) -> Report:
        """Read the run and ask every rule."""
        from osiris_inspect.inspector.report import report

        return report(path, now=now)

    def entries(self, path: Path, now: float) -> Sequence["RunEntry"]:
        """Read what there is under a folder."""
        from osiris_inspect.inspector.catalog import entries

        return entries(path, now=now)

    def signature(self, path: Path) -> Hashable:
        """Size and time of the log and of the verdict; a file that is not there yet counts as such."""
        return tuple(_stamp(path / name) for name in (layout.EVENTS, layout.METRICS, layout.STATUS))

    def manual(self, rule: str) -> str | None:
        """The manual the rule ships with."""
        from osiris_inspect.inspector.diagnose import manual

        return manual(rule)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
