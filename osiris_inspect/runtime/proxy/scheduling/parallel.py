"""Runs steps at the same time, each on one of several workers. One thread serves all workers and writes the log."""

import select
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Final

from osiris_inspect.model.errors import MessageTooLarge, WorkerLost
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.planning.schedule import Schedule
from osiris_inspect.runtime.planning.scheduler import (
    Action,
    EndWorker,
    RunStep,
    Scheduler,
    SkipStep,
    SpillFrame,
)
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response
from osiris_inspect.runtime.proxy.failures import frame_not_on_disk, run_stopped
from osiris_inspect.runtime.proxy.scheduling.conversation import Conversation, ForLine
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_worker import RunWorker
from osiris_inspect.runtime.proxy.scheduling.step_outcomes import StepOutcomes
from osiris_inspect.runtime.proxy.worker_client import CommandResult

_TURN_S: Final = 0.01
"""Seconds that one worker is waited for before the next one has its turn."""
_MAX_LINES: Final = 200
"""Lines of one worker before the next one has its turn."""


@dataclass(slots=True)
class _Task:
    """Conversation of a worker, and until when it waits."""

    action: Action
    conversation: Conversation[Any]
    waits_for_line: bool = True
    deadline: float = 0.0


class ParallelRun:
    """Execution of the steps of a run on several workers.

    Attributes:
        start_error: why no worker could be prepared; None if one was.
        packages: the packages that the first worker imports from; None before it is prepared.
    """

    def __init__(
        self,
        context: RunContext,
        outcomes: StepOutcomes,
        schedule: Schedule,
        add_worker: Callable[[int, Collection[str] | None, Step | None], RunWorker],
        make_bundle: Callable[[], Bundle],
    ) -> None:
        self._context, self._outcomes = context, outcomes
        self._add_worker, self._make_bundle = add_worker, make_bundle
        self._schedule = schedule
        self._scheduler = Scheduler(schedule, context.request.jobs)
        self._steps = {step.id: step for step in context.steps}
        self._workers: dict[int, RunWorker] = {}
        self._tasks: dict[int, _Task] = {}
        self._worker_of: dict[str, RunWorker] = {}
        self._failed_starts: list[tuple[int, ErrorResponse]] = []
        self._is_prepared = False
        self.start_error: ErrorResponse | None = None
        self.packages: object = None

    def run(self) -> None:
        """Run all steps and end the workers; skip the steps that cannot run."""
        scheduler = self._scheduler
        while not scheduler.is_done:
            while (action := scheduler.next_action()) is not None:
                self._begin(action)
            if self._tasks:
                self._serve()
            elif not scheduler.is_done:  # no worker is left
                scheduler.stop()
        if self.start_error is None:
            self._skip_rest()
        self._end_workers()

    # --- actions

    def _begin(self, action: Action) -> None:
        if isinstance(action, SkipStep):
            self._skip(action)
            return
        if isinstance(action, RunStep):
            worker = self._worker_of[action.step] = self._workers[action.worker]
            conversation: Conversation[Any] = worker.run_step(self._steps[action.step])
        elif isinstance(action, SpillFrame):
            conversation = self._workers[action.worker].spill(action.step)
        elif isinstance(action, EndWorker):
            conversation = self._workers[action.worker].end()
        else:
            sharing, memory = self._schedule.sharing.get(action.step), self._schedule.memory
            own_step = self._steps[action.step] if action.step in memory else None
            self._workers[action.worker] = self._add_worker(action.worker, sharing, own_step)
            conversation = self._workers[action.worker].prepare(self._make_bundle)
        task = self._tasks[action.worker] = _Task(action, conversation)
        self._resume(action.worker, task, partial(next, conversation))

    def _skip(self, action: SkipStep) -> None:
        step, cause = self._steps[action.step], action.cause
        if self._scheduler.outcomes[cause] == "failed":
            self._outcomes.skip(step, cause, self._outcomes.skip_info(step, cause, None))
            return
        loss = self._worker_of[cause].loss  # it had the only copy of the frame
        if loss is None:
            info = frame_not_on_disk(cause)
            self._outcomes.skip(step, info["message"], info)
            return
        self._outcomes.skip(step, self._worker_of[cause].lost_with or loss.reason, loss.info)

    def _skip_rest(self) -> None:
        """Skip the steps after a failure that ends the run, and those for which no worker is left."""
        loss = next((worker.loss for worker in reversed(self._workers.values()) if worker.loss), None)
        for step in self._context.steps:
            if step.id in self._scheduler.outcomes:
                continue
            cause = self._outcomes.skip_cause(step, loss)
            if cause is not None:
                self._outcomes.skip(step, cause, self._outcomes.skip_info(step, cause, loss))

    # --- conversations

    def _serve(self) -> None:
        """Continue the conversations whose worker has sent a line or whose time is over; wait if there are none."""
        is_served = [self._serve_task(number, task) for number, task in list(self._tasks.items())]
        self._serve_idle()
        if any(is_served) or not self._tasks:
            return
        poll = select.poll()
        for number, worker in self._workers.items():
            task = self._tasks.get(number)
            if worker.loss is None and not worker.is_killed and (task is None or task.waits_for_line):
                for descriptor in worker.transport.descriptors():
                    poll.register(descriptor, select.POLLIN)
        wait = min(task.deadline for task in self._tasks.values()) - monotonic()
        poll.poll(max(0.0, wait) * 1000)

    def _serve_task(self, number: int, task: _Task) -> bool:
        """Continue a conversation as far as it gets; return False if it waits for its worker."""
        conversation, transport = task.conversation, self._workers[number].transport
        for count in range(_MAX_LINES):
            line = None
            if task.waits_for_line:
                try:
                    line = transport.receive(0.0)
                except (WorkerLost, MessageTooLarge) as error:
                    self._resume(number, task, partial(conversation.throw, error))
                    return True
            if line is None and monotonic() < task.deadline:
                return count > 0
            self._resume(number, task, partial(conversation.send, line))
            if self._tasks.get(number) is not task:
                return True
        return True

    def _serve_idle(self) -> None:
        """Notice the end of workers that do nothing."""
        for number, status in list(self._scheduler.workers.items()):
            worker = self._workers[number]
            if status == "idle" and not worker.check_idle():
                self._scheduler.worker_lost(number)

    def _resume(self, number: int, task: _Task, advance: Callable[[], Any]) -> None:
        try:
            wait = advance()
        except StopIteration as end:
            del self._tasks[number]
            self._finish(task.action, end.value)
        else:
            task.waits_for_line = isinstance(wait, ForLine)
            task.deadline = monotonic() + wait.seconds

    # --- results

    def _finish(self, action: Action, result: Any) -> None:
        if isinstance(action, RunStep):
            self._finish_step(action.step, result)
        elif isinstance(action, SpillFrame):
            self._scheduler.frame_spilled(action.step, is_on_disk=result)
            self._report_loss(action.worker)
        elif isinstance(action, EndWorker):
            self._scheduler.worker_ended(action.worker)
        elif not isinstance(action, SkipStep):
            self._finish_start(action.worker, result)

    def _finish_step(self, step_id: str, answer: CommandResult) -> None:
        worker = self._worker_of[step_id]
        self._outcomes.record_answer(self._steps[step_id], answer)
        succeeded = isinstance(answer, Response)
        is_on_disk = isinstance(answer, Response) and answer.body.get("storage") == "spill"
        self._scheduler.step_ended(step_id, succeeded=succeeded, is_on_disk=is_on_disk)
        if worker.loss is not None and worker.number is not None:
            worker.lost_with = step_id
            self._scheduler.worker_lost(worker.number)
        if not succeeded and self._context.request.fail_fast and not self._scheduler.is_stopped:
            self._scheduler.stop()
            self._cancel_steps(step_id)

    def _finish_start(self, number: int, answer: CommandResult) -> None:
        if isinstance(answer, Response):
            self._is_prepared = True
            self.packages = self.packages or answer.body.get("packages")
            self._scheduler.worker_ready(number)
        else:
            self._scheduler.worker_lost(number, can_replace=False)
            self._failed_starts.append((number, answer))
            if not self._is_prepared and not self._scheduler.workers:
                self.start_error = answer
                self._scheduler.stop()
        if self._is_prepared:
            for failed, error in self._failed_starts:
                self._workers[failed].record_lost("prepare", error.error["message"])
            self._failed_starts.clear()

    def _report_loss(self, number: int) -> None:
        loss = self._workers[number].loss
        if loss is not None:
            self._workers[number].record_lost("spill", loss.reason)
            self._scheduler.worker_lost(number)

    # --- end

    def _cancel_steps(self, cause: str) -> None:
        """End the steps that run, because the run ends at a failed step."""
        running = dict(self._scheduler.running)
        tasks = [self._tasks.pop(number) for number in running.values()]
        kill_workers(self._worker_of[step] for step in running)
        for task in tasks:
            task.conversation.close()
        for step_id in running:
            answer = self._worker_of[step_id].end_step(self._steps[step_id], run_stopped(cause))
            self._finish_step(step_id, answer)

    def _end_workers(self) -> None:
        """Let the prepared workers release their frames; kill those that still prepare."""
        kill_workers(self._workers[number] for number in self._tasks)
        for number, task in self._tasks.items():
            task.conversation.close()
            self._workers[number].is_killed = True
        self._tasks.clear()
        for worker in self._workers.values():
            worker.finish(worker.cleanup())


