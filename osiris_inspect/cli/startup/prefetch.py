"""Reads a run in a child process while this process loads the viewer.

The child is forked before any thread exists, sends one pickled report and exits. It only reads logs that are quick to
read: short ones, and long ones with an index.
"""

import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from osiris_inspect.cli.support import streams

if TYPE_CHECKING:
    from osiris_inspect.inspector.project.project import Project
    from osiris_inspect.inspector.run.report import Report

MAX_PICKLE_BYTES = 8 << 20
"""Maximum size of a report that is sent; receiving a larger one takes longer than reading the run."""


class ReportPrefetch:
    """A report that a child process makes. A context manager; ``result`` waits for the report.

    ``cache`` returns the folder for indexes, and ``project`` the project; the child calls them, because it takes time.
    """

    def __init__(
        self,
        run: Path,
        now: float,
        cache: Callable[[], Path | None],
        project: "Callable[[], Project | None]" = lambda: None,
    ) -> None:
        self._run = run
        self._child, self._pipe = 0, -1
        if not _should_prefetch(run):
            return
        streams.flush()  # the child must not write buffered text a second time
        reading, writing = os.pipe()
        self._child, self._pipe = os.fork(), reading
        if self._child == 0:
            os.close(reading)
            _child_main(run, now, cache, project, writing)
        os.close(writing)

    def result(self, run: Path) -> "Report | None":
        """Return the report once; None if it is for another run, was not started, is too large, or failed."""
        if not self._child or run != self._run:
            return None
        with os.fdopen(self._pipe, "rb") as pipe:
            pickled = pipe.read()
        os.waitpid(self._child, 0)
        self._child = 0
        if not pickled:
            return None
        report: Report = pickle.loads(pickled)  # noqa: S301  our own child wrote it
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the child."""
        if self._child:
            os.close(self._pipe)
            os.kill(self._child, signal.SIGKILL)  # it may still read a long log
            os.waitpid(self._child, 0)
            self._child = 0


def _should_prefetch(run: Path) -> bool:
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        return False
    return os.path.isfile(f"{run}/events.jsonl")  # noqa: PTH113  importing the run layout takes too long


def _child_main(
    run: Path,
    now: float,
    cache: Callable[[], Path | None],
    project: "Callable[[], Project | None]",
    writing: int,
) -> None:
    """Send a pickled report and exit. On any error send nothing; the parent then reads the run itself."""
    try:
        pickled = _pickled_report(run, now, cache(), project())
        if len(pickled) <= MAX_PICKLE_BYTES:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(pickled)
    except BaseException:  # noqa: BLE001  any error, also in custom rules, and Ctrl-C: the child must exit
        os._exit(1)
    os._exit(0)


def _pickled_report(run: Path, now: float, cache: Path | None, project: "Project | None") -> bytes:
    """Return the pickled report; empty if the log takes too long to read."""
    from osiris_inspect.inspector.event_log.key_events_cache import is_quick_to_read

    if not is_quick_to_read(run, cache):
        return b""
    from osiris_inspect.inspector.analysis.analyze import diagnose_run
    from osiris_inspect.inspector.analysis.pickling import detach_log
    from osiris_inspect.inspector.reader.loader import load

    report = diagnose_run(load(run, now=now, cache=cache, key_events_only=True), project=project)
    return pickle.dumps(detach_log(report, cache), pickle.HIGHEST_PROTOCOL)
