"""Time spans of steps, and ids that are the same in every export of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.timeline import RunPhase, run_phases

LAST_MOMENT: Final = 253_402_300_799.0
"""The end of the year 9999, the last time in ISO 8601."""


@dataclass(frozen=True, slots=True)
class Span:
    """Start and end of a step in seconds since 1970."""

    step: StepState
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class RunSpans:
    """The time spans of a run, in seconds since 1970.

    Attributes:
        start: 0 for a run without times.
        end: the end, or the last known time.
        spans: steps with a known start, in order; a running step ends with the run.
        phases: the phases of the run outside its steps, which may begin before ``start``.
    """

    start: float
    end: float
    spans: Mapping[str, Span]
    phases: tuple[RunPhase, ...] = ()


def run_spans(run: Run) -> RunSpans:
    """Return the time spans of a run, limited to the calendar, no end before its start."""
    starts = {step.id: start for step in run.steps if (start := _start(step)) is not None}
    begin = run.started if run.started is not None else min(starts.values(), default=0.0)
    last = max((event.ts for event in run.key_events if event.ts is not None), default=begin)
    end = max(_clamp(run.ended if run.ended is not None else last), _clamp(begin))
    spans = {step.id: _span(step, starts[step.id], end) for step in run.steps if step.id in starts}
    phases = (phase._replace(begin=_clamp(phase.begin), end=_clamp(phase.end)) for phase in run_phases(run))
    return RunSpans(_clamp(begin), end, spans, tuple(phases))


def stable_id(run: Run, step: str | None = None) -> UUID:
    """Return the id of a run or a step, derived from their names."""
    parts = ("osiris-inspect:", run.pipeline or "", run.id, step or "")
    return uuid5(NAMESPACE_URL, "/".join(parts).encode("utf-8", "replace").decode())


def iso_timestamp(ts: float) -> str:
    """Return a time in ISO 8601, UTC, with microseconds."""
    return datetime.fromtimestamp(_clamp(ts), UTC).isoformat(timespec="microseconds")


def _start(step: StepState) -> float | None:
    if step.started is not None:
        return step.started
    if step.ended is not None and step.duration_s is not None:
        return step.ended - step.duration_s
    return None


def _span(step: StepState, start: float, end_of_run: float) -> Span:
    start = _clamp(start)
    if step.ended is not None:
        return Span(step, start, max(_clamp(step.ended), start))
    end = start + step.duration_s if step.duration_s is not None else end_of_run
    return Span(step, start, max(_clamp(end), start))


def _clamp(ts: float) -> float:
    return min(max(ts, 0.0), LAST_MOMENT)