def capture_running(workers: Iterable[RunWorker], seconds: float) -> None:
    """Let workers write the inputs of the steps that run to disk, at the same time, for at most so many seconds."""
    waiting = {worker: worker.capture(seconds) for worker in workers if worker.running_step is not None}
    deadline = monotonic() + seconds
    for worker, conversation in list(waiting.items()):
        if next(conversation, None) is None:
            del waiting[worker]
    while waiting and monotonic() < deadline:
        for worker, conversation in list(waiting.items()):
            try:
                line = worker.transport.receive(_TURN_S)
            except (WorkerLost, MessageTooLarge) as error:
                advance: Callable[[], Any] = partial(conversation.throw, error)
            else:
                advance = partial(conversation.send, line)
            try:
                advance()
            except StopIteration:
                del waiting[worker]
    for conversation in waiting.values():
        conversation.close()


def kill_workers(workers: Iterable[RunWorker]) -> None:
    """Kill workers at the same time."""
    transports = [worker.transport for worker in workers]
    if len(transports) == 1:
        transports[0].kill()
    elif transports:
        with ThreadPoolExecutor(len(transports), "kill") as pool:
            list(pool.map(lambda transport: transport.kill(), transports))


def close_workers(workers: Iterable[RunWorker]) -> None:
    """End workers at the same time."""
    workers = list(workers)
    if len(workers) == 1:
        workers[0].close()
    elif workers:
        with ThreadPoolExecutor(len(workers), "close") as pool:
            list(pool.map(lambda worker: worker.close(), workers))
