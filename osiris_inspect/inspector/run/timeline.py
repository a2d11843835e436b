"""The timeline of a run: its own phases, those of each step, the critical path, and the memory of the frames.

Times are in seconds from the first time of the run. Steps and events without a time are omitted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor, log10
from typing import Final, Literal, NamedTuple

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.step_times import SteadyClock
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import format_bytes, format_duration
from osiris_inspect.model.event import Event, as_int, finite_number

Phase = Literal["waiting", "working", "spilling"]


class PhaseSpan(NamedTuple):
    """A phase of a step."""

    phase: Phase
    begin: float
    end: float


class RunPhase(NamedTuple):
    """A phase of the run outside its steps, such as ``sandbox`` or ``download``.

    Attributes:
        begin, end: seconds since 1970; in a ``RunTimeline`` since its start.
        bytes: what was uploaded or downloaded, if the log contains it.
    """

    name: str
    begin: float
    end: float
    bytes: int | None = None

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.end - self.begin

    def describe(self, length: float) -> str:
        """Return its name, duration, share of a run of ``length`` seconds, and size."""
        share = f" ({self.seconds / length:.0%})" if length > 0 else ""
        size = f", {format_bytes(self.bytes)}" if self.bytes is not None else ""
        return f"{one_line(self.name)} {format_duration(self.seconds)}{share}{size}"


class StepTiming(NamedTuple):
    """The timing of a step.

    Attributes:
        phase_spans: in order, without gaps; ``waiting`` is the time between the end of the last step that
            it needs or runs after, or the beginning of the run, and its own beginning. Empty for a step without times.
        is_critical: True if the run would have been shorter if this step had been.
        has_ended: True if its end is known; otherwise the last phase ends with the run.
    """

    step: StepState
    phase_spans: tuple[PhaseSpan, ...] = ()
    is_critical: bool = False
    has_ended: bool = True

    @property
    def seconds(self) -> float:
        """Duration of its phases without waiting."""
        return sum(span.end - span.begin for span in self.phase_spans if span.phase != "waiting")


class MemoryLevel(NamedTuple):
    """The size of all frames from this time on, in bytes; ``step`` is the step whose frame changed it."""

    at: float
    memory: int
    spill: int
    step: str | None = None


class RunTimeline(NamedTuple):
    """The timeline of a run.

    Attributes:
        start: the zero of all times, in seconds since 1970; None if the run has no times.
        length: the last time.
        step_timings: one per step, in the order of the steps.
        memory_levels: in order; empty if the log does not contain sizes.
        phases: the phases of the run outside its steps, by their beginning.
    """

    start: float | None
    length: float
    step_timings: tuple[StepTiming, ...]
    memory_levels: tuple[MemoryLevel, ...] = ()
    phases: tuple[RunPhase, ...] = ()


def tick_interval(length: float, max_ticks: int) -> float:
    """Return the seconds between two ticks of an axis: 1, 2 or 5 times a power of ten."""
    if length <= 0:
        return 1.0
    power = 10.0 ** floor(log10(length / max_ticks))
    return next((power * step for step in (1, 2, 5) if length / (power * step) <= max_ticks), power * 10)


def run_timeline(run: Run) -> RunTimeline:
    """Return the timeline of a run."""
    begins = {step.id: begin for step in run.steps if (begin := _begin(step)) is not None}
    phases = run_phases(run)
    starts = [
        *begins.values(),
        *(phase.begin for phase in phases),
        *([run.started] if run.started is not None else []),
    ]
    start = min(starts, default=None)
    if start is None:
        return RunTimeline(None, 0.0, tuple(StepTiming(step) for step in run.steps))
    end = max([start, *_run_end(run)])
    spilled = _spilled(run)
    times = {step.id: _times(step, begins[step.id], end) for step in run.steps if step.id in begins}
    critical = _critical(run.steps, times)
    timings = tuple(
        StepTiming(
            step,
            tuple(_phases(step, times, start, spilled.get(step.id, 0.0))) if step.id in times else (),
            step.id in critical,
            step.ended is not None or step.duration_s is not None,
        )
        for step in run.steps
    )
    shifted = tuple(phase._replace(begin=phase.begin - start, end=phase.end - start) for phase in phases)
    return RunTimeline(start, end - start, timings, tuple(_levels(run.key_events, start)), shifted)


_MARKERS: Final = (
    ("compile", ("compile_start",), ("compile_complete", "compile_error")),
    (
        "sandbox",
        ("adapter_execute_start", "environment"),
        ("worker_started", "dependency_check", "database_initialized"),
    ),
    ("install", ("dependency_check",), ("dependency_install_complete",)),
    (
        "worker",
        ("worker_started", "database_initialized", "dependency_check", "dependency_install_complete"),
        ("session_initialized", "cfg_opened", "step_start"),
    ),
    ("download", ("cleanup_complete",), ("adapter_collect_complete",)),
)
"""Phases of logs without ``phase`` events: the events that begin one, and those that end it.

