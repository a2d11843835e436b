"""The proxy: runs a compiled pipeline over a transport and writes its run directory.

A run ends in order whatever happens to the worker: the running step fails with a reason, its dependents are
skipped with their cause, and ``run_end``, run card and ``status.json`` are written.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InputsGone
from osiris_inspect.model.manifest import Step
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.files.leftovers import remove_stale_reserves
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.planning.take_over import frame_files, take_over
from osiris_inspect.runtime.protocol import dependencies
from osiris_inspect.runtime.protocol.bundle import Bundle, build_bundle
from osiris_inspect.runtime.protocol.environment import WorkerContext, environment_snapshot
from osiris_inspect.runtime.protocol.messages import ErrorResponse
from osiris_inspect.runtime.proxy import run_directory
from osiris_inspect.runtime.proxy.artifact_download import (
    DownloadRequest,
    OutputFile,
    download_files,
    output_file,
)
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.failures import (
    cannot_create_run,
    info_of,
    internal_error,
    write_failure,
)
from osiris_inspect.runtime.proxy.run_finish import RunProgress, finish_run
from osiris_inspect.runtime.proxy.run_recorder import DiskFull, RunRecorder
from osiris_inspect.runtime.proxy.scheduling.in_order import run_in_order
from osiris_inspect.runtime.proxy.scheduling.needed_frames import kept_files, report_frames
from osiris_inspect.runtime.proxy.scheduling.parallel import (
    ParallelRun,
    capture_running,
    close_workers,
    kill_workers,
)
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from osiris_inspect.runtime.proxy.scheduling.run_worker import RunWorker, inputs_of
from osiris_inspect.runtime.proxy.scheduling.step_outcomes import StepOutcomes
from osiris_inspect.runtime.proxy.scheduling.worker_plan import check_step_memory, schedule_of
from osiris_inspect.runtime.proxy.secret_names import names_among
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.proxy.worker_client import Interrupted
from osiris_inspect.runtime.sandbox.permissions import config_secrets
from osiris_inspect.runtime.settings import Settings
from osiris_inspect.runtime.transport.transport import Transport

_INTERRUPTED_CAPTURE_S: Final = 2.0
"""Seconds in which the inputs of the steps that run are kept after a signal; the whole end takes at most 5 s."""
_INTERRUPTED_DOWNLOAD_BYTES: Final = 16 * 2**20

__all__ = ["RunExecution", "RunRequest", "RunResult", "open_run", "run"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Run directory and status of a finished run."""

    path: Path
    status: RunStatus
    reason: str | None = None


def run(
    request: RunRequest,
    transport: Transport,
    make_execution: "Callable[[RunContext, Transport], RunExecution] | None" = None,
) -> RunResult:
    """Run a pipeline and write its complete run directory; ``make_execution`` places the steps on several machines.

    SIGINT, SIGTERM and SIGHUP end the run in order with the status ``interrupted``.

    Raises:
        RunError: the run directory cannot be created; nothing is left behind.
        SettingsError: a step has a limit of memory that the transport cannot apply, or that is above that of the run.
        InputsGone: a frame of ``request.reused`` cannot be taken over; nothing is left behind.
    """
    with open_run(request, transport) as context:
        return (make_execution or RunExecution)(context, transport).execute()


@contextmanager
def open_run(request: RunRequest, transport: Transport) -> Iterator[RunContext]:
    """Create a run directory with the frames of the reused steps; its log and the worker are closed at the end.

    Raises:
        RunError, SettingsError, InputsGone: as for ``run``.
    """
    components = request.components or all_components()
    jobs = 1 if transport.is_remote else min(request.jobs, len(request.running.manifest.steps))
    request = replace(request, jobs=max(1, jobs))
    check_step_memory(request, transport)
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
        if request.origin is None or request.origin.kind != "replay":  # which changes no earlier run
            remove_stale_reserves(request.logs)
        with opened, transport:
            progress = RunProgress(path, files, request.compiled.manifest, redactor, reused=reused)
            recorder = RunRecorder(event_log, request.clock, request.on_event)
            yield RunContext(
                request, recorder, progress, signals, components, secrets, _worker_settings(request)
            )


