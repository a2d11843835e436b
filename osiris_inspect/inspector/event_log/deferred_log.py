"""A long log whose key events are known and whose other events are loaded on demand."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

from osiris_inspect.inspector.run.run import LazyEvents
from osiris_inspect.model.event import Event


class DeferredLog(Sequence[Event]):
    """The events of a long log that another process or an earlier report has read.

    A log that grew since has more events when it is loaded; a deleted one has none.

    Attributes:
        key_events: the events that a report needs.
    """

    def __init__(
        self,
        run: Path,
        cache: Path | None,
        count: int,
        key_events: tuple[Event, ...],
        period: tuple[float, float] | None,
    ) -> None:
        self._run, self._cache = run, cache
        self._count, self.key_events, self._period = count, key_events, period

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Event]: ...
    def __getitem__(self, number: int | slice) -> Event | Sequence[Event]:
        return self.loaded[number]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.loaded)

    def raw_line(self, line: int) -> bytes:
        """Return a line, counted from 0, without its newline."""
        log = self.loaded
        return log.raw_line(line) if isinstance(log, LazyEvents) else b""

    def period(self) -> tuple[float, float] | None:
        """Return the earliest and the latest time in seconds since 1970; None if no line has one."""
        return self._period

    @cached_property
    def loaded(self) -> Sequence[Event]:
        """The events, read from the log; empty if it cannot be read, which the report says."""
        from osiris_inspect.inspector.event_log.open_large_log import open_events
        from osiris_inspect.inspector.files.run_files import RunFiles

        return open_events(RunFiles(self._run), self._cache) or ()
