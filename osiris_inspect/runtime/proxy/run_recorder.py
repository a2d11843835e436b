"""The books of a run while it goes on: each event into the log, what the run card needs kept aside."""

from collections.abc import Callable, Mapping, Set
from typing import Any

from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.runtime.proxy import run_card_builder as card
from osiris_inspect.runtime.proxy.event_log import EventLog

EventListener = Callable[[Event], None]
_SYNCED = frozenset({"step_complete", "step_failed"})


class DiskFull(Exception):
    """The log could not be written; what was to be written stands in the room that was reserved for that."""


class RunRecorder:
    """Writes events and metrics, remembers what the run card is made from.

    Attributes:
        kept: the events a run card is made from.
        full: why the disk refused, None while it took everything.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float], watch: EventListener) -> None:
        self._log, self._clock, self._watch = log, clock, watch
        self.card_events: list[Event] = []
        self._names: dict[str, set[str]] = {}
        self.disk_full_reason: str | None = None

    @property
    def is_locked(self) -> bool:
        """Whether a lock on the log tells others that this run is still going on."""
        return self._log.is_locked

    def record_host_event(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Something happened on the host."""
        self.record_event(name, self._clock(), "host", fields, step)

    def record_event(
        self, name: str, ts: float, side: Side, fields: Mapping[str, Any], step: str | None
    ) -> None:
        """Write an event.

        Raises:
            DiskFull: the disk refused for the first time; the event is written all the same, the run must end.
            OSError: the disk refuses, and the reserved room is used up.
        """
        try:
            event = self._log.write_event(name, ts, side, fields, step)
        except OSError as error:
            if self.disk_full_reason is not None:
                raise
            self._release_reserve(error)
            event = self._log.write_event(name, ts, side, fields, step)
            self._after_event(event)
            raise DiskFull(self.disk_full_reason) from error
        self._after_event(event)

    def record_metric(self, metric: Metric) -> None:
        """Write a metric.

        Raises:
            DiskFull, OSError: as ``write``.
        """
        try:
            self._log.write_metric(metric)
        except OSError as error:
            if self.disk_full_reason is not None:
                raise
            self._release_reserve(error)
            self._log.write_metric(metric)
            raise DiskFull(self.disk_full_reason) from error

    def event_names(self, step: str) -> Set[str]:
        """The names of the kept events of a step."""
        return self._names.get(step, frozenset())

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._log.last_seq

    def sync(self) -> None:
        """Wait until the disk has all of it."""
        self._log.sync()

    def _after_event(self, event: Event) -> None:
        if event.name in card.CARD_EVENTS:
            self.card_events.append(event)
            self._names.setdefault(event.step or "", set()).add(event.name)
        if event.name in _SYNCED:
            self._log.request_sync()
        try:
            self._watch(event)
        except OSError:  # whoever watches cannot show it: that is not this disk, and ends no run
            self._watch = lambda _: None

    def _release_reserve(self, error: OSError) -> None:
        self.disk_full_reason = f"the log cannot be written: {error.strerror or error}"
        self._log.release_reserve()
