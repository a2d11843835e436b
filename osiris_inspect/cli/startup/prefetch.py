"""A run read by a second process while this one loads the screens, so that neither waits for the other.

To read a run and ask every rule takes as long as a third of what the framework takes to load, and both are work for one
core. The child is a fork made before any thread exists; it hands over one pickled report and is gone. It reads whatever
is read by the time the screens stand: a short log, and a long one that has its index. Any other log says nothing here.
"""

import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from osiris_inspect.cli.support import streams

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.report import Report

MAX_PICKLE_BYTES = 8 << 20
"""Bytes of a report that is not handed over: to take it would keep the screen waiting for longer than to read the run."""


class ReportPrefetch:
    """A report that is being made. ``take`` waits for it; whoever does not want it closes it.

    ``cache`` gives the folder for indexes: it is asked in the child, since to find it takes its time as well.
    """

    def __init__(
        self, run: Path, now: float, cache: Callable[[], Path | None], repository: Path | None = None
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
            _child_main(run, now, cache, repository, writing)
        os.close(writing)

    def result(self, run: Path) -> "Report | None":
        """The report, once; None where there is none for this run: it was not begun, takes too long, or went wrong."""
        if not self._child or run != self._run:
            return None
        with os.fdopen(self._pipe, "rb") as pipe:
            told = pipe.read()
        os.waitpid(self._child, 0)
        self._child = 0
        if not told:
            return None
        report: Report = pickle.loads(told)  # noqa: S301  our own child wrote it
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Do without the report."""
        if self._child:
            os.close(self._pipe)
            os.kill(self._child, signal.SIGKILL)  # it may be at a long log, and nobody waits for it any more
            os.waitpid(self._child, 0)
            self._child = 0


def _should_prefetch(run: Path) -> bool:
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        return False
    return os.path.isfile(f"{run}/events.jsonl")  # noqa: PTH113  the layout of a run takes a while to load


def _child_main(
    run: Path, now: float, cache: Callable[[], Path | None], repository: Path | None, writing: int
) -> None:
    """What the child does. It never returns, and says nothing: whoever is told nothing reads the run and says why."""
    try:
        told = _pickled_report(run, now, cache(), repository)
        if len(told) <= MAX_PICKLE_BYTES:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(told)
    except BaseException:  # noqa: BLE001  a stranger's run and rules, a closed pipe, ctrl+c: the child must not go on
        os._exit(1)
    os._exit(0)


def _pickled_report(run: Path, now: float, cache: Path | None, repository: Path | None) -> bytes:
    """The report, pickled; empty where the log takes too long."""
    from osiris_inspect.inspector.event_log.key_events_cache import is_quick_to_read

    if not is_quick_to_read(run, cache):
        return b""
    from osiris_inspect.inspector.analysis.analyze import diagnose_run
    from osiris_inspect.inspector.analysis.pickling import detach_log
    from osiris_inspect.inspector.reader.loader import load

    told = diagnose_run(load(run, now=now, cache=cache, key_events_only=True), repository=repository)
    return pickle.dumps(detach_log(told, cache), pickle.HIGHEST_PROTOCOL)
