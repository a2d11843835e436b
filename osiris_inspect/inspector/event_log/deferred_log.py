"""A long log of which only the events are there that make the picture of its run; it is opened when others are wanted."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

from osiris_inspect.inspector.run.run import LazyEvents
from osiris_inspect.model.event import Event


class DeferredLog(Sequence[Event]):
    """The events of a long log that was read elsewhere: what makes the picture of its run, and the others when asked for.

    A log that grew meanwhile has more of them, and one that is gone has none.

    Attributes:
        told: the events that make the picture of the run.
    """

    def __init__(
        self,
        place: tuple[Path, Path | None],
        count: int,
        told: tuple[Event, ...],
        period: tuple[float, float] | None,
    ) -> None:
        """The run, where the index of its log is kept, and what is known of the log."""
        self._run, self._cache = place
        self._count, self.key_events, self._period = count, told, period

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Event]: ...
    def __getitem__(self, number: int | slice) -> Event | Sequence[Event]:
        return self.load[number]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.load)

    def raw_line(self, line: int) -> bytes:
        """A line, counted from 0, without its newline."""
        log = self.load
        return log.raw_line(line) if isinstance(log, LazyEvents) else b""

    def period(self) -> tuple[float, float] | None:
        """The earliest and the latest time in seconds since 1970; None where no line has one."""
        return self._period

    @cached_property
    def load(self) -> Sequence[Event]:
        """The events, read. What cannot be read of them is told by the report."""
        from osiris_inspect.inspector.event_log.open_large_log import open_events
        from osiris_inspect.inspector.files.run_files import RunFiles

        return open_events(RunFiles(self._run), self._cache) or ()
