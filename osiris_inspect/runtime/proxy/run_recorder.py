"""Records events and metrics during a run and keeps the events that the run card needs."""

from collections.abc import Callable, Mapping, Set
from time import monotonic
from typing import Any

from osiris_inspect.model.errors import OsirisError
from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.run_card_builder import CARD_EVENTS

EventListener = Callable[[Event], None]
CAPTURE_EVENTS = ("frame_captured", "capture_missed")
_SYNCED = frozenset({"step_complete", "step_failed"})


class DiskFull(OsirisError):
    """A line could not be written, above all because the disk is full; the run must end.

    The line was written into the reserved space.
    """


class RunRecorder:
    """Writes events and metrics, and passes events to a listener.

    Attributes:
        log: the event log.
        card_events: the events that the run card is built from.
        attempts: the number of the attempt by step, for steps that can have several; a field of their events.
        captures: the last event about the capture of each input, by step and input.
        disk_full: error of the first failed write; None if none failed.
        last_heartbeats: fields of the last ``heartbeat`` of each worker by its number; None for the only worker.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float], on_event: EventListener) -> None:
        self.log, self._clock, self._on_event = log, clock, on_event
        self._started = monotonic()
        self.card_events: list[Event] = []
        self.attempts: dict[str, int] = {}
        self.captures: dict[tuple[str, str], str] = {}
        self.disk_full: DiskFull | None = None
        self.last_heartbeats: dict[int | None, Mapping[str, Any]] = {}

    def record_host_event(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Write an event of the host; raises like ``record_event``."""
        self.record_event(name, self._clock(), "host", fields, step, self.elapsed_s)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the run, by a monotonic clock."""
        return monotonic() - self._started

    def record_event(
        self,
        name: str,
        ts: float,
        side: Side,
        fields: Mapping[str, Any],
        step: str | None,
        mono: float | None = None,
    ) -> None:
        """Write an event.

        Raises:
            DiskFull: a write failed for the first time; the event was written into the reserved space.
            OSError: the write failed, and the reserved space is used up.
        """
        if step in self.attempts:
            fields = {"attempt": self.attempts[step], **fields}
        try:
            event = self.log.write_event(name, ts, side, fields, step, mono)
        except OSError as error:
            failure = self._release_reserve(error)
            self._after_event(self.log.write_event(name, ts, side, fields, step, mono))
            raise failure from error
        self._after_event(event)

    def record_metric(self, metric: Metric) -> None:
        """Write a metric.

        Raises:
            DiskFull, OSError: like ``record_event``.
        """
        try:
            self.log.write_metric(metric)
        except OSError as error:
            failure = self._release_reserve(error)
            self.log.write_metric(metric)
            raise failure from error

    def event_names(self, step: str) -> Set[str]:
        """Return the names of the step's events in ``card_events``, those of its last attempt."""
        names: set[str] = set()
        for event in self.card_events:
            if event.step == step:
                names = set() if event.name == "step_retry" else names | {event.name}
        return names

    def _after_event(self, event: Event) -> None:
        if event.name in CAPTURE_EVENTS and event.step is not None:
            self.captures[event.step, str(event.fields.get("input"))] = event.name
        if event.name in CARD_EVENTS:
            self.card_events.append(event)
        if event.name in _SYNCED:
            self.log.request_sync()
        try:
            self._on_event(event)
        except OSError:  # the listener's output is closed: continue without it
            self._on_event = lambda _: None

    def _release_reserve(self, error: OSError) -> DiskFull:
        """Release the reserved space after the first failed write; return the error that ends the run."""
        if self.disk_full is not None:
            raise error
        self.disk_full = DiskFull(
            f"cannot write the log: {error.strerror or error}",
            kind=kind_of(error, "run-directory-not-writable"),
            **os_error_facts(error),
        )
        self.log.release_reserve()
        return self.disk_full
