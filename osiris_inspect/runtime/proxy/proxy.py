"""The proxy: runs a compiled pipeline over a transport and writes its run directory.

A run ends in order whatever happens to the worker: the running step fails with a reason, its dependents are
skipped with their cause, and ``run_end``, run card and ``status.json`` are written.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final

from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import (
    DependencyMissing,
    DriverError,
    InputsGone,
    ProtocolError,
    SourceChanged,
    WorkerHung,
    WorkerLost,
    log_name,
)
from osiris_inspect.model.manifest import Step
from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.files.leftovers import remove_stale_reserves
from osiris_inspect.runtime.files.run_access import PRIVATE, RunAccess
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.retry_policy import parse_retry_policy
from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin
from osiris_inspect.runtime.protocol import dependencies
from osiris_inspect.runtime.protocol.bundle import Bundle, build_bundle
from osiris_inspect.runtime.protocol.environment import WorkerContext, environment_snapshot
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response, new_nonce
from osiris_inspect.runtime.proxy import run_directory
from osiris_inspect.runtime.proxy.artifact_download import (
    ArtifactPolicy,
    DownloadRequest,
    OutputFile,
    download_files,
    output_file,
)
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.failures import (
    WorkerLoss,
    cannot_create_run,
    error_response,
    info_of,
    internal_error,
    lost_worker,
    prepare_timeout,
    run_stopped,
    step_timeout,
    upstream_failed,
    with_step,
    write_failure,
)
from osiris_inspect.runtime.proxy.hang_watch import HangWatch
from osiris_inspect.runtime.proxy.reused_steps import changed_source, frame_files, take_over, without_reused
from osiris_inspect.runtime.proxy.run_finish import RunProgress, finish_run
from osiris_inspect.runtime.proxy.run_recorder import DiskFull, EventListener, RunRecorder
from osiris_inspect.runtime.proxy.secret_names import names_among
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.proxy.staged_outputs import StagedOutputs
from osiris_inspect.runtime.proxy.worker_client import (
    CommandResult,
    CommandTimeout,
    Interrupted,
    WorkerClient,
)
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.sandbox.permissions import HostFolders, config_secrets, permissions_for
from osiris_inspect.runtime.settings import Settings
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport

_CLEANUP_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class RunResult:
    """Run directory and status of a finished run."""

    path: Path
    status: RunStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Pipeline and options of a run.

    Attributes:
        logs: the folder of run directories.
        base: the folder that relative paths of the pipeline start from.
        clock: returns seconds since 1970.
        env_names: the names of the host's environment variables.
        fail_fast: True if the first failed step ends the run; otherwise independent branches continue.
        on_event: called with each event after it is written.
        connections: sent to the worker and written nowhere.
        components: components of the pipeline; empty for the installed ones.
        secrets: secrets beyond those of connections and configurations.
        artifact_policy: the artifacts that are downloaded from a remote worker.
        install_missing: True if missing modules are installed.
        prepare_timeout_s: timeout of the worker's preparation; not applied if it installs modules.
        private: files and folders that an isolated worker cannot read, besides the pipeline and the connections.
        access: who may read the run directory.
        reused: results of an earlier run by step; these steps do not run.
        origin: the earlier run that this run continues or repeats.
        expected: fingerprints by step of frames that are produced again; a step that returns another one fails.
        allow_mixed: True if such a step does not fail, and the log says that its source has changed.
        options: options of the command line, for the log.
    """

    compiled: Compiled
    settings: Settings
    logs: Path
    base: Path
    clock: Callable[[], float]
    env_names: tuple[str, ...] = ()
    fail_fast: bool = False
    on_event: EventListener = field(default=lambda _: None)
    connections: Connections = field(default_factory=Connections)
    components: Mapping[str, Component] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    artifact_policy: ArtifactPolicy = "small"
    install_missing: bool = False
    prepare_timeout_s: float = 300.0
    private: tuple[Path, ...] = ()
    access: RunAccess = PRIVATE
    reused: Mapping[str, ReusedStep] = field(default_factory=dict)
    origin: RunOrigin | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    allow_mixed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> Compiled:
        """The pipeline without the steps whose results are taken over."""
        return without_reused(self.compiled, self.reused)


