"""Run on the machines of a cluster: submits chains that can run, records what nodes report, and retries lost ones.

The scheduler of a run with several workers decides what can run and what is skipped; here each chain is one of its
steps, and a worker stands for the place of a chain in the engine's queue. The engine chooses the machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import orjson

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import (
    OsirisError,
    ProtocolError,
    RunDirectoryExists,
    SettingsError,
    log_name,
)
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.cluster.attempt_lines import AttemptLines
from osiris_inspect.runtime.cluster.chain_request import ChainResult, SharedFrame, attempt_key
from osiris_inspect.runtime.cluster.chains import Chain, chain_schedule, chains_of, check_shared_files
from osiris_inspect.runtime.cluster.cluster_files import ClusterFiles
from osiris_inspect.runtime.cluster.engine import (
    Engine,
    EngineEvent,
    EngineLost,
    LinesReceived,
    MachineChanged,
    SecretsWanted,
    TaskDone,
    TaskLost,
    TaskRequest,
)
from osiris_inspect.runtime.cluster.node import ABANDONED
from osiris_inspect.runtime.cluster.publish import Publisher
from osiris_inspect.runtime.cluster.shared_runs import OWNER
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from osiris_inspect.runtime.pipeline.retry_policy import StepRetryPolicy, parse_retry_policy
from osiris_inspect.runtime.planning.schedule import build_schedule
from osiris_inspect.runtime.planning.scheduler import Action, RunStep, Scheduler, SkipStep, StartWorker
from osiris_inspect.runtime.planning.take_over import changed_source
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response
from osiris_inspect.runtime.proxy.artifact_download import DownloadRequest, download_files
from osiris_inspect.runtime.proxy.failures import error_response, info_of, run_stopped
from osiris_inspect.runtime.proxy.proxy import RunExecution, RunResult, run
from osiris_inspect.runtime.proxy.scheduling.needed_frames import kept_files, needed_frames
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from osiris_inspect.runtime.proxy.worker_client import CommandResult, Interrupted

MACHINE_LOST: Final = "machine-lost"
_DEFAULT_POLICY: Final = StepRetryPolicy(attempts=2, kinds=(MACHINE_LOST,), wait_s=0.0)
"""A chain that can be repeated runs once more if its machine is lost."""
_POLL_S: Final = 0.2
_MAX_NOT_READY: Final = 3


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Options of a run on a cluster.

    Attributes:
        shared: folder or URL of the shared store.
        open_timeout_s: seconds to wait for the first machine, and for a scheduler that was lost.
        keep_shared: True if the files on the shared store stay after a success.
        isolation: the requested isolation of the workers.
        memory_bytes: limit of the memory of each worker; None for no limit.
    """

    shared: str
    open_timeout_s: float = 60.0
    keep_shared: bool = False
    isolation: str = "auto"
    memory_bytes: int | None = None


def run_on_cluster(request: RunRequest, engine: Engine, options: ClusterOptions) -> RunResult:
    """Run a pipeline on the machines of an engine and write its complete run directory on this machine.

    Raises:
        RunError, InputsGone: as ``run``.
        SettingsError: the shared store cannot be used.
    """
    store, files = SharedStore(options.shared), ClusterFiles(options.isolation)
    files.store = store
    try:
        return run(
            request, files, lambda context, _transport: ClusterRun(context, files, engine, store, options)
        )
    finally:
        engine.close("")


@dataclass(slots=True)
class _Attempt:
    """Attempt of a chain that was submitted, or waits until a time of the monotonic clock for it."""

    number: int
    lines: AttemptLines
    not_before: float | None = None
    not_ready: int = 0