class RunExecution:
    """Execution of one run, on workers of this machine or on one remote worker."""

    def __init__(self, context: RunContext, transport: Transport) -> None:
        self.context, self.transport = context, transport
        self.request, self.recorder, self.progress = context.request, context.recorder, context.progress
        self.emit = context.emit
        self.outcomes = StepOutcomes(context)
        self.workers: list[RunWorker] = []
        self._bundle: Bundle | None = None

    def execute(self) -> RunResult:
        """Carry out the run and return its result; what happened is in its log in any case."""
        progress, signals = self.progress, self.context.signals
        status: RunStatus = "failed"
        try:
            try:
                self._record_start()
                error = self.run_steps()
                if error is not None:
                    self._record_start_error(error)
                left = self.download_artifacts()
                report_frames(self.context, self.missing_reason(), left)
                status = "success" if progress.is_complete and progress.reason is None else "failed"
            except Interrupted as error:
                status = "interrupted"
                self._abort("interrupted", info_of(error, facts=progress.step_counts), captures=True)
            except (DiskFull, OSError) as error:
                self._abort(*write_failure(self.recorder.disk_full or error))
            except KeyboardInterrupt:  # the user does not want to wait for the end of the worker
                status, progress.reason = "interrupted", "interrupted"
                progress.error_info = info_of(Interrupted(signals.name), facts=progress.step_counts)
                raise
            except Exception as error:  # a fault of the host itself, or of the listener of events
                progress.reason, progress.error_info = internal_error(error)
                raise
        finally:
            close_workers(self.workers[1:])
            close_workers(self.workers[:1])  # it has the log of all
            details = {
                "mode": self.transport.mode,
                "isolation": self.transport.isolation_level,
                **self.transport.details,
            }
            status = finish_run(self.recorder, progress, status, details)
        return RunResult(progress.path, status, progress.reason)

    def _record_start(self) -> None:
        request, compiled, plan = self.request, self.request.compiled, self.request.compiled.manifest
        run_start = {
            "run_id": self.progress.path.name,
            "pipeline": plan.name,
            "mode": self.transport.mode,
            "manifest_path": layout.MANIFEST,
            "settings": {**request.settings.to_dict(), **_jobs_setting(request)},
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
        snapshot = {**environment_snapshot(context), **self.transport.details, **request.variable_digests}
        self.emit("environment", snapshot)

    def run_steps(self) -> ErrorResponse | None:
        """Run the steps and end the workers; return the error if no worker could be prepared."""
        if self.request.jobs > 1 or any(step.memory_bytes is not None for step in self.context.steps):
            schedule = schedule_of(self.request, self.context.components, self.transport)
            run = ParallelRun(self.context, self.outcomes, schedule, self._add_worker, self.build_bundle)
            run.run()
            self.write_packages(run.packages)
            return run.start_error
        worker = self._add_worker(None)
        answer = worker.finish(worker.prepare(self.build_bundle))
        if isinstance(answer, ErrorResponse):
            return answer
        self.write_packages(answer.body.get("packages"))
        run_in_order(self.context, worker, self.outcomes)
        worker.finish(worker.cleanup())
        return None

    def _add_worker(
        self, number: int | None, steps: Collection[str] | None = None, own_step: Step | None = None
    ) -> RunWorker:
        transport = self.transport.sibling() if self.workers else self.transport
        self.workers.append(RunWorker(self.context, transport, self.outcomes, number, steps, own_step))
        return self.workers[-1]

    def _record_start_error(self, error: ErrorResponse) -> None:
        report = error.error
        self.outcomes.fail_run(f"cannot prepare the worker: {report['message']}", report.get("error_info"))
        event_fields = {
            "error": report["message"],
            "error_type": report.get("type"),
            "traceback": report.get("traceback"),
            "error_info": report.get("error_info"),
        }
        self.emit("prepare_failed", event_fields)

    def write_packages(self, packages: object) -> None:
        """Write the list of the packages that the worker imports from."""
        if isinstance(packages, Mapping):
            run_directory.write_json(
                self.progress.files, layout.PACKAGES, dict(packages), self.progress.redactor
            )

    def build_bundle(self) -> Bundle:
        """Return the contents of each worker, after the installation of missing modules."""
        if self._bundle is not None:
            return self._bundle
        request, components = self.request, self.context.components
        frames, connections = frame_files(self.progress.reused), request.connections.by_step
        bundle = build_bundle(
            self.progress.path, request.running, components, request.base, connections, frames
        )
        self.progress.outputs = () if self.transport.is_remote else bundle.named_files.written
        if request.install_missing and not self.transport.is_remote:
            started = monotonic()
            self._install()
            self.emit("phase", {"name": "install", "duration_ms": (monotonic() - started) * 1000})
        self._bundle = bundle
        return bundle

    def output_files(self) -> tuple[OutputFile, ...]:
        """Return the files that the steps write into the pipeline's folder."""
        request, outputs = self.request, []
        for step in request.running.manifest.steps:
            component = self.context.components.get(step.driver)
            connection = request.connections.by_step.get(step.id)
            config = request.compiled.configs[step.id]
            paths = pipeline_files.outputs_of_step(component, config, request.base, connection)
            is_required = component is not None and component.family in pipeline_files.FILE_FAMILIES
            outputs += [output_file(path, request.base, step.id, is_required=is_required) for path in paths]
        return tuple(outputs)

    def _install(self) -> None:
        """Install missing modules on the host: a local worker uses the same packages."""
        path = self.progress.path
        specs = dependencies.read_component_specs(path)["components"]
        installed = dependencies.pip_install(path, specs.values())
        if installed:
            self.emit("dependencies_installed", {"requirements": installed})
            artifact = {"artifact_type": "install_log", "path": dependencies.INSTALL_LOG}
            self.emit("artifact_created", artifact)

    def download_artifacts(self) -> Mapping[str, int]:
        """Download the files of a remote worker; return the files of frames that were too large."""
        if not self.transport.is_remote:
            return {}
        outputs = self.output_files() if any(worker.has_started for worker in self.workers) else ()
        wanted = DownloadRequest(
            self.request.artifact_policy,
            self.progress.path,
            self.request.base,
            outputs,
            frozenset(step.id for step in self.context.steps),
            frozenset(self.progress.succeeded),
            kept_files(self.context),
            self.request.settings.capture_limit,
            frame_files(self.progress.reused),
        )
        result = download_files(self.transport, wanted, self.emit)
        if result.failure is not None:
            self.outcomes.fail_run(str(result.failure), info_of(result.failure))
        return result.frames_left

    def _download_kept_frames(self) -> None:
        """Download the frames that an interrupted remote worker wrote, up to a size that does not take long."""
        policy, capture = self.request.artifact_policy, self.request.settings.capture
        frames = kept_files(self.context)
        is_started = any(worker.has_started for worker in self.workers)
        if not (self.transport.is_remote and frames and is_started) or policy == "none" or capture == "never":
            return
        wanted = DownloadRequest(
            "frames",
            self.progress.path,
            self.request.base,
            (),
            frozenset(step.id for step in self.context.steps),
            frozenset(),
            frames,
            min(self.request.settings.capture_limit, _INTERRUPTED_DOWNLOAD_BYTES),
            frame_files(self.progress.reused),
        )
        download_files(self.transport, wanted, self.emit)

    def missing_reason(self) -> str:
        """Return why the frames that steps need are not on disk."""
        if self.request.settings.capture == "never":
            return "capture is off"
        if self.progress.reason == "interrupted":
            return "interrupted"
        if any(worker.loss is not None for worker in self.workers):
            return "worker gone"
        is_left = self.transport.is_remote and self.request.artifact_policy == "none"
        return "artifacts were not requested" if is_left else "no frame"

    # --- abort

    def kill_running(self) -> None:
        """End what still runs."""
        kill_workers(worker for worker in self.workers if worker.has_started)

    def _abort(self, reason: str, info: Mapping[str, Any], *, captures: bool = False) -> None:
        """Kill the worker and record the end of every step; if it ``captures``, keep the inputs of those that run."""
        self.progress.reason, self.progress.error_info = reason, info
        if captures and self.request.settings.capture != "never":
            running = [worker for worker in self.workers if worker.has_started and worker.loss is None]
            try:
                capture_running(running, _INTERRUPTED_CAPTURE_S)
            except (DiskFull, OSError) as error:
                self.progress.reason, self.progress.error_info = write_failure(
                    self.recorder.disk_full or error
                )
        self.kill_running()
        try:
            if self.recorder.disk_full is None:  # the reserved space is for the end of the run
                for worker in self.workers:
                    worker.record_rest()
            self.outcomes.finish_open_steps(reason, info)
            if self.recorder.disk_full is None:
                if captures:
                    self._download_kept_frames()
                report_frames(self.context, self.missing_reason(), {})
        except (DiskFull, OSError) as error:
            self.progress.reason, self.progress.error_info = write_failure(self.recorder.disk_full or error)


def _worker_settings(request: RunRequest) -> Settings:
    """Return the settings of one worker, with its part of the memory for frames."""
    budget = request.settings.spill_memory_bytes
    return replace(request.settings, spill_memory_bytes=budget if budget is None else budget // request.jobs)


def _jobs_setting(request: RunRequest) -> dict[str, Any]:
    """Return the number of workers as a setting, if there can be several."""
    return {"jobs": {"value": request.jobs, "origin": "flag", "variable": None}} if request.jobs > 1 else {}


def _plan_entry(step: Step, file: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "step_id": step.id,
        "driver": step.driver,
        "needs": list(step.needs),
        "inputs": inputs_of(step),
        "file": file,
        "line": step.line or None,
    }
    entry |= {"after": list(step.after)} if step.after else {}
    return entry if step.memory_bytes is None else {**entry, "memory_limit_bytes": step.memory_bytes}