def run(request: RunRequest, transport: Transport) -> RunResult:
    """Run a pipeline and write its complete run directory.

    SIGINT, SIGTERM and SIGHUP end the run in order with the status ``interrupted``.

    Raises:
        RunError: the run directory cannot be created; nothing is left behind.
        InputsGone: a frame of ``request.reused`` cannot be taken over; nothing is left behind.
    """
    components = request.components or all_components()
    secrets = (
        *request.connections.secrets,
        *config_secrets(request.compiled, components),
        *request.secrets,
    )
    redactor = Redactor(secrets, names_among(secrets, request.compiled, request.connections))
    with SignalFlag() as signals:
        try:
            path = run_directory.create_run_dir(request.logs, int(request.clock() * 1000), request.access)
        except OSError as error:
            raise cannot_create_run(request.logs, error) from error
        try:
            with ExitStack() as stack:
                files = stack.enter_context(DirectoryWriter(path, request.access))
                run_directory.write_compiled(files, request.compiled, redactor)
                reused = take_over(request.reused, path)
                event_log = stack.enter_context(EventLog(files, path.name, redactor))
                opened = stack.pop_all()
        except OSError as error:
            run_directory.remove(path)
            raise cannot_create_run(request.logs, error) from error
        except InputsGone:
            run_directory.remove(path)
            raise
        remove_stale_reserves(request.logs)
        with opened, transport:
            progress = RunProgress(path, files, request.compiled.manifest, redactor, reused=reused)
            recorder = RunRecorder(event_log, request.clock, request.on_event)
            execution = _RunExecution(request, transport, recorder, progress, signals)
            return execution.execute(components, secrets)


