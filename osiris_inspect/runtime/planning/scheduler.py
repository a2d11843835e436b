"""Decisions of a run with several workers: which step runs where and when. No I/O, no clock.

The caller reports what happened and carries out one action after another until there is none; then it waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.planning.schedule import Schedule, frames_of
from osiris_inspect.runtime.planning.worker_pool import WorkerPool, WorkerStatus

Outcome = Literal["succeeded", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Start and prepare a further worker, with the rights of a step."""

    worker: int
    step: str


@dataclass(frozen=True, slots=True)
class EndWorker:
    """End an idle worker, so that one with other rights can start."""

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
    """Skip a step because ``cause`` failed or was skipped, or because its frame is lost or cannot be handed over."""

    step: str
    cause: str


Action = StartWorker | EndWorker | RunStep | SpillFrame | SkipStep


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
        causes: the step because of which a step was skipped.
        is_stopped: True if nothing more starts.
    """

    schedule: Schedule
    jobs: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
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
    _pool: WorkerPool = field(init=False)
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self._pool = WorkerPool(self.schedule, self.jobs)
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

    @property
    def workers(self) -> dict[int, WorkerStatus]:
        """Status of each worker that was started and has not ended."""
        return self._pool.status

    # --- reports of the caller

    def worker_ready(self, worker: int) -> None:
        """Report that a worker is prepared, or has answered to a command that ran no step."""
        self.workers[worker] = "idle"

    def worker_lost(self, worker: int, *, can_replace: bool = True) -> None:
        """Report the end of a worker, after the failure of its step; what only its memory held is lost."""
        self._pool.jobs -= not can_replace
        self.worker_ended(worker)

    def worker_ended(self, worker: int) -> None:
        """Report the end of a worker that ran no step."""
        del self.workers[worker]
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
        return (
            self._skip_one()
            or self._end_own_worker()
            or self._use_worker()
            or self._start_one()
            or self._make_room()
        )

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
        return next((source for source in self._inputs[step] if self._is_out_of_reach(source, step)), None)

    def _is_out_of_reach(self, source: str, step: str) -> bool:
        """Return True if no worker can ever have a frame and the rights of a step."""
        frame = self._frames.get(source)
        if frame is None:
            return False
        if frame.worker is None:
            return not frame.is_on_disk or self._inputs[step][source]
        return frame.cannot_spill and not self._pool.can_run(frame.worker, step)

    def _use_worker(self) -> RunStep | SpillFrame | None:
        if self._runs_alone() or len(self.running) >= self._pool.jobs or not self._pool.with_status("idle"):
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
        idle = self._pool.with_status("idle")
        able = [worker for worker in idle if self._pool.can_run(worker, step)]
        allowed = [worker for worker in able if worker in fixed] if fixed else able
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
        if self._pool.jobs == 1 or step in self.schedule.alone:
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
        if self._runs_alone():
            return None
        step = self._step_without_worker() or self._next_step_without_worker()
        if step is None or not self._pool.has_room(step):
            return None
        return StartWorker(self._pool.start(step), step)

    def _step_without_worker(self) -> str | None:
        """Return the first of the steps that could run now that no worker is there for."""
        free = self._pool.with_status("starting", "idle")
        return self._first_unmatched(self._startable(), free)

    def _next_step_without_worker(self) -> str | None:
        """Return a step that could run soon, and that no worker will be there for."""
        open_count = len(self._steps) - len(self.outcomes)
        if not self.running:
            return None
        if len(self.workers) < min(self._width, open_count, self._pool.jobs):
            ended_or_own = (self.outcomes, self.running, self.schedule.memory)
            steps = (step for step in self._steps if not any(step in each for each in ended_or_own))
            step = self._first_unmatched(steps, list(self.workers))
            if step is not None:
                return step
        return next((step for step in self._steps_up_next() if not self._has_worker(step)), None)

    def _steps_up_next(self) -> Iterator[str]:
        """Yield the steps that wait for running steps only."""
        for running in self.running:
            yield from (
                step for step in self._later.get(running, ()) if self._waiting[step] <= self.running.keys()
            )

    def _has_worker(self, step: str) -> bool:
        return self._pool.choose(step, self.workers) is not None

    def _first_unmatched(self, steps: Iterator[str], workers: list[int]) -> str | None:
        """Give each step one of the workers; return the first step that none is left for."""
        for step in steps:
            worker = self._pool.choose(step, workers)
            if worker is None:
                return step
            workers.remove(worker)
        return None

    def _startable(self) -> Iterator[str]:
        """Yield the ready steps that could run at the same time if there were workers."""
        is_first = not self.running
        free = self._pool.jobs - len(self.running)
        used = [self.schedule.connection.get(step) for step in self.running]
        for step in self._ready:
            if free <= 0 or (step in self.schedule.alone and not is_first):
                return
            if any(self.workers.get(worker) == "busy" for worker in self._held_in_memory(step).values()):
                continue
            name = self.schedule.connection.get(step)
            if name is None or used.count(name) < self.schedule.max_parallel[name]:
                used.append(name)
                is_first = False
                free -= 1
                yield step
                if step in self.schedule.alone:
                    return

    def _make_room(self) -> SpillFrame | EndWorker | StartWorker | None:
        """End an idle worker for a step that could run now, and that no worker has the rights for."""
        step = None if self._runs_alone() else self._step_without_worker()
        if step is None:
            return None
        for worker in self._pool.with_status("idle"):
            action = self._end_worker(worker)
            if action is not None:
                return action
        if self.running or self._pool.with_status("starting", "busy"):
            return None
        return StartWorker(self._pool.start(step), step)

    def _end_own_worker(self) -> SpillFrame | EndWorker | None:
        """End a worker that was for one step only, after that step."""
        for worker in self._pool.with_status("idle"):
            if self._pool.own_step(worker) in self.outcomes:
                action = self._end_worker(worker)
                if action is not None:
                    return action
        return None

    def _end_worker(self, worker: int) -> SpillFrame | EndWorker | None:
        """Return how to end an idle worker; None if an open step takes a result that only this worker can have."""
        frames = [source for source in self._frames if self._is_needed_from(worker, source)]
        if any(self._must_stay(source, name) for source in frames for name in self._open_consumers(source)):
            return None
        self.workers[worker] = "busy"
        return SpillFrame(frames[0], worker) if frames else EndWorker(worker)

    def _is_needed_from(self, worker: int, source: str) -> bool:
        """Return True if an open step takes a result that only this worker has."""
        frame = self._frames[source]
        return frame.worker == worker and any(
            not frame.is_on_disk or self._inputs[step][source] for step in self._open_consumers(source)
        )

    def _open_consumers(self, source: str) -> list[str]:
        return [step for step in self._consumers.get(source, ()) if step not in self.outcomes]

    def _end(self, step: str, outcome: Outcome) -> None:
        self.outcomes[step] = outcome
        for name in self._later.get(step, ()):
            earlier = self._waiting[name]
            earlier.discard(step)
            if not earlier:
                self._ready.append(name)
        self._ready.sort(key=self._position.__getitem__)
