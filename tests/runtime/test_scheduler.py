"""Decisions of a run with several workers, on random pipelines with every kind of mishap."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from osiris_inspect.model.manifest import InputRef, Step
from osiris_inspect.runtime.planning.schedule import OrderEdge, Schedule, bound_steps
from osiris_inspect.runtime.planning.scheduler import (
    EndWorker,
    RunStep,
    Scheduler,
    SkipStep,
    SpillFrame,
    StartWorker,
)
from osiris_inspect.runtime.planning.touched import Touch, TouchIndex

_FILES = ("a.csv", "folder", "folder/c.csv", "db", "db")


def schedule_of(
    steps: list[Step],
    touches: dict[str, list[Touch]],
    alone: frozenset[str] = frozenset(),
    limit: dict[str, int] | None = None,
    rights: dict[str, frozenset[str]] | None = None,
) -> Schedule:
    """A schedule as the runtime builds it, from what each step touches."""
    index, edges = TouchIndex(), {}
    for step in steps:
        shared = index.add(step.id, touches.get(step.id, []))
        edges[step.id] = (
            *(OrderEdge(name, "needs", "") for name in step.needs),
            *(OrderEdge(name, "after", "") for name in step.after),
            *(OrderEdge(name, "shared", why) for name, why in shared.items() if name not in step.upstream),
        )
    limit = limit or {}
    used = {step: each.name for step, own in touches.items() for each in own if each.name in limit}
    own, sharing = rights or {}, bound_steps(steps)
    united = {
        step: frozenset().union(*(own.get(each, frozenset()) for each in group))
        for step, group in sharing.items()
    }
    return Schedule(tuple(steps), edges, alone, used, limit, united, sharing)


def _conflict(one: Touch, other: Touch) -> bool:
    """Return True if two steps that touch these must not run at the same time: the slow, plain rule."""
    if not (one.writes or other.writes):
        return False
    if isinstance(one.key, Path) and isinstance(other.key, Path):
        return one.key.is_relative_to(other.key) or other.key.is_relative_to(one.key)
    return one.key == other.key


class Runs(RuleBasedStateMachine):
    """A run whose steps end, fail, lose their worker and cannot be spilled, in any order."""

    @initialize(data=st.data(), jobs=st.integers(2, 4))
    def begin(self, data: st.DataObject, jobs: int) -> None:
        names = [f"s{number}" for number in range(data.draw(st.integers(1, 9)))]
        self.steps: dict[str, Step] = {}
        self.touches: dict[str, list[Touch]] = {}
        for number, name in enumerate(names):
            earlier = data.draw(st.sets(st.sampled_from(names[:number]), max_size=3)) if number else set()
            needs = tuple(sorted(earlier)[:2])
            inputs = {}
            if needs and data.draw(st.booleans()):  # one input is a value that no file has
                inputs = {
                    f"in_{need}": InputRef(need, data.draw(st.sampled_from(("df", "model"))))
                    for need in needs
                }
            self.steps[name] = Step(
                name, "d", "", needs=needs, after=tuple(sorted(earlier)[2:]), inputs=inputs
            )
            keys = data.draw(st.lists(st.tuples(st.sampled_from(_FILES), st.booleans()), max_size=2))
            self.touches[name] = [
                Touch(key if key == "db" else Path("/", key), key, writes) for key, writes in keys
            ]
        alone = frozenset(data.draw(st.sets(st.sampled_from(names), max_size=2)))
        limit = {"db": 1} if data.draw(st.booleans()) else {}
        some_rights = st.frozensets(st.sampled_from(("a", "b", "network")), max_size=2)
        self.own_rights = {name: data.draw(some_rights) for name in names}
        schedule = schedule_of(list(self.steps.values()), self.touches, alone, limit, self.own_rights)
        groups = schedule.sharing
        memory = {
            name: data.draw(st.integers(1, 3), label="memory")
            for name in names
            if len(groups[name]) == 1 and name not in alone and data.draw(st.booleans(), label="own worker")
        }
        self.schedule = replace(
            schedule, memory=memory, worker_bytes=2, run_bytes=data.draw(st.sampled_from((None, 2 * jobs)))
        )
        self.started_for: dict[int, str] = {}
        self.scheduler = Scheduler(self.schedule, jobs)
        self.jobs = jobs
        self.running: dict[str, int] = {}
        self.spilling: dict[str, int] = {}
        self.starting: set[int] = set()
        self.alive: set[int] = set()
        self.rights: dict[int, frozenset[str]] = {}
        self.unspillable: set[str] = set()
        self.ended: dict[str, str] = {}
        self.attempts: list[str] = []
        self.memory: dict[str, int] = {}
        self.disk: set[str] = set()
        self._act()

    def _act(self) -> None:
        """Carry out what the scheduler decides, and check each decision against the plain rules."""
        for _ in range(200):
            action = self.scheduler.next_action()
            if action is None:
                return
            if isinstance(action, StartWorker):
                assert action.worker not in self.rights
                workers = self.alive | self.starting
                shared = [each for each in workers if self.started_for[each] not in self.schedule.memory]
                is_own = action.step in self.schedule.memory
                is_many = not is_own and len(shared) >= self.jobs
                if is_many or self._bytes(workers) + self._bytes_of(action.step) > self._run_bytes:
                    # the others keep what no file has
                    assert not {*self.running, *self.spilling, *self.starting}
                    assert all(self._keeps_for_ever(worker) for worker in self.alive)
                self.starting.add(action.worker)
                self.started_for[action.worker] = action.step
                self.rights[action.worker] = self.schedule.rights_of(action.step)
            elif isinstance(action, EndWorker):
                assert action.worker in self.alive - {*self.running.values(), *self.spilling.values()}
                assert not self._needed_from(action.worker)
                self.alive.remove(action.worker)
                self.memory = {step: each for step, each in self.memory.items() if each != action.worker}
                self.scheduler.worker_ended(action.worker)
            elif isinstance(action, SkipStep):
                self._check_skip(action)
            else:
                busy = {*self.running.values(), *self.spilling.values()}
                assert action.worker in self.alive - busy
                assert not any(step in self.schedule.alone for step in self.running)
                if isinstance(action, SpillFrame):
                    assert self.memory[action.step] == action.worker
                    assert action.step not in self.disk
                    self.spilling[action.step] = action.worker
                else:
                    self._check_run(action)
        pytest.fail("the scheduler does not come to an end")

    @property
    def _run_bytes(self) -> int:
        return self.schedule.run_bytes or 1000

    def _bytes(self, workers: set[int]) -> int:
        return sum(self._bytes_of(self.started_for[worker]) for worker in workers)

    def _bytes_of(self, step: str) -> int:
        return self.schedule.memory.get(step, 2)

    def _may_run(self, worker: int, step: str) -> bool:
        """Return True if a worker has the rights of a step, and neither is alone with another."""
        own, memory = self.started_for[worker], self.schedule.memory
        if own in memory or step in memory:
            return own == step
        return self.own_rights[step] <= self.rights[worker]

    def _needed_from(self, worker: int) -> list[tuple[str, str]]:
        """Return the results that open steps take and that only one worker has, each with the step."""
        return [
            (source, step.id)
            for source, holder in self.memory.items()
            for step in self.steps.values()
            if holder == worker and step.id not in self.ended and source in step.needs
            if source not in self.disk or self._keys(step, source) != {"df"}
        ]

    def _keeps_for_ever(self, worker: int) -> bool:
        return any(
            source in self.unspillable or self._keys(self.steps[step], source) != {"df"}
            for source, step in self._needed_from(worker)
        )

    def _check_run(self, action: RunStep) -> None:
        step = self.steps[action.step]
        assert len(self.running) < self.jobs
        assert self._may_run(action.worker, step.id)
        assert step.id not in self.attempts
        assert all(self.ended[name] == "succeeded" for name in step.upstream)
        names = list(self.steps)
        for other in names:
            conflicts = any(
                _conflict(one, two) for one in self.touches[step.id] for two in self.touches[other]
            )
            if conflicts and names.index(other) < names.index(step.id):
                assert other in self.ended
            if conflicts and names.index(other) > names.index(step.id):
                assert other not in self.attempts
        assert step.id not in self.schedule.alone or not (self.running or self.spilling)
        name = self.schedule.connection.get(step.id)
        if name is not None:
            users = [each for each in self.running if self.schedule.connection.get(each) == name]
            assert len(users) < self.schedule.max_parallel[name]
        in_reach = [
            need
            for need in step.needs
            if self.memory.get(need) == action.worker
            or (need in self.disk and self._keys(step, need) == {"df"})
        ]
        held_apart = {self.memory.get(need) for need in step.needs if need not in in_reach}
        # two values that no file has, in two workers: the step fails, as the plan cannot know it before
        assert not held_apart or len({self.memory[need] for need in step.needs if need in self.memory}) > 1
        self.attempts.append(step.id)
        self.running[step.id] = action.worker

    @staticmethod
    def _keys(step: Step, need: str) -> set[str]:
        return {ref.key for ref in step.inputs.values() if ref.from_step == need} or {"df"}

    def _check_skip(self, action: SkipStep) -> None:
        step = self.steps[action.step]
        assert step.id not in self.attempts
        assert step.id not in self.ended
        bad = [name for name in step.upstream if self.ended.get(name) in ("failed", "skipped")]
        if bad:
            assert action.cause in bad or action.cause in self.scheduler.causes.values()
            assert (
                self.ended.get(action.cause) == "failed"
                or action.cause in self.unspillable
                or action.cause not in self.memory
            )
        elif action.cause in self.memory:  # the worker that has what it takes has not its rights
            assert action.cause in step.needs
            assert action.cause in self.unspillable
            assert not self._may_run(self.memory[action.cause], step.id)
        else:  # what it takes was in the memory of a worker that was lost
            assert action.cause in step.needs
            assert action.cause not in self.disk or self._keys(step, action.cause) != {"df"}
        self.ended[step.id] = "skipped"

    # --- what happens

    @precondition(lambda self: self.starting)
    @rule(data=st.data(), fails=st.sampled_from((False, False, False, True)))
    def worker_is_ready(self, data: st.DataObject, fails: bool) -> None:
        worker = data.draw(st.sampled_from(sorted(self.starting)))
        self.starting.remove(worker)
        if fails:
            self.scheduler.worker_lost(worker, can_replace=False)
            self.jobs -= 1
        else:
            self.alive.add(worker)
            self.scheduler.worker_ready(worker)
        self._act()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(("memory", "memory", "disk", "fails", "dies", "dies late")))
    def step_ends(self, data: st.DataObject, how: str) -> None:
        step = data.draw(st.sampled_from(sorted(self.running)))
        worker = self.running.pop(step)
        succeeded = how in ("memory", "disk", "dies late")
        self.ended[step] = "succeeded" if succeeded else "failed"
        if succeeded:
            self.memory[step] = worker
        if how == "disk":
            self.disk.add(step)
        self.scheduler.step_ended(step, succeeded=succeeded, is_on_disk=how == "disk")
        if how.startswith("dies"):
            self._lose(worker)
        self._act()

    @precondition(lambda self: self.spilling)
    @rule(data=st.data(), how=st.sampled_from(("written", "written", "refused", "dies")))
    def frame_is_spilled(self, data: st.DataObject, how: str) -> None:
        step = data.draw(st.sampled_from(sorted(self.spilling)))
        worker = self.spilling.pop(step)
        (self.disk if how == "written" else self.unspillable).add(step)
        self.scheduler.frame_spilled(step, is_on_disk=how == "written")
        if how == "dies":
            self._lose(worker)
        self._act()

    @precondition(lambda self: self.alive - {*self.running.values(), *self.spilling.values()})
    @rule(data=st.data())
    def idle_worker_dies(self, data: st.DataObject) -> None:
        busy = {*self.running.values(), *self.spilling.values()}
        self._lose(data.draw(st.sampled_from(sorted(self.alive - busy))))
        self._act()

    @rule()
    def run_is_stopped(self) -> None:
        if len(self.attempts) > 4:
            self.scheduler.stop()
            assert self.scheduler.next_action() is None

    def _lose(self, worker: int) -> None:
        self.alive.remove(worker)
        self.memory = {step: other for step, other in self.memory.items() if other != worker}
        self.scheduler.worker_lost(worker)

    @invariant()
    def run_goes_on_or_is_done(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        assert set(self.scheduler.running) == set(self.running)
        assert dict(self.scheduler.outcomes) == self.ended
        if not (self.running or self.spilling or self.starting):
            is_over = len(self.ended) == len(self.steps)
            assert self.scheduler.is_done or self.jobs <= 0
            assert is_over or self.scheduler.is_stopped or self.jobs <= 0


Runs.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestScheduler: Any = Runs.TestCase


def test_connection_is_used_by_as_many_steps_as_its_limit() -> None:
    names = ("a", "b", "c", "free")
    touches = {name: [Touch("db", "db", writes=False)] for name in names[:3]}
    schedule = schedule_of([Step(name, "d", "") for name in names], touches, limit={"db": 2})
    scheduler = Scheduler(schedule, 4)
    while (action := scheduler.next_action()) is not None:
        assert isinstance(action, StartWorker)
    for worker in list(scheduler.workers):
        scheduler.worker_ready(worker)
    scheduler.workers[9] = "idle"  # one more than it starts
    while scheduler.next_action() is not None:
        pass
    assert sorted(scheduler.running) == ["a", "b", "free"]
    scheduler.step_ended("a", succeeded=True)
    assert scheduler.next_action() is not None
    assert sorted(scheduler.running) == ["b", "c", "free"]