The original creates its sandbox, uploads and starts the worker without an event between them: all of it is ``sandbox``.
"""
_REMOTE_PHASES: Final = ("sandbox", "download")


def run_phases(run: Run) -> tuple[RunPhase, ...]:
    """Return the phases of a run outside its steps, by their beginning; those not recorded are derived from other events.

    Installing modules is a part of the start of a remote worker.
    """
    clock = SteadyClock()
    times = [(event, event.ts) for event in map(clock.steady, run.key_events) if event.ts is not None]
    phases = [phase for event, ts in times if (phase := _recorded_phase(event, ts)) is not None]
    recorded = {phase.name for phase in phases}
    for name, begins, ends in _MARKERS:
        if name not in recorded and (name not in _REMOTE_PHASES or run.mode == "e2b"):
            phases += _derived_phase(name, begins, ends, times)
    return tuple(sorted(phases, key=lambda phase: phase.begin))


def _recorded_phase(event: Event, ts: float) -> RunPhase | None:
    is_install = event.name == "dependencies_installed"  # of a worker
    name, seconds = event.fields.get("name"), event.duration_s
    if seconds is None or not (is_install or (event.name == "phase" and isinstance(name, str))):
        return None
    return RunPhase(
        "install" if is_install else str(name), ts - seconds, ts, as_int(event.fields.get("bytes"))
    )


def _derived_phase(
    name: str, begins: Sequence[str], ends: Sequence[str], times: Sequence[tuple[Event, float]]
) -> Iterator[RunPhase]:
    """Yield the phase from the last event that may begin it to the first one after it that ends it."""
    begin = None
    for event, ts in times:
        if event.name in ends and begin is not None:
            yield RunPhase(name, begin, max(begin, ts))
            return
        if event.name in begins:
            begin = ts


def _begin(step: StepState) -> float | None:
    if step.started is not None:
        return step.started
    return step.ended - step.duration_s if step.ended is not None and step.duration_s is not None else None


def _run_end(run: Run) -> Iterator[float]:
    yield from (time for step in run.steps for time in (step.started, step.ended) if time is not None)
    clock = SteadyClock()
    times = [time for event in run.key_events if (time := clock.steady(event).ts) is not None]
    yield from (time for time in (run.ended, *times[-1:]) if time is not None)


def _times(step: StepState, begin: float, end_of_run: float) -> tuple[float, float]:
    if step.ended is not None:
        return begin, max(begin, step.ended)
    return begin, max(begin, begin + step.duration_s if step.duration_s is not None else end_of_run)


def _spilled(run: Run) -> Mapping[str, float]:
    """Return the seconds that each step spent writing frames to disk."""
    seconds: dict[str, float] = {}
    for event in run.events_named("spill_write"):
        taken = finite_number(event.fields.get("ms"))
        if event.step is not None and taken is not None:
            seconds[event.step] = seconds.get(event.step, 0.0) + taken / 1000
    return seconds


def _phases(
    step: StepState, times: Mapping[str, tuple[float, float]], start: float, spilled: float
) -> Iterator[PhaseSpan]:
    begin, end = times[step.id]
    ready = max((times[need][1] for need in step.upstream if need in times), default=start)
    if ready < begin:
        yield PhaseSpan("waiting", ready - start, begin - start)
    written = max(begin, end - spilled)
    if written > begin or not spilled:
        yield PhaseSpan("working", begin - start, written - start)
    if spilled:
        yield PhaseSpan("spilling", written - start, end - start)


def _critical(steps: Sequence[StepState], times: Mapping[str, tuple[float, float]]) -> frozenset[str]:
    """Return the step that ended last, the last of the steps it waited for, and so on."""
    needs = {step.id: [need for need in step.upstream if need in times] for step in steps}
    current = max(times, key=lambda step: times[step][1], default=None)
    path: dict[str, None] = {}
    while current is not None and current not in path:
        path[current] = None
        current = max(needs[current], key=lambda step: times[step][1], default=None)
    return frozenset(path)


def _levels(events: Iterable[Event], start: float) -> Iterator[MemoryLevel]:
    """Yield the size of all frames after each event that changes it; a stored frame replaces itself."""
    held: dict[str, tuple[int, int]] = {}
    memory = spill = 0
    clock = SteadyClock()
    for event in map(clock.steady, events):
        if event.ts is None:
            continue
        changed: dict[str, tuple[int, int]] = {}
        if event.name == "output_stored" and event.step is not None:
            stored = event.fields
            changed = {
                event.step: (as_int(stored.get("memory_bytes")) or 0, as_int(stored.get("spill_bytes")) or 0)
            }
        elif event.name == "spill_write" and event.step in held:
            in_memory = held[event.step][0] if event.fields.get("in_memory") else 0
            changed = {event.step: (in_memory, as_int(event.fields.get("bytes")) or 0)}
        elif event.name == "frame_released" and event.step in held:
            changed = {event.step: (0, held[event.step][1])}
        elif event.name == "cleanup_complete":
            changed = {step: (0, on_disk) for step, (_, on_disk) in held.items()}
        changed = {step: sizes for step, sizes in changed.items() if held.get(step) != sizes}
        for step, (in_memory, on_disk) in changed.items():
            before = held.get(step, (0, 0))
            memory, spill = memory + in_memory - before[0], spill + on_disk - before[1]
        held |= changed
        if changed:
            yield MemoryLevel(event.ts - start, memory, spill, event.step)
