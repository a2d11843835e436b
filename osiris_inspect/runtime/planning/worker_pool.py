"""Workers of a run: their state, the steps that each may run, and the room for a further one."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from osiris_inspect.runtime.planning.schedule import Schedule

WorkerStatus = Literal["starting", "idle", "busy"]


@dataclass(slots=True)
class WorkerPool:
    """Workers that were started and were not lost.

    A worker has the rights of the step that it was started for, and runs only steps that need no others. A step with a
    limit of memory has a worker of its own, which runs nothing else.

    Attributes:
        jobs: the most workers, without those of one step. One more may start if all only keep results that no file has.
        status: state of each worker.
    """

    schedule: Schedule
    jobs: int
    status: dict[int, WorkerStatus] = field(default_factory=dict)
    _step: dict[int, str] = field(default_factory=dict)
    _started: int = 0

    def start(self, step: str) -> int:
        """Add a worker with the rights of a step; return its number, from 1."""
        self._started += 1
        self.status[self._started], self._step[self._started] = "starting", step
        return self._started

    def with_status(self, *status: WorkerStatus) -> list[int]:
        """Return the workers in one of these states, in the order of their starts."""
        return [worker for worker, each in self.status.items() if each in status]

    def own_step(self, worker: int) -> str | None:
        """Return the step that a worker is only for, because the step has a limit of memory; None without one."""
        step = self._step.get(worker)
        return step if step in self.schedule.memory else None

    def can_run(self, worker: int, step: str) -> bool:
        """Return True if a worker may run a step: it is the step's own, or has the rights that the step needs."""
        if step in self.schedule.memory or self.own_step(worker) is not None:
            return self.own_step(worker) == step
        return self.schedule.rights_of(step) <= self._rights(worker)

    def choose(self, step: str, workers: Collection[int]) -> int | None:
        """Return the worker with the fewest rights that can run a step; None if none of them can."""
        able = [worker for worker in workers if self.can_run(worker, step)]
        return min(able, key=lambda worker: len(self._rights(worker)), default=None)

    def has_room(self, step: str) -> bool:
        """Return True if a further worker may start for a step."""
        shared = sum(self.own_step(worker) is None for worker in self.status)
        if step not in self.schedule.memory and shared >= self.jobs:
            return False
        if self.schedule.run_bytes is None:
            return True
        used = sum(self._bytes(self._step.get(worker)) for worker in self.status)
        return used + self._bytes(step) <= self.schedule.run_bytes

    def _bytes(self, step: str | None) -> int:
        own = self.schedule.memory.get(step) if step is not None else None
        return own if own is not None else self.schedule.worker_bytes or 0

    def _rights(self, worker: int) -> frozenset[str]:
        return self.schedule.rights_of(self._step.get(worker))
