"""Where the screens get what they show. A seam: tests hand in reports made by hand."""

from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osiris_inspect.inspector.report import Report
from osiris_inspect.model import layout
from osiris_inspect.model.errors import SpillDamaged

if TYPE_CHECKING:
    from osiris_inspect.inspector.catalog import RunEntry
    from osiris_inspect.inspector.frame_facts import Frame


class Source(Protocol):
    """Runs and what is known of them. Every method may block; the screens call them off the event loop."""

    def is_run(self, path: Path) -> bool:
        """Whether the directory is a run, not a folder of runs."""

    def report(self, path: Path, now: float) -> Report:
        """The report on a run."""

    def entries(self, path: Path, now: float) -> Iterator["RunEntry"]:
        """The runs under a folder, newest first, each as soon as it was read."""

    def signature(self, path: Path) -> Hashable:
        """A value that changes when the run has grown."""

    def manual(self, rule: str) -> str | None:
        """The manual of a rule; None where it has none."""

    def frame(self, path: Path) -> "Frame":
        """An open frame, to be closed by whoever asked for it.

        Raises:
            SpillDamaged: it is missing, or cannot be read.
        """


class Disk:
    """Runs on disk, read by the inspector.

    Attributes:
        cache: the folder for indexes of long logs; None keeps none.
        open_frame: opens a spilled frame. What that takes is heavy and not the screen's, so it is handed in.
    """

    def __init__(
        self, cache: Path | None = None, open_frame: "Callable[[Path], Frame] | None" = None
    ) -> None:
        self.cache, self.open_frame = cache, open_frame

    def is_run(self, path: Path) -> bool:
        """Whether the directory is a run."""
        from osiris_inspect.inspector.catalog import is_run

        return is_run(path)

    def report(self, path: Path, now: float) -> Report:
        """Read the run and ask every rule."""
        from osiris_inspect.inspector.report import report

        return report(path, now=now, cache=self.cache)

    def entries(self, path: Path, now: float) -> Iterator["RunEntry"]:
        """Read what there is under a folder, run by run."""
        from osiris_inspect.inspector.catalog import entry, find_runs

        for run in find_runs(path):
            yield entry(run, now=now)

    def signature(self, path: Path) -> Hashable:
        """Size and time of the log and of the verdict; a file that is not there yet counts as such."""
        return tuple(_stamp(path / name) for name in (layout.EVENTS, layout.METRICS, layout.STATUS))

    def manual(self, rule: str) -> str | None:
        """The manual the rule ships with."""
        from osiris_inspect.inspector.diagnose import manual

        return manual(rule)

    def frame(self, path: Path) -> "Frame":
        """Open a Parquet file."""
        if self.open_frame is None:
            raise SpillDamaged(f"{path.name} cannot be read: nothing here knows how")
        return self.open_frame(path)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