@dataclass
class _RunExecution:
    """Execution of one run."""

    request: RunRequest
    transport: Transport
    recorder: RunRecorder
    progress: RunProgress
    signals: SignalFlag
    loss: WorkerLoss | None = None
    outputs: tuple[OutputFile, ...] = ()
    nonce: str = field(default_factory=new_nonce)

    def __post_init__(self) -> None:
        steps = frozenset(step.id for step in self.request.compiled.manifest.steps)
        self.client = WorkerClient(
            self.transport, self.recorder, self.progress.redactor, self.signals, self.nonce, steps
        )
        self.client.on_step_complete = self._publish
        self.emit = self.recorder.record_host_event
        self.staged = StagedOutputs(self.progress.path.absolute(), self.request.base)
        self._components: Mapping[str, Component] = {}
        self._secrets: tuple[str, ...] = ()
        self._unpublished: ErrorResponse | None = None
        self._worker_start = 0.0

    def execute(self, components: Mapping[str, Component], secrets: tuple[str, ...]) -> RunResult:
        progress = self.progress
        status: RunStatus = "failed"
        try:
            try:
                self._record_start()
                if self._prepare(components, secrets):
                    self._run_steps()
                    self._cleanup()
                self._download_artifacts()
                status = "success" if progress.is_complete and progress.reason is None else "failed"
            except Interrupted as error:
                status = "interrupted"
                self._abort("interrupted", info_of(error, facts=progress.step_counts))
            except (DiskFull, OSError) as error:
                self._abort(*write_failure(self.recorder.disk_full or error))
            except KeyboardInterrupt:  # the user does not want to wait for the end of the worker
                status, progress.reason = "interrupted", "interrupted"
                progress.error_info = info_of(Interrupted(self.signals.name), facts=progress.step_counts)
                raise
            except Exception as error:  # a fault of the host itself, or of the listener of events
                progress.reason, progress.error_info = internal_error(error)
                raise
        finally:
            self.transport.close()
            self.staged.close()
            details = {**self._mode(), **self.transport.details}
            status = finish_run(self.recorder, progress, status, details)
        return RunResult(progress.path, status, progress.reason)

    def _mode(self) -> dict[str, Any]:
        return {"mode": self.transport.mode, "isolation": self.transport.isolation_level}

    def _record_start(self) -> None:
        request, compiled, plan = self.request, self.request.compiled, self.request.compiled.manifest
        run_start = {
            "run_id": self.progress.path.name,
            "pipeline": plan.name,
            "mode": self.transport.mode,
            "manifest_path": layout.MANIFEST,
            "settings": request.settings.to_dict(),
            "locked": self.recorder.log.is_locked,
            **({"options": dict(request.options)} if request.options else {}),
            **({"origin": request.origin.to_dict(request.reused)} if request.origin else {}),
        }
        self.emit("run_start", run_start)
        plan_fields: dict[str, Any] = {
            "pipeline": plan.name,
            "file": compiled.file,
            "fingerprint": compiled.fingerprint,
            "steps": [_plan_entry(step, compiled.file) for step in plan.steps],
        }
        if compiled.source:
            plan_fields["source"] = compiled.source
        if "selection" in plan.other_keys:
            plan_fields["selection"] = plan.other_keys["selection"]
        if compiled.edited:
            plan_fields["edited"] = list(compiled.edited)
        self.emit("plan", plan_fields)
        for reused, entry in self.progress.reused.items():
            self.emit("step_reused", entry.event_fields, reused)
        if compiled.duration_ms is not None:
            self.emit("phase", {"name": "compile", "duration_ms": compiled.duration_ms})
        if self.progress.redactor.by_place:
            self.emit("secrets_masked_by_place", {"count": len(self.progress.redactor.by_place)})
        context = WorkerContext(
            self.progress.path, self.transport.isolation_level, request.clock, request.env_names
        )
        self.emit("environment", {**environment_snapshot(context), **self.transport.details})

    # --- commands

    def _prepare(self, components: Mapping[str, Component], secrets: tuple[str, ...]) -> bool:
        request, timeout, watch = self.request, None, None
        if not request.install_missing:  # an installation takes long, and sends nothing
            timeout = request.prepare_timeout_s
            watch = HangWatch(None, request.settings, self.transport, self.recorder)
        try:
            answer = self.client.request("prepare", self._start_worker(components, secrets), timeout, watch)
            if isinstance(answer, Response):
                self.client.check_run_id(self.progress.path.name)
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
            if self.signals.is_set:
                raise Interrupted(self.signals.name) from error
            answer = error_response(log_name(error), str(error), info_of(error))
        if isinstance(answer, Response):
            self._record_phase("worker", self._worker_start)
            self._write_packages(answer.body.get("packages"))
            return True
        report = answer.error
        self._fail(f"cannot prepare the worker: {report['message']}", report.get("error_info"))
        event_fields = {
            "error": report["message"],
            "error_type": report.get("type"),
            "traceback": report.get("traceback"),
            "error_info": report.get("error_info"),
        }
        self.emit("prepare_failed", event_fields)
        return False

    def _write_packages(self, packages: object) -> None:
        """Write the list of the packages that the worker imports from."""
        if isinstance(packages, Mapping):
            run_directory.write_json(
                self.progress.files, layout.PACKAGES, dict(packages), self.progress.redactor
            )

    def _start_worker(self, components: Mapping[str, Component], secrets: tuple[str, ...]) -> dict[str, Any]:
        """Start the worker; return the body of the command ``prepare``."""
        request, path, compiled = self.request, self.progress.path, self.request.running
        connections = request.connections.by_step
        self._components, self._secrets = components, secrets
        frames = frame_files(self.progress.reused)
        bundle = build_bundle(path, compiled, components, request.base, connections, frames)
        self.progress.outputs = () if self.transport.is_remote else bundle.named_files.written
        if request.install_missing and not self.transport.is_remote:
            started = monotonic()
            self._install()
            self._record_phase("install", started)
        self._worker_start = monotonic()
        launch = LaunchSpec(
            path,
            request.base,
            bundle,
            self._permissions(bundle),
            secrets,
            request.install_missing,
            lambda: self.signals.is_set,
            self.nonce,
            self._record_phase,
            tuple(sorted(self.progress.redactor.by_place)),
        )
        base = self.transport.start(launch)
        if self.transport.is_remote:
            self.outputs = self._output_files(components)
        self.emit("worker_started", {**self._mode(), **self.transport.details})
        self.emit("parcel", bundle.to_dict())
        return {
            "run_id": path.name,
            "manifest": manifest.to_dict(compiled.manifest),
            "settings": request.settings.to_dict(),
            "base": base,
            "parcel": bundle.to_dict(),
        }

    def _record_phase(self, name: str, start: float, sent: int | None = None) -> None:
        """Record a phase of the run that has ended; ``start`` is a time of the monotonic clock."""
        self._worker_start = monotonic()
        size = {} if sent is None else {"bytes": sent}
        self.emit("phase", {"name": name, "duration_ms": (self._worker_start - start) * 1000, **size})

    def _output_files(self, components: Mapping[str, Component]) -> tuple[OutputFile, ...]:
        """Return the files that the steps write into the pipeline's folder."""
        request, outputs = self.request, []
        for step in request.running.manifest.steps:
            component = components.get(step.driver)
            connection = request.connections.by_step.get(step.id)
            config = request.compiled.configs[step.id]
            paths = pipeline_files.outputs_of_step(component, config, request.base, connection)
            is_required = component is not None and component.family in pipeline_files.FILE_FAMILIES
            outputs += [output_file(path, request.base, step.id, is_required=is_required) for path in paths]
        return tuple(outputs)

    def _permissions(self, bundle: Bundle) -> SandboxPermissions:
        """Return the permissions of the worker, if the transport applies them."""
        request = self.request
        if not self.transport.stages_outputs:
            return SandboxPermissions()
        private = (request.compiled.pipeline_file, *request.connections.files, *request.private)
        run_dir = self.progress.path.absolute()  # the worker has another working directory
        folders = HostFolders(request.base.absolute(), request.logs.absolute(), run_dir, private)
        connections = request.connections.by_step
        permissions = permissions_for(request.running, self._components, bundle, connections, folders)
        return replace(permissions, write=(*permissions.write, self.staged.open()))

    def _install(self) -> None:
        """Install missing modules on the host: a local worker uses the same packages."""
        path = self.progress.path
        specs = dependencies.read_component_specs(path)["components"]
        installed = dependencies.pip_install(path, specs.values())
        if installed:
            self.emit("dependencies_installed", {"requirements": installed})
            artifact = {"artifact_type": "install_log", "path": dependencies.INSTALL_LOG}
            self.emit("artifact_created", artifact)

    def _run_steps(self) -> None:
        progress = self.progress
        for step in self.request.running.manifest.steps:
            cause = self._skip_cause(step)
            if cause is not None:
                self._skip(step, cause, self._skip_info(step, cause))
                continue
            answer = self._run_attempts(step)
            if isinstance(answer, Response):
                progress.succeeded.append(step.id)
            else:
                progress.failed.append(step.id)
                self._fail(f"step {step.id!r} failed", answer.error.get("error_info"), step)

    def _run_attempts(self, step: Step) -> CommandResult:
        """Run a step until it succeeds, it fails with an error that is not retried, or its attempts are used up."""
        if not step.retry:
            return self._run_step(step)
        policy = parse_retry_policy(step.retry)
        self.recorder.attempts[step.id] = 1
        answer = self._run_step(step, may_retry=policy.attempts > 1)
        for attempt in range(2, policy.attempts + 1):
            if isinstance(answer, Response) or self.loss is not None:
                break
            info = answer.error.get("error_info") or {}
            if info.get("kind") not in policy.kinds:
                break
            wait_s = policy.wait_before(attempt)
            self.recorder.attempts[step.id] = attempt
            self.emit(
                "step_retry",
                {"of": policy.attempts, "because": info["kind"], "wait_s": wait_s, "driver": step.driver},
                step.id,
            )
            if self.signals.wait(wait_s):
                raise Interrupted(self.signals.name)
            answer = self._run_step(step, may_retry=attempt < policy.attempts)
        return answer

    def _fail(self, reason: str, info: Mapping[str, Any] | None, step: Step | None = None) -> None:
        """Set the reason of the run's failure unless it has one."""
        if self.progress.reason is None:
            self.progress.reason = reason
            self.progress.error_info = with_step(info, step.id) if info and step else info

    def _skip(self, step: Step, cause: str, info: Mapping[str, Any]) -> None:
        self.progress.skipped[step.id] = cause
        self.emit("step_skipped", {"because": cause, "driver": step.driver, "error_info": info}, step.id)

    def _skip_info(self, step: Step, cause: str) -> Mapping[str, Any]:
        """Return the parts of the reason because of which ``step`` is skipped."""
        progress = self.progress
        if any(need in (*progress.failed, *progress.skipped) for need in step.upstream):
            return upstream_failed(cause)
        return self.loss.info if self.loss is not None else run_stopped(cause)

    def _skip_cause(self, step: Step) -> str | None:
        """Return the failed step or the reason because of which ``step`` cannot run; None if it can."""
        progress = self.progress
        for need in step.upstream:
            if need in progress.failed:
                return need
            if need in progress.skipped:
                return progress.skipped[need]
        if self.loss is None and not self.request.fail_fast:
            return None
        return progress.failed[0] if progress.failed else self.loss.reason if self.loss else None

    def _run_step(self, step: Step, *, may_retry: bool = False) -> CommandResult:
        """Run a step once; if it ``may_retry``, the worker keeps its inputs after a failure."""
        body = {
            "step_id": step.id,
            "driver": step.driver,
            "cfg_path": step.cfg_path,
            "inputs": _inputs(step),
            **({"may_retry": True} if may_retry else {}),
            **self._confidential(step),
        }
        settings, sent_at = self.request.settings, monotonic()
        watch = HangWatch(step.id, settings, self.transport, self.recorder)
        answer: CommandResult
        try:
            answer = self.client.request("exec_step", body, self._time_limit(step), watch)
        except WorkerLost as error:
            self.loss = self._lost_worker(error)
            answer = error_response("WorkerLost", str(error), self.loss.info)
        except CommandTimeout:
            answer = self._kill_timed_out(step)
        except WorkerHung as error:
            answer = self._kill_hung(error)
        if self._unpublished is not None:
            answer, self._unpublished = self._unpublished, None
        if isinstance(answer, ErrorResponse) and "step_failed" not in self.recorder.event_names(step.id):
            self._record_failure(step, answer.error, (monotonic() - sent_at) * 1000)
        return answer

    def _time_limit(self, step: Step) -> float | None:
        """Return the time limit of a step in seconds: its own, else that of the settings, if any."""
        return step.timeout_s if step.timeout_s is not None else self.request.settings.step_timeout_s

    def _confidential(self, step: Step) -> dict[str, Any]:
        """Return what only this step receives: its connection, its secrets and the places of its files."""
        config = self.request.compiled.configs[step.id]
        connection = self.request.connections.by_step.get(step.id, {})
        body: dict[str, Any] = {}
        if connection:
            body["connection"] = dict(connection)
        if self.progress.redactor.redact_value(mask_by_key(config)) != config:
            body["config"] = config  # it is masked in its file
        texts = [*_texts(connection), *_texts(config), *_texts(step.checks)]
        own = self.request.connections.secrets_by_step.get(step.id, ())
        secrets = [name for name in self._secrets if name in own or any(name in text for text in texts)]
        by_place = self.progress.redactor.by_place.intersection(secrets)
        if secrets:
            body["secrets"] = secrets
        if by_place:
            body["secrets_by_place"] = sorted(by_place)
        if self.transport.stages_outputs:
            component = self._components.get(step.driver)
            outputs = self.staged.begin_step(step, component, config, connection)
            if outputs:
                body["outputs"] = outputs
        return body

    def _publish(self, step_id: str) -> bool:
        """Move the files of a step into place before its end is recorded; return False if that failed."""
        try:
            self._check_expected(step_id)
            self.staged.publish(step_id)
        except (DriverError, SourceChanged) as error:
            self._unpublished = error_response(log_name(error), str(error), info_of(error))
            return False
        return True

    def _check_expected(self, step_id: str) -> None:
        """Check that a step whose frame is produced again returned the same frame.

        Raises:
            SourceChanged: it did not, and that is not allowed.
        """
        error = changed_source(
            step_id, self.request.expected.get(step_id), self.request.origin, self.recorder.card_events
        )
        if error is None:
            return
        if not self.request.allow_mixed:
            raise error
        self.emit("source_changed", error.facts, step_id)

    def _kill_timed_out(self, step: Step) -> CommandResult:
        """Kill the worker of a step that timed out; return its answer if it arrived meanwhile."""
        self.transport.kill()
        self.loss = step_timeout(step.id, self._time_limit(step), is_of_step=step.timeout_s is not None)
        return self.client.drain() or error_response("StepTimeout", self.loss.reason, self.loss.info)

    def _kill_hung(self, error: WorkerHung) -> CommandResult:
        """Kill a worker without heartbeats; lines that it sends after the decision are not recorded."""
        stack = self.transport.dump_stack()
        self.transport.kill()
        self.loss = WorkerLoss(error.message, info_of(error))
        return error_response(log_name(error), error.message, self.loss.info, stack)

    def _lost_worker(self, error: WorkerLost) -> WorkerLoss:
        return lost_worker(error, self.recorder.last_heartbeat, self.transport.details)

    def _cleanup(self) -> None:
        if self.loss is not None:
            return
        try:
            self.client.request("cleanup", {}, _CLEANUP_TIMEOUT_S)
        except WorkerLost as error:
            self.emit("worker_lost", {"error": str(error), "phase": "cleanup"})
        except CommandTimeout:
            self.transport.kill()
            reason = f"no answer within {_CLEANUP_TIMEOUT_S:g} s"
            self.emit("worker_lost", {"error": reason, "phase": "cleanup"})

    def _download_artifacts(self) -> None:
        if self.transport.is_remote:
            wanted = DownloadRequest(
                self.request.artifact_policy,
                self.progress.path,
                self.request.base,
                self.outputs,
                frozenset(step.id for step in self.request.running.manifest.steps),
                frozenset(self.progress.succeeded),
                frame_files(self.progress.reused),
            )
            failure = download_files(self.transport, wanted, self.emit)
            if failure is not None:
                self._fail(str(failure), info_of(failure))

    # --- abort

    def _abort(self, reason: str, info: Mapping[str, Any]) -> None:
        """Kill the worker and record the end of every step."""
        self.progress.reason, self.progress.error_info = reason, info
        self.transport.kill()
        try:
            if self.recorder.disk_full is None:  # the reserved space is for the end of the run
                self.client.drain()
            self._finish_open_steps(reason, info)
        except (DiskFull, OSError) as error:
            self.progress.reason, self.progress.error_info = write_failure(self.recorder.disk_full or error)

    def _finish_open_steps(self, reason: str, info: Mapping[str, Any]) -> None:
        progress = self.progress
        for step in self.request.running.manifest.steps:
            if step.id in (*progress.succeeded, *progress.failed, *progress.skipped):
                continue
            names = self.recorder.event_names(step.id)
            if "step_start" not in names:
                self._skip(step, reason, info)
                continue
            progress.failed.append(step.id)
            if "step_failed" not in names:
                error = {"type": "Interrupted", "message": reason, "error_info": info}
                self._record_failure(step, error, None)

    def _record_failure(self, step: Step, error: Mapping[str, Any], duration_ms: float | None) -> None:
        event_fields = {
            "driver": step.driver,
            "error": error.get("message"),
            "error_type": error.get("type"),
            "duration_ms": duration_ms,
            "traceback": error.get("traceback"),
            "error_info": error.get("error_info"),
        }
        self.emit("step_failed", event_fields, step.id)


def _inputs(step: Step) -> dict[str, dict[str, str]]:
    bound = manifest.bind_inputs(step)
    return {name: {"from_step": ref.from_step, "key": ref.key} for name, ref in bound.items()}


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts and numbers of a JSON value."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)


def _plan_entry(step: Step, file: str) -> dict[str, Any]:
    entry = {
        "step_id": step.id,
        "driver": step.driver,
        "needs": list(step.needs),
        "inputs": _inputs(step),
        "file": file,
        "line": step.line or None,
    }
    return {**entry, "after": list(step.after)} if step.after else entry
