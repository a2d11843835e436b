"""The proxy: takes a compiled pipeline through a transport and writes its run directory.

It is the one writer of the log. Whatever happens to the worker, the run ends in order: the step in flight fails with
the reason named, what depends on it is skipped with its cause, and ``run_end``, run card and ``status.json`` are there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DependencyMissing, ProtocolError, RunError, WorkerLost, log_name
from osiris_inspect.model.manifest import Step
from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.pipeline import builtin_components as built_in
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.protocol import bundle as parcel
from osiris_inspect.runtime.protocol import dependencies
from osiris_inspect.runtime.protocol.environment import WorkerContext, environment_snapshot
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response
from osiris_inspect.runtime.proxy import run_directory
from osiris_inspect.runtime.proxy.artifact_download import ArtifactPolicy, DownloadTargets, download_artifacts
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.run_finish import RunProgress, finish_run
from osiris_inspect.runtime.proxy.run_recorder import DiskFull, EventListener, RunRecorder
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.proxy.worker_client import CommandTimeout, Interrupted, WorkerClient
from osiris_inspect.runtime.sandbox import permissions as grants
from osiris_inspect.runtime.settings import Settings
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport

_CLEANUP_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended, and where it lies."""

    path: Path
    status: RunStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run and how.

    Attributes:
        base: the folder that relative paths of the pipeline start from.
        clock: seconds since 1970.
        variables: the names of the host's environment variables.
        fail_fast: whether the first failed step ends the run; otherwise branches that do not need it go on.
        watch: sees each event as it is written.
        connections: what the steps connect with; sent to the worker and written nowhere.
        components: what the pipeline's components are; those installed where it names none.
        secrets: what else must not be seen beside the secrets of connections and configurations.
        artifacts: which of a far worker's artifacts come back.
        install: whether modules that are missing are installed.
        prepare_s: seconds the worker may take to prepare; without bound while it installs.
    """

    compiled: Compiled
    settings: Settings
    logs: Path
    base: Path
    clock: Callable[[], float]
    env_names: tuple[str, ...] = ()
    fail_fast: bool = False
    on_event: EventListener = field(default=lambda _: None)
    connections: Connections = field(default_factory=Connections.empty)
    components: Mapping[str, Component] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    artifact_policy: ArtifactPolicy = "small"
    install_missing: bool = False
    prepare_timeout_s: float = 300.0


def run(order: RunRequest, transport: Transport) -> RunResult:
    """Run a pipeline and leave its run directory complete.

    Ctrl-C ends the run in order: it counts as interrupted, not as an exception. So do SIGTERM and SIGHUP.

    Raises:
        RunError: the run directory cannot be made; nothing of it stays.
    """
    began = order.clock()
    specs = order.components or built_in.all_components()
    secrets = (*order.connections.secrets, *grants.config_secrets(order.compiled, specs), *order.secrets)
    redactor = Redactor(secrets)
    with SignalFlag() as interrupts:
        try:
            path = run_directory.create_run_dir(order.logs, int(began * 1000))
        except OSError as error:
            raise _cannot_create(order.logs, error) from error
        try:
            run_directory.write_compiled(path, order.compiled, redactor)
            opened = EventLog(path, path.name, redactor)
        except OSError as error:
            run_directory.remove(path)
            raise _cannot_create(order.logs, error) from error
        with opened as log, transport:
            tally = RunProgress(path, order.compiled.manifest, began, redactor)
            books = RunRecorder(log, order.clock, order.on_event)
            return _RunExecution(order, transport, books, tally, interrupts).execute(specs, secrets)


def _cannot_create(logs: Path, error: OSError) -> RunError:
    return RunError(
        f"no run directory can be made in {logs}: {error.strerror or error}; name another with --logs"
    )


class _RunExecution:
    """One run while it goes on."""

    def __init__(
        self,
        order: RunRequest,
        transport: Transport,
        books: RunRecorder,
        tally: RunProgress,
        interrupts: SignalFlag,
    ) -> None:
        self.order, self.transport, self.books, self.tally = order, transport, books, tally
        self.interrupts = interrupts
        self.dialogue = WorkerClient(transport, books, tally.redactor, interrupts)
        self.tell = books.record_host_event
        self.worker_lost_reason: str | None = None

    def execute(self, specs: Mapping[str, Component], secrets: tuple[str, ...]) -> RunResult:
        tally = self.tally
        status: RunStatus = "failed"
        try:
            try:
                self._open()
                if self._prepare(specs, secrets):
                    self._steps()
                    self._cleanup()
                self._download_artifacts()
                status = "success" if tally.is_complete and tally.reason is None else "failed"
            except Interrupted:
                status = "interrupted"
                self._abort("interrupted")
            except (DiskFull, OSError) as error:
                self._abort(self.books.disk_full_reason or f"the run directory cannot be written: {error}")
        finally:
            self.transport.close()
            facts = {
                "mode": self.transport.mode,
                "isolation": self.transport.isolation_level,
                **self.transport.details,
            }
            ended = finish_run(self.books, tally, status, facts, self.order.clock)
        return RunResult(tally.path, ended, tally.reason)

    def _open(self) -> None:
        compiled = self.order.compiled
        start = {
            "run_id": self.tally.path.name,
            "pipeline": compiled.manifest.name,
            "mode": self.transport.mode,
            "manifest_path": layout.MANIFEST,
            "settings": self.order.settings.to_dict(),
            "locked": self.books.is_locked,
        }
        self.tell("run_start", start)
        steps = [_plan_entry(step, compiled.file) for step in compiled.manifest.steps]
        plan = {
            "pipeline": compiled.manifest.name,
            "file": compiled.file,
            "fingerprint": compiled.fingerprint,
        }
        self.tell("plan", {**plan, "steps": steps})
        here = WorkerContext(
            self.tally.path, self.transport.isolation_level, self.order.clock, self.order.env_names
        )
        self.tell("environment", {**environment_snapshot(here), **self.transport.details})

    # --- what the worker is asked

    def _prepare(self, specs: Mapping[str, Component], secrets: tuple[str, ...]) -> bool:
        try:
            body = self._start(specs, secrets)
            answer = self.dialogue.request(
                "prepare", body, None if self.order.install_missing else self.order.prepare_timeout_s
            )
        except WorkerLost as error:
            self.worker_lost_reason = str(error)
            words = f"{error}; its last words are in {layout.WORKER_LOG}"
            answer = ErrorResponse(None, {"type": "WorkerLost", "message": words})
        except CommandTimeout:
            self.transport.kill()
            self.worker_lost_reason = "it took too long to prepare"
            answer = ErrorResponse(None, {"type": "StepTimeout", "message": self.worker_lost_reason})
        except (ProtocolError, DependencyMissing) as error:
            if self.interrupts.is_set:
                raise Interrupted from error
            answer = ErrorResponse(None, {"type": log_name(error), "message": str(error)})
        if isinstance(answer, Response):
            return True
        self.tally.reason = f"the worker could not be prepared: {answer.error['message']}"
        error_told = {"error": answer.error["message"], "error_type": answer.error.get("type")}
        self.tell("prepare_failed", {**error_told, "traceback": answer.error.get("traceback")})
        return False

    def _start(self, specs: Mapping[str, Component], secrets: tuple[str, ...]) -> dict[str, Any]:
        """Start the worker; gives what ``prepare`` tells it."""
        order, path = self.order, self.tally.path
        packed = parcel.build_bundle(path, order.compiled, specs, order.base, order.connections.by_step)
        if order.install_missing and not self.transport.is_remote:
            self._install()
        granted = grants.permissions_for(order.compiled, specs, packed, order.connections.by_step)
        launch = LaunchSpec(
            path, order.base, packed, granted, secrets, order.install_missing, lambda: self.interrupts.is_set
        )
        base = self.transport.start(launch)
        started = {"mode": self.transport.mode, "isolation": self.transport.isolation_level}
        self.tell("worker_started", {**started, **self.transport.details})
        sent = packed.to_dict()
        self.tell("parcel", sent)
        redactor = Redactor(secrets)
        hidden = {
            step: config
            for step, config in order.compiled.configs.items()
            if redactor.redact_value(mask_by_key(config)) != config
        }
        return {
            "run_id": path.name,
            "manifest": manifest.to_dict(order.compiled.manifest),
            "settings": order.settings.to_dict(),
            "base": base,
            "parcel": sent,
            "configs": hidden,
            "connections": {step: dict(values) for step, values in order.connections.by_step.items()},
            "secrets": list(secrets),
        }

    def _install(self) -> None:
        """Install what is missing where the host is: a near worker uses the same packages."""
        document = dependencies.read_component_specs(self.tally.path)
        installed = dependencies.pip_install(self.tally.path, document["components"].values())
        if installed:
            self.tell("dependencies_installed", {"requirements": installed})
            told = {"artifact_type": "install_log", "path": dependencies.INSTALL_LOG}
            self.tell("artifact_created", told)

    def _steps(self) -> None:
        for step in self.order.compiled.manifest.steps:
            cause = self._blocking_step(step)
            if cause is not None:
                self._skip(step, cause)
            elif self._step(step):
                self.tally.succeeded.append(step.id)
            else:
                self.tally.failed.append(step.id)
                self.tally.reason = self.tally.reason or f"step {step.id!r} failed"

    def _skip(self, step: Step, cause: str) -> None:
        self.tally.skipped[step.id] = cause
        self.tell("step_skipped", {"because": cause, "driver": step.driver}, step.id)

    def _blocking_step(self, step: Step) -> str | None:
        """The failed step that keeps ``step`` from running, None where nothing does."""
        tally = self.tally
        for need in step.needs:
            if need in tally.failed:
                return need
            if need in tally.skipped:
                return tally.skipped[need]
        stops_all = self.order.fail_fast or self.worker_lost_reason is not None
        if not stops_all:
            return None
        return tally.failed[0] if tally.failed else self.worker_lost_reason

    def _step(self, step: Step) -> bool:
        inputs = {
            name: {"from_step": ref.from_step, "key": ref.key}
            for name, ref in manifest.bind_inputs(step).items()
        }
        body = {"step_id": step.id, "driver": step.driver, "cfg_path": step.cfg_path, "inputs": inputs}
        asked = self.order.clock()
        answer: Response | ErrorResponse
        try:
            answer = self.dialogue.request("exec_step", body, self.order.settings.step_timeout_s)
        except WorkerLost as error:
            self.worker_lost_reason = str(error)
            answer = ErrorResponse(None, {"type": "WorkerLost", "message": str(error)})
        except CommandTimeout:
            answer = self._kill_timed_out(step)
        if isinstance(answer, ErrorResponse) and "step_failed" not in self.books.event_names(step.id):
            self._record_failure(step, answer.error, asked)
        return isinstance(answer, Response)

    def _kill_timed_out(self, step: Step) -> Response | ErrorResponse:
        """End the worker of a step that took too long. Its answer may have come in that very moment."""
        self.transport.kill()
        self.worker_lost_reason = (
            f"step {step.id!r} took longer than {self.order.settings.step_timeout_s:g} s"
        )
        late = self.dialogue.drain()
        return (
            late
            if late is not None
            else ErrorResponse(None, {"type": "StepTimeout", "message": self.worker_lost_reason})
        )

    def _cleanup(self) -> None:
        if self.worker_lost_reason is not None:
            return
        try:
            self.dialogue.request("cleanup", {}, _CLEANUP_S)
        except WorkerLost as error:
            self.tell("worker_lost", {"error": str(error), "phase": "cleanup"})
        except CommandTimeout:
            self.transport.kill()
            self.tell("worker_lost", {"error": f"no answer within {_CLEANUP_S:g} s", "phase": "cleanup"})

    def _download_artifacts(self) -> None:
        if self.transport.is_remote:
            homes = DownloadTargets(self.tally.path, self.order.base)
            lost = download_artifacts(self.transport, self.order.artifact_policy, homes, self.tell)
            self.tally.reason = self.tally.reason or lost

    def _abort(self, reason: str) -> None:
        """End the worker and close the accounts of every step: none stays open, none is forgotten."""
        self.tally.reason = reason
        self.transport.kill()
        try:
            if self.books.disk_full_reason is None:  # the room that is left is for the verdict
                self.dialogue.drain()
            self._finish_open_steps(reason)
        except (DiskFull, OSError) as error:
            self.tally.reason = self.books.disk_full_reason or str(error)

    def _finish_open_steps(self, reason: str) -> None:
        for step in self.order.compiled.manifest.steps:
            if step.id in (*self.tally.succeeded, *self.tally.failed, *self.tally.skipped):
                continue
            if "step_start" in self.books.event_names(step.id):
                self.tally.failed.append(step.id)
                if "step_failed" not in self.books.event_names(step.id):
                    self._record_failure(step, {"type": "Interrupted", "message": reason}, None)
            else:
                self._skip(step, reason)

    def _record_failure(self, step: Step, error: Mapping[str, Any], asked: float | None) -> None:
        fields: dict[str, Any] = {
            "driver": step.driver,
            "error": error.get("message"),
            "error_type": error.get("type"),
            "duration_ms": None if asked is None else (self.order.clock() - asked) * 1000,
        }
        self.tell("step_failed", {**fields, "traceback": error.get("traceback")}, step.id)


def _plan_entry(step: Step, file: str) -> dict[str, Any]:
    inputs = {
        name: {"from_step": ref.from_step, "key": ref.key} for name, ref in manifest.bind_inputs(step).items()
    }
    return {
        "step_id": step.id,
        "driver": step.driver,
        "needs": list(step.needs),
        "inputs": inputs,
        "file": file,
        "line": step.line or None,
    }
