"""Times of a log: those of a clock that was set during the run, and the step of a line of a text log."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from osiris_inspect.inspector.run.run import LogLine, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import Event, parse_timestamp

_TIME: Final = LazyRegex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?")
_ZONE: Final = 900
"""Offsets of time zones are multiples of this many seconds."""
_PRECISION: Final = 1.0
"""Text logs cut times to a second."""


MAX_CLOCK_STEP_S: Final = 1.0
"""Difference from which a clock was set; it differs by less because the system adjusts its rate."""


class SteadyClock:
    """Corrects the times of events whose clock was set during the run, by their monotonic clocks."""

    def __init__(self) -> None:
        self._starts: dict[tuple[str | None, ...], float] = {}
        self._monos: dict[tuple[str | None, ...], float] = {}
        self._last: float | None = None

    def steady(self, event: Event) -> Event:
        """Return an event, the next one of its log, with the time that a steady clock would have shown."""
        if event.mono is None or event.ts is None:
            return event
        writer = (event.session, event.side, event.node)
        is_new = event.mono < self._monos.get(
            writer, event.mono + 1
        )  # the first event, or of another process
        self._monos[writer] = event.mono
        if is_new:  # its clock may have been set before
            is_near = self._last is None or abs(event.ts - self._last) < MAX_CLOCK_STEP_S
            self._starts[writer] = (event.ts if is_near else self._last or event.ts) - event.mono
        time = self._starts[writer] + event.mono
        self._last = time
        return event if abs(time - event.ts) < MAX_CLOCK_STEP_S else replace(event, ts=time)


def logged_time(text: str) -> float | None:
    """Return the time at the beginning of a line, read as UTC; None if there is none."""
    match = _TIME.match(text)
    return parse_timestamp(match[0].replace(" ", "T").replace(",", ".") + "+00:00") if match else None


def with_step_by_time(line: LogLine, steps: Sequence[StepState]) -> LogLine:
    """Return a line of a text log without the step that an earlier line named, if that one was not running then."""
    if line.step is None or line.step in line.text:
        return line
    running = steps_at(logged_time(line.text), steps)
    if not running or line.step in running:
        return line
    return line._replace(step=running[0] if len(running) == 1 else None)


def step_at(time: float | None, steps: Sequence[StepState]) -> str | None:
    """Return the step that was running at a time of a text log; None if several may have been."""
    running = steps_at(time, steps)
    return running[0] if len(running) == 1 else None


def steps_at(time: float | None, steps: Sequence[StepState]) -> tuple[str, ...]:
    """Return the steps that may have been running at a time of a text log, which is cut to a second.

    Text logs are written in local time and events in UTC; the offset is the one that lets the time fit the run.
    """
    times = [moment for step in steps for moment in (step.started, step.ended) if moment is not None]
    if time is None or not times:
        return ()
    first, last = min(times), max(times)
    if not first - _PRECISION <= time <= last + _PRECISION:
        time += round(((first + last) / 2 - time) / _ZONE) * _ZONE
    return tuple(
        step.id
        for step in steps
        if step.started is not None
        and step.started - _PRECISION <= time
        and (step.ended is None or time <= step.ended)
    )
