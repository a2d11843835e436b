"""The frame store of a run over time: the events that change it, and the steps and frames at each moment.

A moment is the state after an event that changes the store or the status of a step. The first one is the beginning of the
run, before any event. Frames are those under the key ``df``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from osiris_inspect.inspector.reader.step_builder import StepBuilder, follow_steps, in_order
from osiris_inspect.inspector.run.frame_sizes import frame_sizes
from osiris_inspect.inspector.run.lineage import Lineage, build_lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event, as_int
from osiris_inspect.model.run_card import StepStatus

MomentLocation = Literal["", "memory", "spill", "memory, spill", "released", "lost", "not kept", "unknown"]
"""Location of a frame at a moment. Empty before it exists; ``released`` from memory without a copy on disk; ``lost`` with its
worker; ``not kept`` if the log shows rows, but no frame."""

_OPEN: Final = ("not_started", "running")
_STORE_EVENTS: Final = frozenset({"output_stored", "spill_write", "step_reused"})
"""Events that record a frame of their step."""
_EVENTS: Final = _STORE_EVENTS | {
    *(
        "cfg_opened",
        "cleanup_complete",
        "frame_captured",
        "frame_released",
        "input_not_found",
        "inputs_resolved",
    ),
    *("rows_out", "step_complete", "step_failed", "step_retry", "step_skipped", "step_start", "worker_lost"),
}
_LOSSES: Final = frozenset({"WorkerLost", "WorkerHung", "worker-killed", "worker-hung", "step-timeout"})
"""Types and kinds of errors after which the worker of the step is gone."""


class FrameState(NamedTuple):
    """The frame of a step at a moment; sizes are in bytes, None if unknown or not there."""

    location: MomentLocation = ""
    rows: int | None = None
    memory_bytes: int | None = None
    spill_bytes: int | None = None

    @property
    def is_in_memory(self) -> bool:
        """True if the frame is in memory, also if it is on disk too."""
        return self.location.startswith("memory")

    @property
    def is_on_disk(self) -> bool:
        """True if the frame is on disk, also if it is in memory too."""
        return self.location.endswith("spill")


class StepMoment(NamedTuple):
    """A step at a moment."""

    status: StepStatus = "not_started"
    rows_out: int | None = None
    inputs: tuple[InputState, ...] = ()
    frame: FrameState = FrameState()


class Moment(NamedTuple):
    """The state after an event.

    Attributes:
        event: None for the beginning of the run.
        changes_store: True if the event stored, moved or released a frame.
        begins_step: True if a step started, started again, was skipped or was reused.
        is_end: True if it only adds what the whole log says about steps that no event ended.
    """

    event: Event | None
    changes_store: bool = False
    begins_step: bool = False
    is_end: bool = False

    @property
    def label(self) -> str:
        """The position in the log: ``seq 41``, or ``line 41`` of a log without sequence numbers."""
        if self.event is None:
            return "start"
        return f"line {self.event.line:,}" if self.event.seq is None else f"seq {self.event.seq:,}"


@dataclass(slots=True)
class _StepHistory:
    """The states of a step, and the numbers of the moments from which each one holds."""

    numbers: list[int] = field(default_factory=lambda: [0])
    states: list[StepMoment] = field(default_factory=lambda: [StepMoment()])

    def at(self, number: int) -> int:
        """Return the position of the state at a moment."""
        return bisect_right(self.numbers, number) - 1

    def add(self, number: int, state: StepMoment) -> None:
        """Add the state from a moment on, which is not before the last one."""
        if self.numbers[-1] == number:
            self.states[-1] = state
        else:
            self.numbers.append(number)
            self.states.append(state)


class StoreHistory:
    """The moments of a run.

    Attributes:
        run: the run.
        moments: in order, the beginning of the run first.
        is_recorded: False if the log does not record when frames were stored and released.
    """

    def __init__(
        self, run: Run, moments: Sequence[Moment], steps: Mapping[str, _StepHistory], *, is_recorded: bool
    ) -> None:
        self.run, self.moments, self.is_recorded = run, moments, is_recorded
        self._steps = steps
        self._changes = [number for number, moment in enumerate(moments) if moment.changes_store]
        self._begins = [number for number, moment in enumerate(moments) if moment.begins_step]
        self._consumers: dict[str, list[str]] = {}
        for edge in build_lineage(run).edges:
            consumers = self._consumers.setdefault(edge.producer, [])
            if edge.consumer not in consumers:
                consumers.append(edge.consumer)

    def next_change(self, number: int, by: int) -> int:
        """Return the next (1) or the previous (-1) moment that changes the store, else the last or the first moment."""
        return self._next(self._changes, number, by)

    def next_step(self, number: int, by: int) -> int:
        """Return the next (1) or the previous (-1) moment at which a step begins, else the last or the first moment."""
        return self._next(self._begins, number, by)

    def _next(self, numbers: Sequence[int], number: int, by: int) -> int:
        if by > 0:
            position = bisect_right(numbers, number)
            return numbers[position] if position < len(numbers) else len(self.moments) - 1
        position = bisect_left(numbers, number) - 1
        return numbers[position] if position >= 0 else 0

    def changes_until(self, number: int) -> tuple[int, int]:
        """Return how many changes of the store happened until a moment, and in the whole run."""
        return bisect_right(self._changes, number), len(self._changes)

    def step_at(self, step: str, number: int) -> StepMoment:
        """Return a step at a moment."""
        history = self._steps[step]
        return history.states[history.at(number)]

    def frame_since(self, step: str, number: int) -> Moment:
        """Return the moment at which the frame of a step came to its location at another moment."""
        history = self._steps[step]
        position = history.at(number)
        location = history.states[position].frame.location
        while position > 0 and history.states[position - 1].frame.location == location:
            position -= 1
        return self.moments[history.numbers[position]]

    def waiting(self, step: str, number: int) -> tuple[str, ...]:
        """Return the steps that take the frame of ``step`` and have not ended at a moment."""
        consumers = self._consumers.get(step, ())
        return tuple(name for name in consumers if self.step_at(name, number).status in _OPEN)

    def state_at(self, step: StepState, number: int) -> StepState:
        """Return a step of the run as it was at a moment."""
        moment = self.step_at(step.id, number)
        if _is_final(step, moment):
            return step
        return replace(
            step,
            status=moment.status,
            rows_in=None,
            rows_out=moment.rows_out,
            duration_s=None,
            inputs=moment.inputs,
            failure=None,
            skipped_because=None,
            reused_from=None,
        )

    def rows_at(self, step: StepState, number: int) -> int | None:
        """Return the rows that a step had produced or written at a moment; None if unknown."""
        moment = self.step_at(step.id, number)
        return step.rows_out if _is_final(step, moment) else moment.rows_out

    def lineage_at(self, number: int) -> Lineage:
        """Return the lineage at a moment: inputs that no step has resolved yet have no location."""
        steps = tuple(self.state_at(step, number) for step in self.run.steps)
        return build_lineage(replace(self.run, steps=steps))


def _is_final(step: StepState, moment: StepMoment) -> bool:
    """Return True if the whole log knows no later state of a step."""
    return moment.status == step.status and moment.status not in _OPEN


def store_history(run: Run) -> StoreHistory:
    """Return the moments of a run, from its key events."""
    events = in_order(event for event in run.key_events if event.name in _EVENTS)
    return _HistoryBuilder(run, events).build()


class _HistoryBuilder:
    """Follows the steps and the frames through the events of a run."""

    def __init__(self, run: Run, events: Sequence[Event]) -> None:
        self._run, self._events = run, events
        self._moments = [Moment(None)]
        self._steps = {step.id: _StepHistory() for step in run.steps}
        self._recorded = {event.step for event in events if event.name in _STORE_EVENTS}
        self._sizes = frame_sizes(run)
        self._workers: dict[str, object] = {}
        self._pending: dict[str, StepBuilder] = {}

    def build(self) -> StoreHistory:
        """Return the moments."""
        drafts: dict[str, StepBuilder] = {}
        for event, draft in follow_steps(self._events, drafts):
            self._take(event, draft if draft is not None and draft.id in self._steps else None)
        self._end()
        is_recorded = not any(
            step.status == "succeeded" and self._inferred(step.id).location
            for step in self._run.steps
            if step.id not in self._recorded
        )
        return StoreHistory(self._run, self._moments, self._steps, is_recorded=is_recorded)

    def _take(self, event: Event, draft: StepBuilder | None) -> None:
        """Add a moment if an event changes the store or the status of a step.

        Rows and inputs that other events report are shown from the next moment on.
        """
        if event.name == "step_start" and event.step is not None:
            self._workers[event.step] = event.fields.get("worker")
        frames = dict(self._frames(event, draft))
        before = self._state(draft.id).status if draft is not None else None
        if draft is not None:
            self._pending[draft.id] = draft
        has_new_status = draft is not None and draft.status != before
        is_again = event.name in ("step_start", "step_retry")
        if frames or has_new_status or (draft is not None and is_again):
            self._moments.append(
                Moment(event, bool(frames), is_again or (has_new_status and before == "not_started"))
            )
            self._record(frames)

    def _record(self, frames: Mapping[str, FrameState]) -> None:
        """Record what changed since the last moment as the state of the newest one."""
        number = len(self._moments) - 1
        for step, draft in self._pending.items():
            before = self._state(step)
            rows = draft.rows_out if draft.rows_out is not None else before.rows_out
            self._steps[step].add(number, StepMoment(draft.status, rows, tuple(draft.inputs), before.frame))
        for step, frame in frames.items():
            self._steps[step].add(number, self._state(step)._replace(frame=frame))
        self._pending.clear()

    def _state(self, step: str) -> StepMoment:
        return self._steps[step].states[-1]

    def _frames(self, event: Event, draft: StepBuilder | None) -> Iterator[tuple[str, FrameState]]:
        """Yield the frames that an event changes."""
        step = draft.id if draft is not None else None
        if event.name == "cleanup_complete":
            yield from self._without_memory("released", event.fields.get("frames_let_go"))
        elif event.name in ("worker_lost", "step_failed") and _is_loss(event):
            worker = event.fields.get("worker") if event.step is None else self._workers.get(event.step)
            steps = [name for name, other in self._workers.items() if worker in (None, other)]
            yield from self._without_memory("lost", steps)
        elif event.name == "frame_captured":
            producer = str(event.fields.get("from_step"))
            if producer in self._steps and event.fields.get("path") == layout.spill_path(producer):
                size = as_int(event.fields.get("bytes"))
                yield from self._changed(producer, _with_disk(self._frame(producer), None, size))
        elif draft is not None and step is not None:
            yield from self._changed(step, self._own_frame(event, draft))

    def _own_frame(self, event: Event, draft: StepBuilder) -> FrameState:
        """Return the frame of a step after one of its own events."""
        before, fields = self._frame(draft.id), event.fields
        if event.name == "output_stored":
            return _stored(event)
        if event.name == "spill_write" and fields.get("ok", True):
            after = _with_disk(before, event.row_count, as_int(fields.get("bytes")))
            return after if fields.get("in_memory") else _without_memory(after, "released")
        if event.name == "frame_released":
            return _without_memory(before, "released")
        if event.name == "step_reused" and draft.location == "spill":
            return FrameState("spill", event.row_count, None, self._sizes[draft.id].spill)
        if event.name == "step_complete" and draft.id not in self._recorded:
            return self._inferred(draft.id)
        return before

    def _inferred(self, step_id: str) -> FrameState:
        """Return the frame of a step whose log does not record where it was stored, from all later evidence."""
        step = self._run.step(step_id)
        if step is None or step.is_writer:
            return FrameState()
        sizes = self._sizes[step_id]
        if step.storage == "none":
            return FrameState("not kept", step.rows_out) if step.rows_out else FrameState()
        memory = sizes.memory if step.storage == "memory" else None
        return FrameState(
            step.storage, step.rows_out, memory, sizes.spill if step.storage == "spill" else None
        )

    def _frame(self, step: str) -> FrameState:
        return self._state(step).frame

    def _changed(self, step: str, frame: FrameState) -> Iterator[tuple[str, FrameState]]:
        if frame != self._frame(step):
            yield step, frame

    def _without_memory(
        self, next_location: Literal["released", "lost"], steps: object
    ) -> Iterator[tuple[str, FrameState]]:
        """Yield the frames that leave memory: of ``steps``, or of all if it is not a list."""
        for step in self._steps:
            if self._frame(step).is_in_memory and (not isinstance(steps, list) or step in steps):
                yield step, _without_memory(self._frame(step), next_location)

    def _end(self) -> None:
        """Add a moment with what the whole log says, if it differs from the last one."""
        changed = [step for step in self._run.steps if self._state(step.id).status != step.status]
        if not changed and not self._pending:
            return
        self._moments.append(Moment(next(reversed(self._run.key_events), None), is_end=True))
        self._record({})
        for step in changed:
            final = self._state(step.id)._replace(status=step.status, rows_out=step.rows_out)
            self._steps[step.id].add(len(self._moments) - 1, final)


def _is_loss(event: Event) -> bool:
    info = event.fields.get("error_info")
    kind = info.get("kind") if isinstance(info, dict) else None
    return event.name == "worker_lost" or event.error_type in _LOSSES or kind in _LOSSES


def _stored(event: Event) -> FrameState:
    """Return the frame of an ``output_stored`` event; empty if the step returned none."""
    location, fields = event.fields.get("storage"), event.fields
    if location == "memory":
        on_disk = as_int(fields.get("spill_bytes")) or None
        memory = as_int(fields.get("memory_bytes"))
        return FrameState("memory, spill" if on_disk else "memory", event.row_count, memory, on_disk)
    if location == "spill":
        return FrameState("spill", event.row_count, None, as_int(fields.get("spill_bytes")))
    return FrameState()


def _with_disk(frame: FrameState, rows: int | None, size: int | None) -> FrameState:
    rows = frame.rows if frame.rows is not None else rows
    location: MomentLocation = "memory, spill" if frame.is_in_memory else "spill"
    return FrameState(location, rows, frame.memory_bytes, size if size is not None else frame.spill_bytes)


def _without_memory(frame: FrameState, next_location: Literal["released", "lost"]) -> FrameState:
    return frame._replace(location="spill" if frame.is_on_disk else next_location, memory_bytes=None)
