"""The books of a run while it goes on: each event into the log, what the run card needs kept aside."""

from collections.abc import Callable, Mapping, Set
from typing import Any

from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.runtime.proxy import run_card_builder as card
from osiris_inspect.runtime.proxy.event_log import Log

Watch = Callable[[Event], None]
_SYNCED = frozenset({"step_complete", "step_failed"})


class DiskFull(Exception):
    """The log could not be written; what was to be written stands in the room that was reserved for that."""


class Books:
    """Writes events and metrics, remembers what the run card is made from.

    Attributes:
        kept: the events a run card is made from.
        full: why the disk refused, None while it took everything.
    """

    def __init__(self, log: Log, clock: Callable[[], float], watch: Watch) -> None:
        self._log, self._clock, self._watch = log, clock, watch
        self.kept: list[Event] = []
        self._names: dict[str, set[str]] = {}
        self.full: str | None = None

    @property
    def is_locked(self) -> bool:
        """Whether a lock on the log tells others that this run is still going on."""
        return self._log.is_locked

    def tell(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Something happened on the host."""
        self.write(name, self._clock(), "host", fields, step)

    def write(self, name: str, ts: float, side: Side, fields: Mapping[str, Any], step: str | None) -> None:
        """Write an event.

        Raises:
            DiskFull: the disk refused for the first time; the event is written all the same, the run must end.
            OSError: the disk refuses, and the reserved room is used up.
        """
        try:
            event = self._log.event(name, ts, side, fields, step)
        except OSError as error:
            if self.full is not None:
                raise
            self._use_reserve(error)
            event = self._log.event(name, ts, side, fields, step)
            self._note(event)
            raise DiskFull(self.full) from error
        self._note(event)

    def measure(self, metric: Metric) -> None:
        """Write a metric.

        Raises:
            DiskFull, OSError: as ``write``.
        """
        try:
            self._log.metric(metric)
        except OSError as error:
            if self.full is not None:
                raise
            self._use_reserve(error)
            self._log.metric(metric)
            raise DiskFull(self.full) from error

    def names(self, step: str) -> Set[str]:
        """The names of the kept events of a step."""
        return self._names.get(step, frozenset())

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._log.last_seq

    def sync(self) -> None:
        """Wait until the disk has all of it."""
        self._log.sync()

    def _note(self, event: Event) -> None:
        if event.name in card.NEEDED:
            self.kept.append(event)
            self._names.setdefault(event.step or "", set()).add(event.name)
        if event.name in _SYNCED:
            self._log.sync_soon()
        try:
            self._watch(event)
        except OSError:  # whoever watches cannot show it: that is not this disk, and ends no run
            self._watch = lambda _: None

    def _use_reserve(self, error: OSError) -> None:
        self.full = f"the log cannot be written: {error.strerror or error}"
        self._log.make_room()
