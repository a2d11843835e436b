"""A worker of a run: starts and prepares it, runs steps on it, and ends it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any, Final, TypeVar

from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import (
    DependencyMissing,
    DriverError,
    MessageTooLarge,
    ProtocolError,
    SourceChanged,
    WorkerHung,
    WorkerLost,
    log_name,
)
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.pipeline.retry_policy import parse_retry_policy
from osiris_inspect.runtime.planning.take_over import changed_source
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response, new_nonce
from osiris_inspect.runtime.proxy.failures import (
    WorkerLoss,
    error_response,
    info_of,
    lost_worker,
    prepare_timeout,
    step_timeout,
)
from osiris_inspect.runtime.proxy.hang_watch import HangWatch
from osiris_inspect.runtime.proxy.scheduling.conversation import Conversation, Pause, converse
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.step_outcomes import StepOutcomes
from osiris_inspect.runtime.proxy.scheduling.step_secrets import step_secrets
from osiris_inspect.runtime.proxy.scheduling.worker_plan import StepAccess
from osiris_inspect.runtime.proxy.staged_outputs import StagedOutputs
from osiris_inspect.runtime.proxy.worker_client import (
    CAPTURE_TIMEOUT_S,
    CommandResult,
    CommandTimeout,
    Interrupted,
    WorkerClient,
)
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.sandbox.permissions import HostFolders, permissions_for
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport

T = TypeVar("T")

_CLEANUP_TIMEOUT_S: Final = 30.0


class RunWorker:
    """One worker: its transport, its client and the files that it stages.

    ``steps`` are those whose files and connections its sandbox grants; None for all. ``own_step`` is the only step that it
    is for, whose limit of memory applies.

    Attributes:
        number: counts the workers of a run with several from 1; None for the only one.
        has_started: True after its process or thread has started.
        loss: why the worker ended before its time; None as long as it can run steps.
        lost_with: the step that ran when it ended; None if none ran.
        running_step: the step that runs, or that ran when the run was interrupted.
        is_killed: True if it was ended because the run needs it no more.
    """

    def __init__(
        self,
        context: RunContext,
        transport: Transport,
        outcomes: StepOutcomes,
        number: int | None = None,
        steps: Collection[str] | None = None,
        own_step: Step | None = None,
    ) -> None:
        self._context, self.transport, self._outcomes = context, transport, outcomes
        self._steps, self._own_step = steps, own_step
        self.number = number
        self._request, self._recorder = context.request, context.recorder
        self._redactor, self._emit = context.progress.redactor, context.emit
        self._nonce = new_nonce()
        known = frozenset(step.id for step in self._request.compiled.manifest.steps)
        self._client = WorkerClient(
            transport, context.recorder, self._redactor, context.signals, self._nonce, known
        )
        self._client.worker = number
        self._client.on_step_complete = self._publish
        folder = layout.OUTPUTS if number is None else f"{layout.OUTPUTS}-{number}"
        self._staged = StagedOutputs(context.progress.path.absolute(), self._request.base, folder)
        self._unpublished: ErrorResponse | None = None
        self._phase_start = 0.0
        self.has_started = False
        self.loss: WorkerLoss | None = None
        self.lost_with: str | None = None
        self.running_step: Step | None = None
        self.is_killed = False

    # --- start and end

    def finish(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation with this worker, while no other one runs."""
        return converse(conversation, self.transport, self._context.signals.wait)

    def prepare(self, make_bundle: Callable[[], Bundle]) -> Conversation[CommandResult]:
        """Start the worker and prepare it for the steps; ``make_bundle`` returns its contents."""
        request, timeout, watch = self._request, None, None
        if not request.install_missing:  # an installation takes long, and sends nothing
            timeout = request.prepare_timeout_s
            watch = self._watch(None)
        answer: CommandResult
        try:
            body = self._start(make_bundle())
            answer = yield from self._client.request("prepare", body, timeout, watch)
            if isinstance(answer, Response):
                self._client.check_run_id(self._context.progress.path.name)
        except WorkerLost as error:
            self.loss = self._lost_worker(error)
            answer = error_response("WorkerLost", f"{error}; see {layout.WORKER_LOG}", self.loss.info)
        except CommandTimeout:
            self.transport.kill()
            self.loss = prepare_timeout(timeout)
            answer = error_response("StepTimeout", self.loss.reason, self.loss.info)
        except WorkerHung as error:
            answer = self._kill_hung(error)
        except (ProtocolError, DependencyMissing) as error:
            if self._context.signals.is_set:
                raise Interrupted(self._context.signals.name) from error
            answer = error_response(log_name(error), str(error), info_of(error))
        if isinstance(answer, Response):
            self._record_phase("worker", self._phase_start)
        return answer

    def end(self) -> Conversation[None]:
        """Let the worker release its frames, and end it, because the run goes on with others."""
        yield from self.cleanup()
        self.transport.kill()
        self.record_rest()
        self.is_killed = True

    def cleanup(self) -> Conversation[None]:
        """Let the worker release its frames, unless it was lost."""
        if self.loss is not None or self.is_killed or not self.has_started:
            return
        try:
            yield from self._client.request("cleanup", self._not_run(), _CLEANUP_TIMEOUT_S)
        except WorkerLost as error:
            self.record_lost("cleanup", str(error))
        except CommandTimeout:
            self.transport.kill()
            reason = f"no answer within {_CLEANUP_TIMEOUT_S:g} s"
            self.record_lost("cleanup", reason)

    def _not_run(self) -> dict[str, Any]:
        """Return the skipped steps, whose inputs the worker captures."""
        skipped = self._context.progress.skipped
        return {"not_run": list(skipped)} if skipped else {}

    def record_rest(self) -> None:
        """Record the remaining messages of the worker, which has ended, and the answer to its step if it is there."""
        answer = self._take_unpublished(self._client.drain())
        if self.running_step is not None and answer is not None:
            self._outcomes.record_answer(self.running_step, answer)

    def capture(self, seconds: float) -> Conversation[None]:
        """Let the worker write the inputs of the step that runs to disk, for at most so many seconds."""
        if self.running_step is not None:
            yield from self._client.capture(self.running_step.id, seconds)

    def close(self) -> None:
        """End the worker and remove what it staged; calling it twice is safe."""
        self.transport.close()
        self._staged.close()

    def _start(self, bundle: Bundle) -> dict[str, Any]:
        """Start the worker; return the body of the command ``prepare``."""
        request, path = self._request, self._context.progress.path
        self._phase_start = monotonic()
        launch = LaunchSpec(
            path,
            request.base,
            bundle,
            self._permissions(),
            self._context.secrets,
            request.install_missing,
            lambda: self._context.signals.is_set,
            self._nonce,
            self._record_phase,
            tuple(sorted(self._redactor.by_place)),
            self._own_step.memory_bytes if self._own_step is not None else None,
        )
        base = self.transport.start(launch)
        self.has_started = True
        fields = {**self._number_field, **self._own_step_field, **self.mode, **self.transport.details}
        self._emit("worker_started", fields)
        if self.number in (None, 1):
            self._emit("parcel", bundle.to_dict())
        return {
            "run_id": path.name,
            "manifest": manifest.to_dict(request.running.manifest),
            "settings": self._context.worker_settings.to_dict(),
            "base": base,
            "parcel": bundle.to_dict(),
        }

    @property
    def _number_field(self) -> dict[str, int]:
        return {} if self.number is None else {"worker": self.number}

    @property
    def _own_step_field(self) -> dict[str, str]:
        return {} if self._own_step is None else {"only_step": self._own_step.id}

    @property
    def mode(self) -> dict[str, Any]:
        """Mode and isolation of the worker, for the log."""
        return {"mode": self.transport.mode, "isolation": self.transport.isolation_level}

    def _record_phase(self, name: str, start: float, sent: int | None = None) -> None:
        """Record a phase of the run that has ended; ``start`` is a time of the monotonic clock."""
        self._phase_start = monotonic()
        size = {} if sent is None else {"bytes": sent}
        self._emit(
            "phase",
            {"name": name, "duration_ms": (self._phase_start - start) * 1000, **size, **self._number_field},
        )

    def _permissions(self) -> SandboxPermissions:
        """Return the permissions of the worker, if the transport applies them."""
        request, components = self._request, self._context.components
        if not self.transport.stages_outputs:
            return SandboxPermissions()
        private = (request.compiled.pipeline_file, *request.connections.files, *request.private)
        run_dir = self._context.progress.path.absolute()  # the worker has another working directory
        folders = HostFolders(request.base.absolute(), request.logs.absolute(), run_dir, private)
        steps = self._context.steps
        names = [step.id for step in steps] if self._steps is None else self._steps
        access = StepAccess(request, components).of_steps(names)
        used = {step.driver: components[step.driver] for step in steps if step.driver in components}
        permissions = permissions_for(access, used.values(), folders)
        read, write = (*permissions.read, *request.readable), (*permissions.write, self._staged.open())
        return replace(permissions, read=read, write=write)

    # --- steps

    def run_step(self, step: Step) -> Conversation[CommandResult]:
        """Run a step until it succeeds, it fails with an error that is not retried, or its attempts are used up."""
        self.running_step = step
        answer = yield from self._run_attempts(step)
        self.running_step = None
        return answer

    def _run_attempts(self, step: Step) -> Conversation[CommandResult]:
        if not step.retry:
            return (yield from self._run_attempt(step))
        policy = parse_retry_policy(step.retry)
        self._recorder.attempts[step.id] = 1
        answer = yield from self._run_attempt(step, may_retry=policy.attempts > 1)
        for attempt in range(2, policy.attempts + 1):
            if isinstance(answer, Response) or self.loss is not None:
                break
            info = answer.error.get("error_info") or {}
            if info.get("kind") not in policy.kinds:
                break
            wait_s = policy.wait_before(attempt)
            self._recorder.attempts[step.id] = attempt
            self._emit(
                "step_retry",
                {"of": policy.attempts, "because": info["kind"], "wait_s": wait_s, "driver": step.driver},
                step.id,
            )
            yield Pause(wait_s)
            if self._context.signals.is_set:
                raise Interrupted(self._context.signals.name)
            answer = yield from self._run_attempt(step, may_retry=attempt < policy.attempts)
        return answer

    def _run_attempt(self, step: Step, *, may_retry: bool = False) -> Conversation[CommandResult]:
        """Run a step once; if it ``may_retry``, the worker keeps its inputs after a failure."""
        body = {
            "step_id": step.id,
            "driver": step.driver,
            "cfg_path": step.cfg_path,
            "inputs": inputs_of(step),
            **({"may_retry": True} if may_retry else {}),
            **self._confidential(step),
        }
        sent_at = monotonic()
        watch = self._watch(step.id)
        answer: CommandResult
        try:
            answer = yield from self._client.request("exec_step", body, self._time_limit(step), watch)
        except WorkerLost as error:
            self.loss = self._lost_worker(error)
            answer = error_response("WorkerLost", str(error), self.loss.info)
        except CommandTimeout:
            answer = yield from self._kill_timed_out(step)
        except WorkerHung as error:
            answer = self._kill_hung(error)
        answer = self._take_unpublished(answer) or answer
        if isinstance(answer, ErrorResponse) and "step_failed" not in self._recorder.event_names(step.id):
            self._outcomes.record_failure(step, answer.error, (monotonic() - sent_at) * 1000)
        return answer

    def test_step(
        self, step: Step, inputs: Mapping[str, Mapping[str, Any]], timeout_s: float
    ) -> Conversation[CommandResult]:
        """Run a step on parts of its inputs and return its failure under ``failure``; nothing of it is recorded.

        The answer is an error if the worker ended, or was killed after ``timeout_s``; ``loss`` is set then.
        """
        body = {
            "step_id": step.id,
            "driver": step.driver,
            "cfg_path": step.cfg_path,
            "inputs": inputs,
            **self._confidential(step),
        }
        try:
            return (yield from self._client.request("test_step", body, timeout_s))
        except WorkerLost as error:
            self.loss = self._lost_worker(error)
            return error_response("WorkerLost", str(error), self.loss.info)
        except CommandTimeout:
            self.transport.kill()
            self.loss = step_timeout(step.id, timeout_s)
            return error_response("StepTimeout", self.loss.reason, self.loss.info)

    def _take_unpublished(self, answer: CommandResult | None) -> CommandResult | None:
        """Return the error because of which the files of a step were not moved into place; else the answer."""
        error, self._unpublished = self._unpublished, None
        return error or answer

    def spill(self, step_id: str) -> Conversation[bool]:
        """Have the worker write a frame to disk; return True if it is there."""
        body = {"step_id": step_id}
        try:
            answer = yield from self._client.request("spill", body, None, self._watch(step_id))
        except WorkerLost as error:
            self.loss = self._lost_worker(error)
            return False
        except WorkerHung as error:
            self._kill_hung(error)
            return False
        return isinstance(answer, Response) and answer.body.get("path") is not None

    def end_step(self, step: Step, info: Mapping[str, Any]) -> CommandResult:
        """Return the answer to a step of this worker, which was killed; an error with ``info`` if there is none."""
        answer = self._client.drain() or error_response("Cancelled", info["message"], info)
        self.loss = WorkerLoss(info["message"], info)
        if isinstance(answer, ErrorResponse) and "step_failed" not in self._recorder.event_names(step.id):
            self._outcomes.record_failure(step, answer.error, None)
        return answer

    def check_idle(self) -> bool:
        """Record what arrived from a worker that does nothing; return False if it has ended."""
        try:
            while (line := self.transport.receive(0.0)) is not None:
                self._client.take(line)
        except MessageTooLarge as error:
            self._client.take(error)
        except WorkerLost as error:
            self.loss = self._lost_worker(error)
            self.record_lost("idle", self.loss.reason)
            return False
        return True

    def record_lost(self, phase: str, reason: str) -> None:
        """Record the loss of a worker that ran no step."""
        self._emit("worker_lost", {"error": reason, "phase": phase, **self._number_field})

    def _watch(self, step_id: str | None) -> HangWatch:
        return HangWatch(step_id, self._request.settings, self.transport, self._recorder)

    def _time_limit(self, step: Step) -> float | None:
        """Return the time limit of a step in seconds: its own, else that of the settings, if any."""
        return step.timeout_s if step.timeout_s is not None else self._request.settings.step_timeout_s

    def _confidential(self, step: Step) -> dict[str, Any]:
        """Return what only this step receives: its connection, its secrets and the places of its files."""
        own = step_secrets(self._context, step)
        body: dict[str, Any] = {}
        if own.connection:
            body["connection"] = dict(own.connection)
        if own.config is not None:
            body["config"] = own.config
        if own.values:
            body["secrets"] = list(own.values)
        if own.by_place:
            body["secrets_by_place"] = list(own.by_place)
        if self.transport.stages_outputs:
            component = self._context.components.get(step.driver)
            config = self._request.compiled.configs[step.id]
            outputs = self._staged.begin_step(step, component, config, own.connection)
            if outputs:
                body["outputs"] = outputs
        return body

    def _publish(self, step_id: str) -> bool:
        """Move the files of a step into place before its end is recorded; return False if that failed."""
        try:
            self._check_expected(step_id)
            self._staged.publish(step_id)
        except (DriverError, SourceChanged) as error:
            self._unpublished = error_response(log_name(error), str(error), info_of(error))
            return False
        return True

    def _check_expected(self, step_id: str) -> None:
        """Check that a step whose frame is produced again returned the same frame.

        Raises:
            SourceChanged: it did not, and that is not allowed.
        """
        request = self._request
        error = changed_source(
            step_id, request.expected.get(step_id), request.origin, self._recorder.card_events
        )
        if error is None:
            return
        if not request.allow_mixed:
            raise error
        self._emit("source_changed", error.facts, step_id)

    def _kill_timed_out(self, step: Step) -> Conversation[CommandResult]:
        """Kill the worker of a step that timed out; return its answer if it arrived meanwhile."""
        if self._request.settings.capture != "never":
            yield from self._client.capture(step.id, CAPTURE_TIMEOUT_S)
        self.transport.kill()
        self.loss = step_timeout(step.id, self._time_limit(step), is_of_step=step.timeout_s is not None)
        return self._client.drain() or error_response("StepTimeout", self.loss.reason, self.loss.info)

    def _kill_hung(self, error: WorkerHung) -> CommandResult:
        """Kill a worker without heartbeats; lines that it sends after the decision are not recorded."""
        stack = self.transport.dump_stack()
        self.transport.kill()
        self.loss = WorkerLoss(error.message, info_of(error))
        return error_response(log_name(error), error.message, self.loss.info, stack)

    def _lost_worker(self, error: WorkerLost) -> WorkerLoss:
        heartbeat = self._recorder.last_heartbeats.get(self.number, {})
        return lost_worker(error, heartbeat, self.transport.details)


def inputs_of(step: Step) -> dict[str, dict[str, str]]:
    """Return the bound inputs of a step, as commands and the log hold them."""
    bound = manifest.bind_inputs(step)
    return {name: {"from_step": ref.from_step, "key": ref.key} for name, ref in bound.items()}