class ClusterRun(RunExecution):
    """Execution of one run on a cluster."""

    def __init__(
        self,
        context: RunContext,
        files: ClusterFiles,
        engine: Engine,
        store: SharedStore,
        options: ClusterOptions,
    ) -> None:
        super().__init__(context, files)
        self._files, self._engine, self._store, self._options = files, engine, store, options
        self._publisher = Publisher(context, store, options.isolation, options.memory_bytes)
        self._chains: dict[str, Chain] = {}
        self._steps = {step.id: step for step in context.steps}
        self._running: dict[str, _Attempt] = {}
        self._frames: dict[str, SharedFrame] = {}
        self._scheduler: Scheduler | None = None
        self._has_packages = self._has_lost = self._is_open = False
        self._run = context.progress.path.name

    def run_steps(self) -> ErrorResponse | None:
        """Run the chains; return the error if none could start."""
        try:
            self._prepare()
        except OsirisError as error:
            return error_response(log_name(error), str(error), info_of(error))
        scheduler = self._sched
        while not scheduler.is_done:
            while (action := scheduler.next_action()) is not None:
                self._begin(action)
            self._submit_waiting()
            if self.context.signals.is_set:
                raise Interrupted(self.context.signals.name)
            event = self._engine.poll(_POLL_S)
            if event is not None:
                self._handle(event)
        self._skip_rest()
        self._end()
        return None

    def _prepare(self) -> None:
        """Cut the run into chains, publish its files and connect to the engine."""
        request, components = self.request, self.context.components
        connections = request.connections
        schedule = build_schedule(
            request.running, components, request.base, connections.by_step, connections.max_parallel
        )
        not_repeatable = {step.id for step in self.context.steps if not self._is_repeatable(step)}
        chains = chains_of(schedule, not_repeatable)
        check_shared_files(chains, request.running, components, request.base, request.connections.by_step)
        self._chains = {chain.id: chain for chain in chains}
        has_secrets = any(not self._publisher.secrets_of(chain).is_empty for chain in chains)
        if has_secrets and not self._engine.can_send_secrets:
            raise SettingsError(
                f"the pipeline has secrets, and connections to {self._engine.details['scheduler']} are not encrypted",
                fix="use a tls:// scheduler, or --insecure-cluster in a network that you trust",
                option="--scheduler",
            )
        self._scheduler = Scheduler(chain_schedule(chains, schedule), len(chains))
        bundle = self.build_bundle()
        if not self._store.create(f"{self._run}/{OWNER}", orjson.dumps({"host": str(self.progress.path)})):
            raise RunDirectoryExists(
                f"the shared store {self._store.url} has a run {self._run} of another host",
                fix="run again, or use another --shared",
            )
        self._publisher.upload_bundle(bundle)
        self._frames |= self._publisher.upload_reused()
        self._engine.open(self._options.open_timeout_s)
        self._is_open = True
        self.emit("parcel", bundle.to_dict())
        machines = [
            {
                "name": each.name,
                "address": each.address,
                "threads": each.threads,
                "memory_bytes": each.memory_bytes,
                "resources": dict(each.resources),
            }
            for each in self._engine.machines()
        ]
        self.emit("cluster", {**self._engine.details, "shared": self._store.url, "machines": machines})
        self.emit("placed", {"chains": [{"steps": list(chain.steps), "cut": chain.cut} for chain in chains]})

    @property
    def _sched(self) -> Scheduler:
        assert self._scheduler is not None  # noqa: S101  ``_prepare`` makes it
        return self._scheduler

    def _is_repeatable(self, step: Step) -> bool:
        component = self.context.components.get(step.driver)
        config = self.request.compiled.configs[step.id]
        return component is not None and component.is_repeatable({**component.defaults, **config})

    # --- actions

    def _begin(self, action: Action) -> None:
        if isinstance(action, StartWorker):
            self._sched.worker_ready(action.worker)
        elif isinstance(action, RunStep):
            self._submit(action.step, 1)
        elif isinstance(action, SkipStep):
            self._skip_chain(self._chains[action.step])

    def _submit(self, name: str, number: int, wait_s: float = 0.0) -> None:
        lines = AttemptLines(self.recorder, name, number)
        self._running[name] = attempt = _Attempt(number, lines)
        if wait_s > 0:
            attempt.not_before = monotonic() + wait_s
        else:
            self._send(name, attempt)

    def _submit_waiting(self) -> None:
        for name, attempt in list(self._running.items()):  # a chain that cannot be sent ends
            if attempt.not_before is not None and monotonic() >= attempt.not_before:
                attempt.not_before = None
                self._send(name, attempt)

    def _send(self, name: str, attempt: _Attempt) -> None:
        """Submit an attempt; a chain that cannot be submitted fails."""
        chain = self._chains[name]
        try:
            task = self._task_of(chain, attempt.number)
            attempt.lines.sent_at = monotonic()
            self._engine.submit(task)
        except OsirisError as error:
            self._fail_chain(chain, error_response(log_name(error), str(error), info_of(error)))
            return
        self.emit("step_sent", {"attempt": attempt.number, "steps": list(chain.steps)}, name)

    def _task_of(self, chain: Chain, number: int) -> TaskRequest:
        """Upload the files that a chain reads; return its attempt for the engine.

        Raises:
            OsirisError: the request cannot be made; see ``Publisher.request_of``.
        """
        request = self._publisher.request_of(chain, number, self._frames)
        if request.counts_attempts:
            self.recorder.attempts |= dict.fromkeys(chain.steps, number)
        producers = {step: each.id for each in self._chains.values() for step in each.gives}
        first = self._steps[chain.id]
        return TaskRequest(
            self._run,
            chain.id,
            number,
            request.encode(),
            inputs=[producers[step] for step in chain.frames if step in producers],
            priority=-list(self._chains).index(chain.id),
            memory_bytes=first.memory_bytes,
            resources=_resources(first),
        )

    # --- events of the engine

    def _handle(self, event: EngineEvent) -> None:
        if isinstance(event, MachineChanged):
            fields = {"action": event.action, "node": event.address, "reason": event.reason}
            self.emit("cluster_changed", fields)
            if event.action == "left":
                self._handle_left(event.address)
        elif isinstance(event, EngineLost):
            self._reconnect(event)
        else:
            attempt = self._running.get(event.chain)
            if attempt is None or attempt.number != event.attempt or attempt.not_before is not None:
                return
            if isinstance(event, LinesReceived):
                attempt.lines.address = event.address
                attempt.lines.take(event.node, event.first, event.lines)
            elif isinstance(event, SecretsWanted):
                secrets = self._publisher.secrets_of(self._chains[event.chain])
                self._engine.send_secrets(self._run, event.chain, event.address, secrets)
            elif isinstance(event, TaskLost):
                self._handle_loss(event.chain, event.reason)
            elif isinstance(event, TaskDone):
                self._handle_result(event.chain, attempt, event.result)

    def _handle_result(self, name: str, attempt: _Attempt, result: ChainResult) -> None:
        if result.outcome == "done":
            self._finish(name, attempt, result)
        elif result.outcome == "claimed_before":
            self._handle_loss(name, f"its machine was lost: {result.node} claimed it and did not end it")
        elif result.outcome == "not_ready" and attempt.not_ready < _MAX_NOT_READY:
            attempt.not_ready += 1
            self._engine.cancel(name)
            self._send(name, attempt)
        else:
            self._handle_loss(name, f"the attempt ended as {result.outcome} on {result.node}")

    def _handle_left(self, address: str) -> None:
        """Notice the loss of the attempts of a machine at once, not when the engine runs them elsewhere."""
        for name in [name for name, attempt in self._running.items() if attempt.lines.address == address]:
            self._handle_loss(name, f"the machine {address} left the cluster")

    def _reconnect(self, event: EngineLost) -> None:
        """Wait for the scheduler to come back; then find out what became of the attempts, or end the run."""
        self.emit("cluster_changed", {"action": "left", "node": "scheduler", "reason": event.reason})
        self._is_open = False
        try:
            self._engine.open(self._options.open_timeout_s)
            self._is_open = True
        except ProtocolError as error:
            self._sched.stop()
            lost = _lost_engine(error, f"{event.reason}; {error.message}")
            self.outcomes.fail_run(lost.message, info_of(lost))
        for name in [name for name, attempt in self._running.items() if attempt.not_before is None]:
            self._handle_loss(name, event.reason, can_retry=self._is_open)

    # --- ends of attempts

    def _handle_loss(self, name: str, reason: str, *, can_retry: bool = True) -> None:
        """Abandon an attempt, unless it has a record; run the chain again if that is allowed."""
        attempt, chain = self._running[name], self._chains[name]
        self._engine.cancel(name)
        record = self._abandon(name, attempt.number)
        if record is not None:
            self._finish(name, attempt, record)
            return
        self._has_lost = True
        lines = attempt.lines
        fields = {
            "attempt": attempt.number,
            "error": reason,
            "node": lines.node or None,
            "last_event": lines.last,
        }
        self.emit("step_lost", fields, name)
        if lines.node:
            lost = {"node": lines.node, "attempt": attempt.number, "after_seq": lines.next - 1}
            self.emit("lines_lost", lost, name)
        policy = self._policy(chain)
        if can_retry and policy is not None and attempt.number < policy.attempts:
            self._retry(chain, attempt.number + 1, policy, MACHINE_LOST)
        else:
            self._fail_lost(chain, attempt, reason)

    def _abandon(self, name: str, number: int) -> ChainResult | None:
        """Make sure that an attempt has no effect any more; return its record if it ended before."""
        if self._store.create(attempt_key(self._run, "fate", name, number), ABANDONED):
            return None
        record = self._store.read(attempt_key(self._run, "records", name, number))
        return None if record is None else ChainResult.decode(record)

    def _policy(self, chain: Chain) -> StepRetryPolicy | None:
        """Return how often a chain runs if its machine is lost; None if it must not run again."""
        steps = [self._steps[step] for step in chain.steps]
        own = parse_retry_policy(steps[0].retry) if steps[0].retry else None
        is_repeatable = all(map(self._is_repeatable, steps)) or bool(own and own.allows_not_repeatable)
        if not is_repeatable:
            return None
        return own if own is not None and own.attempts > 1 else _DEFAULT_POLICY

    def _retry(self, chain: Chain, number: int, policy: StepRetryPolicy, because: str) -> None:
        wait_s = 0.0 if because == MACHINE_LOST else policy.wait_before(number)
        for step in chain.steps:
            self.recorder.attempts[step] = number
            fields = {"of": policy.attempts, "because": because, "wait_s": wait_s}
            self.emit("step_retry", {**fields, "driver": self._steps[step].driver}, step)
        self._submit(chain.id, number, wait_s)

    def _fail_lost(self, chain: Chain, attempt: _Attempt, reason: str) -> None:
        """Fail the step that ran when a machine was lost; the ones before it have ended, those after it are skipped."""
        failed = self._record_completed(chain, attempt)
        may_have_written = not self._is_repeatable(self._steps[failed])
        text = f"the machine of step {failed!r} was lost in attempt {attempt.number}: {reason}"
        fix = "check the machine's memory and log, then resume the run"
        if may_have_written:
            text = f"{text}; it is unknown whether it has written its rows"
            fix = "look at the target; then resume the run with --accept or --rerun and the name of the step"
        error = ProtocolError(
            text,
            kind="machine-lost",
            fix=fix,
            step=failed,
            attempt=attempt.number,
            node=attempt.lines.node or None,
            may_have_written=may_have_written,
        )
        self._fail_chain(chain, error_response("WorkerLost", text, info_of(error, "WorkerLost")), failed)

    def _record_completed(self, chain: Chain, attempt: _Attempt) -> str:
        """Record the steps that ended before their attempt did not go on; return the step that did not end."""
        completed = attempt.lines.completed
        failed = next((step for step in chain.steps if step not in completed), chain.steps[-1])
        for step in chain.steps[: chain.steps.index(failed)]:
            self.outcomes.record_answer(self._steps[step], Response(0, {}))
        return failed

    def _fail_chain(self, chain: Chain, answer: ErrorResponse, failed: str | None = None) -> None:
        """End a chain with the failure of one of its steps, by default the first one."""
        self._record_error(self._steps[failed or chain.id], answer)
        self._end_chain(chain, succeeded=False)

    def _record_error(self, step: Step, answer: ErrorResponse) -> None:
        if "step_failed" not in self.recorder.event_names(step.id):
            self.outcomes.record_failure(step, answer.error, None)
        self.outcomes.record_answer(step, answer)

    def _finish(self, name: str, attempt: _Attempt, result: ChainResult) -> None:
        """Take over the record of an attempt."""
        chain = self._chains[name]
        try:
            attempt.lines.complete(result, self._store)
        except ProtocolError as error:
            self.emit(
                "lines_lost", {"node": result.node, "attempt": attempt.number, "error": str(error)}, name
            )
        if result.packages is not None and not self._has_packages:
            self._has_packages = True
            self.write_packages(result.packages)
        answers = {step: self._answer(step, answer) for step, answer in result.answers.items()}
        failure = next((each for each in answers.values() if isinstance(each, ErrorResponse)), None)
        if failure is None and result.failure:
            failed = next((step for step in chain.steps if step not in answers), chain.steps[-1])
            answers[failed] = failure = ErrorResponse(None, result.failure)
        if failure is not None and self._retry_failed(chain, attempt, failure):
            return
        self._files.add(result.files, result.node)
        self._frames |= {frame.step: frame for frame in result.frames}
        for step, answer in answers.items():
            if isinstance(answer, ErrorResponse):
                self._record_error(self._steps[step], answer)
            else:
                self.outcomes.record_answer(self._steps[step], answer)
        self._end_chain(chain, succeeded=failure is None)

    def _answer(self, step: str, answer: Mapping[str, Any]) -> CommandResult:
        """Return the answer of a step; an error if its frame is another one than expected."""
        if "failed" in answer:
            return ErrorResponse(None, answer["failed"])
        request = self.request
        error = changed_source(step, request.expected.get(step), request.origin, self.recorder.card_events)
        if error is None:
            return Response(0, answer)
        if request.allow_mixed:
            self.emit("source_changed", error.facts, step)
            return Response(0, answer)
        return error_response(log_name(error), str(error), info_of(error))

    def _retry_failed(self, chain: Chain, attempt: _Attempt, error: ErrorResponse) -> bool:
        """Run a step again after an error that its retries name; return False if it is not to run again."""
        step = self._steps[chain.id]
        if not step.retry:
            return False
        policy = parse_retry_policy(step.retry)
        kind = (error.error.get("error_info") or {}).get("kind")
        if kind not in policy.kinds or attempt.number >= policy.attempts:
            return False
        self._retry(chain, attempt.number + 1, policy, str(kind))
        return True

    def _end_chain(self, chain: Chain, *, succeeded: bool) -> None:
        del self._running[chain.id]
        self._sched.step_ended(chain.id, succeeded=succeeded, is_on_disk=True)
        if not succeeded:
            self._skip_chain(chain)
            if self.request.fail_fast and not self._sched.is_stopped:
                self._sched.stop()
                self._cancel_rest(next(step for step in chain.steps if step in self.progress.failed))

    def _cancel_rest(self, cause: str) -> None:
        """End the chains that run, because the run ends at a failed step."""
        for name in list(self._running):
            attempt, chain = self._running[name], self._chains[name]
            self._engine.cancel(name)
            record = self._abandon(name, attempt.number)
            if record is not None:
                self._finish(name, attempt, record)
                continue
            info = run_stopped(cause)
            failed = self._record_completed(chain, attempt)
            self._fail_chain(chain, error_response("Cancelled", info["message"], info), failed)

    # --- skipped steps

    def _skip_chain(self, chain: Chain) -> None:
        """Skip the steps of a chain that have not ended."""
        for name in chain.steps:
            step = self._steps[name]
            cause = None if self._has_ended(name) else self.outcomes.skip_cause(step, None)
            if cause is not None:
                self.outcomes.skip(step, cause, self.outcomes.skip_info(step, cause, None))

    def _skip_rest(self) -> None:
        """Skip the steps for which there is no machine any more, and those after a failure that ends the run."""
        for step in self.context.steps:
            if self._has_ended(step.id):
                continue
            cause = self.outcomes.skip_cause(step, None)
            if cause is not None:
                self.outcomes.skip(step, cause, self.outcomes.skip_info(step, cause, None))
            else:
                info = self.progress.error_info or {}
                self.outcomes.skip(step, self.progress.reason or "the cluster was lost", info)

    def _has_ended(self, step: str) -> bool:
        progress = self.progress
        return step in (*progress.succeeded, *progress.failed, *progress.skipped)

    # --- end of the run

    def _end(self) -> None:
        """End the workers of the machines, and forget the run on the shared store after a success."""
        if self._is_open:
            self._engine.close(self._run)
            self._is_open = False

    def download_artifacts(self) -> Mapping[str, int]:
        """Download the files of the steps from the shared store; return the files of frames that were too large."""
        request = self.request
        for needed in needed_frames(self.context):
            frame = self._frames.get(needed.ref.from_step)
            if frame is not None and needed.ref.key == layout.FRAME_KEY and frame.attempt:
                self._files.add(frame.files)
        wanted = DownloadRequest(
            request.artifact_policy,
            self.progress.path,
            request.base,
            self.output_files(),
            frozenset(step.id for step in self.context.steps),
            frozenset(self.progress.succeeded),
            kept_files(self.context),
            request.settings.capture_limit,
        )
        result = download_files(self._files, wanted, self.emit)
        failure = result.failure
        try:
            self._files.write_log(self.progress.files)
        except ProtocolError as error:
            failure = failure or error
        if failure is not None:
            self.outcomes.fail_run(str(failure), info_of(failure))
        if self.progress.is_complete and self.progress.reason is None and not self._options.keep_shared:
            self._delete_shared()
        return result.frames_left

    def _delete_shared(self) -> None:
        try:
            self._store.delete(self._run)
        except ProtocolError as error:
            self.emit("leftovers_kept", {"url": self._store.url, "path": self._run, "error": str(error)})

    def missing_reason(self) -> str:
        """Return why the frames that steps need are not on disk."""
        return "worker gone" if self._has_lost else super().missing_reason()

    def kill_running(self) -> None:
        """Cancel what runs; its nodes end the steps within a second. Steps that have ended in open chains succeeded."""
        for name, attempt in self._running.items():
            self._engine.cancel(name)
            for step in attempt.lines.completed:
                self.outcomes.record_answer(self._steps[step], Response(0, {}))
        self._running.clear()
        self._end()


def _lost_engine(error: ProtocolError, message: str) -> ProtocolError:
    """Return the error of a lost scheduler with what to do about the run."""
    return ProtocolError(
        message, kind="engine-lost", fix="resume the run when the scheduler is back", **error.facts
    )


def _resources(step: Step) -> dict[str, float]:
    """Return the resources that the machine of a step must have, by the names that its worker was started with."""
    resources: dict[str, float] = {}
    if "cpus" in step.machine:
        resources["cpus"] = step.machine["cpus"]
    if "name" in step.machine:
        resources.setdefault(step.machine["name"], 1)
    return resources
