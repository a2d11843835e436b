"""Decisions of a run with several workers: which step runs where and when. No I/O, no clock.

The caller reports what happened and carries out one action after another until there is none; then it waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.planning.schedule import Schedule, frames_of

Outcome = Literal["succeeded", "failed", "skipped"]
WorkerStatus = Literal["starting", "idle", "busy"]


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Start and prepare a further worker."""

    worker: int


@dataclass(frozen=True, slots=True)
class RunStep:
    """Run a step on an idle worker."""

    step: str
    worker: int


@dataclass(frozen=True, slots=True)
class SpillFrame:
    """Have an idle worker write the frame of a step to disk, for a step on another worker."""

    step: str
    worker: int


@dataclass(frozen=True, slots=True)
class SkipStep:
    """Skip a step because ``cause`` failed or was skipped, or because the worker with its frame was lost."""

    step: str
    cause: str


Action = StartWorker | RunStep | SpillFrame | SkipStep


@dataclass(slots=True)
class _Frame:
    """Result of a step: in the memory of ``worker``, None after its loss; ``is_on_disk`` if any worker can read it."""

    worker: int | None
    is_on_disk: bool = False
    cannot_spill: bool = False


_NO_FRAME: Final = _Frame(None)


@dataclass(slots=True)
class Scheduler:
    """State of a run with at most ``jobs`` workers.

    Attributes:
        outcomes: how each ended step ended.
        running: the worker of each step that runs.
        workers: status of each worker that was started and was not lost.
        causes: the step because of which a step was skipped.
        is_stopped: True if nothing more starts.
    """

    schedule: Schedule
    jobs: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    workers: dict[int, WorkerStatus] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    _frames: dict[str, _Frame] = field(default_factory=dict)
    _unshared: dict[str, None] = field(default_factory=dict)
    _waiting: dict[str, set[str]] = field(default_factory=dict)
    _later: dict[str, list[str]] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)
    _steps: dict[str, Step] = field(default_factory=dict)
    _position: dict[str, int] = field(default_factory=dict)
    _inputs: dict[str, dict[str, bool]] = field(default_factory=dict)
    _consumers: dict[str, list[str]] = field(default_factory=dict)
    _width: int = 1
    _ready: list[str] = field(default_factory=list)
    _started: int = 0
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self._steps = {step.id: step for step in self.schedule.steps}
        self._position = {step: number for number, step in enumerate(self._steps)}
        self._inputs = {name: frames_of(step) for name, step in self._steps.items()}
        self._width = self.schedule.width
        for name, edges in self.schedule.edges.items():
            self._waiting[name] = {edge.earlier for edge in edges}
            bits = 0
            for edge in edges:
                self._later.setdefault(edge.earlier, []).append(name)
                bits |= self._before[edge.earlier] | 1 << self._position[edge.earlier]
            self._before[name] = bits  # bits of all steps that end before it
            for source in self._inputs[name]:
                self._consumers.setdefault(source, []).append(name)
        self._ready = [name for name, earlier in self._waiting.items() if not earlier]

    # --- reports of the caller

    def worker_ready(self, worker: int) -> None:
        """Report that a worker is prepared, or has answered to a command that ran no step."""
        self.workers[worker] = "idle"

    def worker_lost(self, worker: int, *, can_replace: bool = True) -> None:
        """Report the end of a worker, after the failure of its step; what only its memory held is lost."""
        del self.workers[worker]
        self.jobs -= not can_replace
        for frame in self._frames.values():
            if frame.worker == worker:
                frame.worker = None

    def frame_spilled(self, step: str, *, is_on_disk: bool) -> None:
        """Report the answer to ``SpillFrame``."""
        frame = self._frames[step]
        frame.is_on_disk, frame.cannot_spill = is_on_disk, not is_on_disk
        if frame.worker is not None:
            self.workers[frame.worker] = "idle"

    def step_ended(self, step: str, *, succeeded: bool, is_on_disk: bool = False) -> None:
        """Report the end of the last attempt of a step; ``is_on_disk`` if its frame was spilled."""
        worker = self.running.pop(step)
        if worker in self.workers:
            self.workers[worker] = "idle"
        if succeeded:
            self._frames[step] = _Frame(worker if worker in self.workers else None, is_on_disk)
            self._unshared[step] = None
        self._end(step, "succeeded" if succeeded else "failed")

    def stop(self) -> None:
        """Start nothing more."""
        self.is_stopped = True

    @property
    def is_done(self) -> bool:
        """True if nothing is left to do: all steps have ended, or the run was stopped and nothing runs."""
        is_ended = self.is_stopped or len(self.outcomes) == len(self._steps)
        return is_ended and not self.running

    @property
    def failed(self) -> tuple[str, ...]:
        """Steps that failed, in the order of their ends."""
        return tuple(step for step, outcome in self.outcomes.items() if outcome == "failed")

    # --- decisions

    def next_action(self) -> Action | None:
        """Return what to do now, and assume that it is done; None to wait for a report."""
        if self.is_stopped:
            return None
        return self._skip_one() or self._use_worker() or self._start_one()

    def _skip_one(self) -> SkipStep | None:
        for step in self._ready:
            cause = self._skip_cause(step)
            if cause is not None:
                self._ready.remove(step)
                self.causes[step] = cause
                self._end(step, "skipped")
                return SkipStep(step, cause)
        return None

    def _skip_cause(self, step: str) -> str | None:
        for name in self._steps[step].upstream:
            outcome = self.outcomes.get(name)  # None for a step that was taken over from an earlier run
            if outcome == "failed":
                return name
            if outcome == "skipped":
                return self.causes[name]
        return next((source for source in self._inputs[step] if self._is_lost(source, step)), None)

    def _is_lost(self, source: str, step: str) -> bool:
        frame = self._frames.get(source)
        return (
            frame is not None
            and frame.worker is None
            and (not frame.is_on_disk or self._inputs[step][source])
        )

    def _use_worker(self) -> RunStep | SpillFrame | None:
        if self._runs_alone() or "idle" not in self.workers.values():
            return None
        for step in self._ready:
            if step in self.schedule.alone and "busy" in self.workers.values():
                return None  # later steps would keep it waiting
            if self._is_over_limit(step):
                continue
            action = self._place(step)
            if isinstance(action, RunStep):
                self._ready.remove(step)
                self.running[step] = action.worker
            if action is not None:
                self.workers[action.worker] = "busy"
                return action
        return None

    def _runs_alone(self) -> bool:
        return any(step in self.schedule.alone for step in self.running)

    def _is_over_limit(self, step: str) -> bool:
        name = self.schedule.connection.get(step)
        if name is None:
            return False
        users = sum(self.schedule.connection.get(other) == name for other in self.running)
        return users >= self.schedule.max_parallel[name]

    def _place(self, step: str) -> RunStep | SpillFrame | None:
        """Return how to run a step, or a spill that must come first; None if it has to wait for a busy worker."""
        held = self._held_in_memory(step)
        fixed = {worker for source, worker in held.items() if self._must_stay(source, step)}
        idle = [worker for worker, status in self.workers.items() if status == "idle"]
        allowed = [worker for worker in idle if worker in fixed] if fixed else idle
        if not allowed:
            return None
        counts = list(held.values())
        worker = max(allowed, key=lambda each: (counts.count(each), -each))
        elsewhere = {
            source: other
            for source, other in held.items()
            if other != worker and not self._must_stay(source, step)
        }
        if elsewhere:
            return next(
                (SpillFrame(source, other) for source, other in elsewhere.items() if other in idle), None
            )
        for source in self._shared_frames(worker, step):
            return SpillFrame(source, worker)
        return RunStep(step, worker)

    def _held_in_memory(self, step: str) -> dict[str, int]:
        """Return the workers of the results of a step's inputs that no file has."""
        return {
            source: frame.worker
            for source, needs_result in self._inputs[step].items()
            if (frame := self._frames.get(source, _NO_FRAME)).worker is not None
            and (needs_result or not frame.is_on_disk)
        }

    def _must_stay(self, source: str, step: str) -> bool:
        return self._inputs[step][source] or self._frames[source].cannot_spill

    def _shared_frames(self, worker: int, step: str) -> Iterator[str]:
        """Yield the frames in the memory of a worker that other steps could take while it runs ``step``."""
        if self.jobs == 1 or step in self.schedule.alone:
            return
        bit = 1 << self._position[step]
        for source in list(self._unshared):
            frame = self._frames[source]
            consumers = [name for name in self._consumers.get(source, ()) if self._could_run_beside(name)]
            if not consumers or frame.worker is None or frame.is_on_disk or frame.cannot_spill:
                del self._unshared[source]
            elif frame.worker == worker and any(
                name != step and not self._before[name] & bit for name in consumers
            ):
                yield source

    def _could_run_beside(self, step: str) -> bool:
        return not (step in self.outcomes or step in self.running or step in self.schedule.alone)

    def _start_one(self) -> StartWorker | None:
        """Start a worker for a step that could run now, and, while the first step runs, for the steps to come."""
        starting = sum(status == "starting" for status in self.workers.values())
        idle = sum(status == "idle" for status in self.workers.values())
        is_needed = self._startable() > starting + idle
        is_early = bool(self.running) and len(self.workers) < min(self._width, self._open_count)
        if not (is_needed or is_early) or len(self.workers) >= self.jobs or self._runs_alone():
            return None
        self._started += 1
        self.workers[self._started] = "starting"
        return StartWorker(self._started)

    @property
    def _open_count(self) -> int:
        return len(self._steps) - len(self.outcomes)

    def _startable(self) -> int:
        """Return how many of the ready steps could run at the same time if there were workers."""
        count = 0
        used = [self.schedule.connection.get(step) for step in self.running]
        for step in self._ready:
            if step in self.schedule.alone:
                return count or int(not self.running)
            if any(self.workers.get(worker) == "busy" for worker in self._held_in_memory(step).values()):
                continue
            name = self.schedule.connection.get(step)
            if name is None or used.count(name) < self.schedule.max_parallel[name]:
                used.append(name)
                count += 1
        return count

    def _end(self, step: str, outcome: Outcome) -> None:
        self.outcomes[step] = outcome
        for name in self._later.get(step, ()):
            earlier = self._waiting[name]
            earlier.discard(step)
            if not earlier:
                self._ready.append(name)
        self._ready.sort(key=self._position.__getitem__)
