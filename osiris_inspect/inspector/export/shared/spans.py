"""Steps as spans of time, and ids that are the same each time a run is exported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from osiris_inspect.inspector.run.run import Run, StepState

LAST_MOMENT: Final = 253_402_300_799.0
"""The end of the year 9999: a later time has no form in ISO 8601."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a step ran, in seconds since 1970."""

    step: StepState
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class RunSpans:
    """When a run and its steps were, in seconds since 1970.

    Attributes:
        start: its beginning; 0 for a run without any time, which so stands in 1970.
        end: its end, or when it was last heard of.
        spans: the steps whose beginning is known, in the order of the steps; one that goes on ends with the run.
    """

    start: float
    end: float
    spans: Mapping[str, Span]


def run_spans(run: Run) -> RunSpans:
    """The times of a run, each inside the calendar, no end before its beginning."""
    starts = {step.id: start for step in run.steps if (start := _start(step)) is not None}
    begin = run.started if run.started is not None else min(starts.values(), default=0.0)
    last = max((event.ts for event in run.key_events if event.ts is not None), default=begin)
    end = max(_inside(run.ended if run.ended is not None else last), _inside(begin))
    spans = {step.id: _span(step, starts[step.id], end) for step in run.steps if step.id in starts}
    return RunSpans(_inside(begin), end, spans)


def stable_id(run: Run, step: str | None = None) -> UUID:
    """The id of a run or of one of its steps; it comes from their names alone."""
    parts = ("osiris-inspect:", run.pipeline or "", run.id, step or "")
    return uuid5(NAMESPACE_URL, "/".join(parts).encode("utf-8", "replace").decode())


def iso_timestamp(ts: float) -> str:
    """A time in ISO 8601, UTC, with microseconds."""
    return datetime.fromtimestamp(_inside(ts), UTC).isoformat(timespec="microseconds")


def _start(step: StepState) -> float | None:
    if step.started is not None:
        return step.started
    if step.ended is not None and step.duration_s is not None:
        return step.ended - step.duration_s
    return None


def _span(step: StepState, start: float, end_of_run: float) -> Span:
    start = _inside(start)
    if step.ended is not None:
        return Span(step, start, max(_inside(step.ended), start))
    end = start + step.duration_s if step.duration_s is not None else end_of_run
    return Span(step, start, max(_inside(end), start))


def _inside(ts: float) -> float:
    return min(max(ts, 0.0), LAST_MOMENT)
