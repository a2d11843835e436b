"""Records events and metrics during a run and keeps the events that the run card needs."""

from collections.abc import Callable, Mapping, Set
from typing import Any

from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.run_card_builder import CARD_EVENTS

EventListener = Callable[[Event], None]
_SYNCED = frozenset({"step_complete", "step_failed"})


class DiskFull(Exception):
    """The disk is full; the line was written into the reserved space, and the run must end."""


class RunRecorder:
    """Writes events and metrics, and passes events to a listener.

    Attributes:
        log: the event log.
        card_events: the events that the run card is built from.
        disk_full_reason: error of the first failed write; None if none failed.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float], on_event: EventListener) -> None:
        self.log, self._clock, self._on_event = log, clock, on_event
        self.card_events: list[Event] = []
        self.disk_full_reason: str | None = None

    def record_host_event(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Write an event of the host; raises like ``record_event``."""
        self.record_event(name, self._clock(), "host", fields, step)

    def record_event(
        self, name: str, ts: float, side: Side, fields: Mapping[str, Any], step: str | None
    ) -> None:
        """Write an event.

        Raises:
            DiskFull: a write failed for the first time; the event was written into the reserved space.
            OSError: the write failed, and the reserved space is used up.
        """
        try:
            event = self.log.write_event(name, ts, side, fields, step)
        except OSError as error:
            self._release_reserve(error)
            self._after_event(self.log.write_event(name, ts, side, fields, step))
            raise DiskFull(self.disk_full_reason) from error
        self._after_event(event)

    def record_metric(self, metric: Metric) -> None:
        """Write a metric.

        Raises:
            DiskFull, OSError: like ``record_event``.
        """
        try:
            self.log.write_metric(metric)
        except OSError as error:
            self._release_reserve(error)
            self.log.write_metric(metric)
            raise DiskFull(self.disk_full_reason) from error

    def event_names(self, step: str) -> Set[str]:
        """Return the names of the step's events in ``card_events``."""
        return {event.name for event in self.card_events if event.step == step}

    def _after_event(self, event: Event) -> None:
        if event.name in CARD_EVENTS:
            self.card_events.append(event)
        if event.name in _SYNCED:
            self.log.request_sync()
        try:
            self._on_event(event)
        except OSError:  # the listener's output is closed: continue without it
            self._on_event = lambda _: None

    def _release_reserve(self, error: OSError) -> None:
        if self.disk_full_reason is not None:
            raise error
        self.disk_full_reason = f"cannot write the log: {error.strerror or error}"
        self.log.release_reserve()
