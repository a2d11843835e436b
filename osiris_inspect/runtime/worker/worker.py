"""The worker: resolves a step's inputs, runs its driver, stores the result and emits events.

The same worker runs in a thread, a child process and an E2B sandbox. It emits events to the proxy, which
writes the log. Each command gets exactly one answer, whatever a driver does.
"""

import math
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any, Final

import orjson

from osiris_inspect.base.connection_server import connection_server
from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DriverError, InputNotFound, InvalidMessage, OsirisError
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.drivers.interface.file_paths import with_search_of_file
from osiris_inspect.runtime.drivers.interface.step_inputs import StepInputs
from osiris_inspect.runtime.files.atomic_write import write_atomic
from osiris_inspect.runtime.files.memory_limit import stream_threshold
from osiris_inspect.runtime.frames.driver_result import FRAME_KEY, mask_metadata, missing_frame_error
from osiris_inspect.runtime.frames.policy import StoredFrame
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.protocol import bundle, dependencies
from osiris_inspect.runtime.protocol.code_identity import driver_code, installed_packages, packages_hash
from osiris_inspect.runtime.protocol.environment import WorkerContext, environment_snapshot
from osiris_inspect.runtime.protocol.error_report import error_to_dict
from osiris_inspect.runtime.protocol.messages import (
    Command,
    ErrorResponse,
    MetricMessage,
    Response,
    safe_repr,
)
from osiris_inspect.runtime.worker.driver_logging import driver_logging
from osiris_inspect.runtime.worker.event_emitter import EventEmitter
from osiris_inspect.runtime.worker.file_digests import FileDigests
from osiris_inspect.runtime.worker.frame_capture import FrameCapture
from osiris_inspect.runtime.worker.heartbeat import Heartbeat
from osiris_inspect.runtime.worker.message_writer import MessageWriter
from osiris_inspect.runtime.worker.step_tests import StepTests

_STORED_FRAME_FIELDS = tuple(item.name for item in fields(StoredFrame))
_KINDS_OF_VALUES: Final = frozenset({"driver-raised", "query-failed", "value-not-convertible"})
"""Kinds of errors that a column of the wrong type can cause."""
_STAGED_FIX: Final = "write the file with output_file(config, ctx) of osiris_inspect, which a sandbox needs"
_OPTIONAL_FIELDS = (
    "column_fingerprints",
    "original_names",
    "index_columns",
    "index_left_out",
    "nulls",
    "distinct",
    "min",
    "max",
    "negatives",
    "sentinels",
    "gaps",
    "blank_columns",
    "odd_values",
    "repeated",
    "unique",
    "first_keys",
    "garbled",
    "value_counts",
    "join",
    "checks",
    "filters",
    "source",
)


@dataclass(slots=True)
class _Session:
    """State from ``prepare`` until ``cleanup``."""

    manifest: Manifest
    store: FrameStore
    base: Path
    components: Mapping[str, Component]
    capture: FrameCapture
    tests: StepTests


@dataclass(frozen=True, slots=True)
class _Confidential:
    """Part of a step's command that is in no file.

    Attributes:
        connection: the resolved connection; empty without one.
        config: the configuration, if it is masked in its file.
        outputs: in a sandbox, the places of the step's files.
    """

    connection: Mapping[str, Any]
    config: Mapping[str, Any] | None
    outputs: Mapping[str, drivers.StagedOutput]

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "_Confidential":
        """Return the part of the body of ``exec_step``."""
        outputs = {entry["path"]: _staged_output(entry) for entry in body.get("outputs") or ()}
        return cls(body.get("connection") or {}, body.get("config"), outputs)


def _driver_config(config: Mapping[str, Any], confidential: _Confidential) -> dict[str, Any]:
    """Return the configuration that a driver receives."""
    connection = confidential.connection
    return {**_own_config(config), **({"resolved_connection": dict(connection)} if connection else {})}


def _own_config(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in ("component", "mode", "connection")}


class Worker:
    """Executes commands one at a time. It writes files only into the run directory of its context."""

    def __init__(
        self,
        context: WorkerContext,
        writer: MessageWriter,
        on_step_error: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._context, self._on_step_error = context, on_step_error
        self._run_dir = context.run_dir
        self._writer = writer
        self._emitter = EventEmitter(writer.send, context.clock)
        self._heartbeat = Heartbeat(self._emitter, context.run_dir)
        self._session: _Session | None = None
        self._last_id: int | None = None
        self._secrets: dict[str, None] = {}
        self._by_place: dict[str, None] = {}

    def handle(self, command: Command) -> None:
        """Execute a command and send its answer. Errors of drivers are sent, not raised.

        A command that arrives twice, because the sender did not know whether it arrived, is executed once.
        """
        if command.id == self._last_id:
            return
        self._last_id = command.id
        try:
            body = getattr(self, f"_{command.verb}")(command.body)
        except BaseException as error:  # noqa: BLE001  a driver may raise anything, SystemExit and panics included
            self._emitter.send(ErrorResponse(command.id, error_to_dict(error)))
        else:
            self._emitter.send(Response(command.id, body))
        finally:
            self._writer.flush()

    def capture(self, command: Command) -> None:
        """Capture the inputs of a step whose driver is running in another thread, and answer."""
        step_id, session = str(command.body["step_id"]), self._session
        self._emitter.emit(
            "capture_started", {}, step_id
        )  # the proxy does not wait for a worker that is silent
        if session is not None:
            session.capture.after_failure(step_id)
        self._emitter.send(Response(command.id, {}))

    def reject(self, command_id: int | None, error: OsirisError) -> None:
        """Answer a line that is not a valid command."""
        self._emitter.send(ErrorResponse(command_id, error_to_dict(error)))

    def close(self) -> None:
        """Release every frame; calling it twice is safe."""
        self._heartbeat.stop()
        self._release()

    def _release(self) -> None:
        self._heartbeat.get_store_size = None
        if self._session is not None:
            self._session.store.close()
            self._session = None

    def _ping(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"pong": body.get("echo")}

    def _prepare(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._session is not None:
            raise InvalidMessage("command refused: prepare was already received", command="prepare")
        plan = manifest.parse(body["manifest"])
        options = settings.from_dict(body["settings"])
        self._heartbeat.interval_s = options.heartbeat_interval_s
        packages = installed_packages(sys.path)
        environment = {**environment_snapshot(self._context), "packages_sha256": packages_hash(packages)}
        self._emitter.emit("environment", environment)
        with self._heartbeat.active(None, "preparing"):
            components = self._load_bundle(body.get("parcel"))
            driver_names = sorted({step.driver for step in plan.steps})
            self._register_drivers(driver_names, components, has_bundle=body.get("parcel") is not None)
        policy = SpillPolicy(
            options.force_spill,
            options.spill_threshold,
            options.spill_memory_bytes,
            options.release_consumed,
            stream_threshold(self._context.memory),
        )
        store = FrameStore(
            self._run_dir,
            policy,
            self._emitter.emit_for_step,
            next_uses=_next_uses(plan),
            batching=self._writer.batching,
        )
        self._session = _Session(
            manifest=plan,
            store=store,
            base=Path(body.get("base") or self._run_dir).expanduser().absolute(),
            components=components,
            capture=FrameCapture(
                plan, store, self._emitter.emit, options.capture, keep_frames=options.keep == "frames"
            ),
            tests=StepTests(store),
        )
        self._heartbeat.get_store_size = store.total_size
        self._emitter.emit("session_initialized", {"run_id": body["run_id"], "drivers_loaded": driver_names})
        return {"drivers": driver_names, "packages": packages}

    def _register_drivers(
        self, names: Iterable[str], components: Mapping[str, Component], *, has_bundle: bool
    ) -> None:
        """Load the drivers of a pipeline and emit the code of each."""
        requirements = (
            dependencies.read_component_specs(self._run_dir).get("packages") if has_bundle else None
        )
        for name in names:
            code = driver_code(_load_driver(name, components), requirements or {})
            self._emitter.emit("driver_registered", {"driver": name, "status": "success", "code": code})

    def _load_bundle(self, expected: Mapping[str, Any] | None) -> Mapping[str, Component]:
        """Verify the bundle and its modules; return its components, none if the proxy sent no bundle."""
        if expected is None:
            return {}
        hashes = bundle.verify_bundle(self._run_dir, expected)
        self._emitter.emit("parcel_checked", {"package": expected.get("package"), "files": hashes})
        components = bundle.load_components(self._run_dir)
        specs = [asdict(component) for component in components.values()]
        if self._context.install_missing:
            self._install(specs)
        missing = dependencies.find_missing(specs)
        if missing:
            packages = dependencies.read_component_specs(self._run_dir).get("packages")
            is_remote = self._context.isolation == "e2b"
            raise dependencies.missing_error(missing, packages=packages, is_remote=is_remote)
        return components

    def _install(self, specs: list[dict[str, Any]]) -> None:
        started = monotonic()
        try:
            is_remote = self._context.isolation == "e2b"
            installed = dependencies.pip_install(self._run_dir, specs, is_remote=is_remote)
        finally:
            if (self._run_dir / dependencies.INSTALL_LOG).exists():
                artifact = {"artifact_type": "install_log", "path": dependencies.INSTALL_LOG}
                self._emitter.emit("artifact_created", artifact)
        if installed:
            duration_ms = (monotonic() - started) * 1000
            self._emitter.emit(
                "dependencies_installed", {"requirements": installed, "duration_ms": duration_ms}
            )

    def _exec_step(self, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with self._heartbeat.active(body["step_id"], "resolving"):
                return self._execute_step(body)
        finally:
            self._report_fork()

    def _execute_step(self, body: Mapping[str, Any]) -> dict[str, Any]:
        session = self._prepared
        step_id, driver_name = body["step_id"], body["driver"]
        started = monotonic()
        inputs = StepInputs()
        self._mask(body.get("secrets") or (), body.get("secrets_by_place") or ())
        confidential = _Confidential.from_body(body)
        try:
            self._writer.start_batch()
            config = self._load_config(step_id, body["cfg_path"], confidential)
            self._resolve(step_id, body["inputs"], inputs)
            session.capture.before_step(step_id)
            self._emitter.emit("step_start", {"driver": driver_name}, step_id)
            outcome = self._run_driver(step_id, driver_name, config, inputs, confidential)
            if self._produces_frame(driver_name):
                self._run_checks(step_id)
            session.capture.after_success(step_id)
        except BaseException as error:
            duration_ms = (monotonic() - started) * 1000
            self._on_step_error(error)
            self._heartbeat.phase = "capturing"
            self._writer.flush()
            session.capture.after_failure(step_id)
            report = error_to_dict(error)
            event_fields = {
                "driver": driver_name,
                "error": report["message"],
                "error_type": report["type"],
                "causes": report["causes"],
                "traceback": report["traceback"],
                "error_info": _with_text_columns(
                    with_search_of_file(_with_staging(report["error_info"], confidential), session.base),
                    inputs,
                ),
                "duration_ms": duration_ms,
            }
            self._emitter.emit("step_failed", event_fields, step_id)
            if body.get("may_retry"):
                inputs.clear()
            else:
                self._release_inputs((step_id, *session.manifest.downstream(step_id)), inputs)
            raise
        duration_ms = (monotonic() - started) * 1000
        self._send_metric(step_id, "step_duration_ms", duration_ms)
        self._emitter.emit(
            "step_complete", {**outcome, "driver": driver_name, "duration_ms": duration_ms}, step_id
        )
        self._release_inputs((step_id,), inputs)
        return outcome

    def _test_step(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Run a step on parts of its inputs; the answer holds its failure, None if it succeeded."""
        session, step_id = self._prepared, body["step_id"]
        self._mask(body.get("secrets") or (), body.get("secrets_by_place") or ())
        confidential = _Confidential.from_body(body)
        config = self._load_config(step_id, body["cfg_path"], confidential)
        step = next(step for step in session.manifest.steps if step.id == step_id)
        driver = _load_driver(body["driver"], session.components)
        inputs = session.tests.resolve(step, body["inputs"])
        artifacts = self._run_dir / layout.artifacts_dir(step_id)
        artifacts.mkdir(parents=True, exist_ok=True)
        ctx = drivers.DriverContext(
            base=session.base,
            artifacts=artifacts,
            metric=lambda _name, _value: None,
            progress=lambda _rows: None,
            cancel=self._context.cancel,
            other_steps=tuple(other.id for other in session.manifest.steps if other.id != step_id),
            memory=self._context.memory,
        )
        try:
            session.tests.run(step, driver, _driver_config(config, confidential), inputs, ctx)
        except BaseException as error:  # noqa: BLE001  a driver may raise anything, SystemExit and panics included
            return {"failure": error_to_dict(error)}
        finally:
            self._emitter.fork_guard.end_copy(step_id)
        return {"failure": None}

    def _mask(self, secrets: Iterable[str], by_place: Iterable[str]) -> None:
        """Mask further secrets from now on; those of earlier steps stay masked."""
        new, new_by_place = dict.fromkeys(secrets), dict.fromkeys(by_place)
        if not (new.keys() <= self._secrets.keys() and new_by_place.keys() <= self._by_place.keys()):
            self._secrets |= new
            self._by_place |= new_by_place
            self._emitter.redactor = Redactor(self._secrets, self._by_place)

    def _spill(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write a kept frame to disk for a step on another worker; the path is None if that is not possible."""
        with self._heartbeat.active(body["step_id"], "spilling"):
            spilled = self._prepared.store.spill_for_other_worker(body["step_id"])
        self._writer.flush()
        if spilled is None:
            return {"path": None}
        path = layout.spill_path(body["step_id"])
        return {"path": path, "fingerprint": spilled.document["fingerprint"]}

    def _cleanup(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._session is not None:
            self._session.capture.after_last_step(map(str, body.get("not_run") or ()))
        held = list(self._session.store.held_steps()) if self._session is not None else []
        self._release()
        self._report_fork()
        self._emitter.emit("cleanup_complete", {"frames_let_go": held})
        return {}

    def _report_fork(self) -> None:
        """Emit an event if a process that a driver forked returned from it; it was ended."""
        if self._emitter.fork_guard.take_returned():
            self._emitter.emit("driver_forked", {"reason": "a process that a driver forked returned from it"})

    @property
    def _prepared(self) -> _Session:
        if self._session is None:
            raise InvalidMessage(
                "command refused: exec_step was received before prepare", command="exec_step"
            )
        return self._session

    def _load_config(self, step_id: str, relative: str, confidential: _Confidential) -> dict[str, Any]:
        if not layout.is_safe_name(step_id) or not layout.is_relative_and_safe(relative):
            raise InvalidMessage(
                f"step {step_id!r}: {relative!r} is outside the run directory",
                kind="path-outside-run",
                fix="compile the pipeline again",
                step=step_id,
                path=relative,
            )
        try:
            config: dict[str, Any] = orjson.loads((self._run_dir / relative).read_bytes())
        except FileNotFoundError:
            raise DriverError(
                f"step {step_id!r}: configuration file not found: {relative}",
                kind="config-missing",
                fix="compile the pipeline again",
                step=step_id,
                path=relative,
            ) from None
        except orjson.JSONDecodeError as error:
            raise DriverError(
                f"step {step_id!r}: {relative} is not valid JSON: {error}",
                kind="config-unreadable",
                fix="compile the pipeline again",
                step=step_id,
                path=relative,
            ) from None
        self._emitter.emit("cfg_opened", {"path": relative, "keys": sorted(config)}, step_id)
        return dict(confidential.config or config)

    def _resolve(self, step_id: str, requested: Mapping[str, Any], inputs: dict[str, ResolvedInput]) -> None:
        if requested:
            self._writer.flush()  # reading files runs C libraries, which may crash
        for name, entry in requested.items():
            ref = InputRef(entry["from_step"], entry.get("key") or "df")
            event_fields: dict[str, Any] = {"name": name, "from_step": ref.from_step, "key": ref.key}
            try:
                resolved = self._prepared.store.resolve(step_id, name, ref)
            except InputNotFound as error:
                event_fields |= {"tried": list(error.tried), "present": list(error.present)}
                self._emitter.emit("input_not_found", event_fields, step_id)
                raise
            inputs[name] = resolved
            event_fields |= {
                "rows": resolved.rows,
                f"from_{resolved.location}": True,
                "tried": list(resolved.attempts),
                "schema_hash": resolved.schema_hash,
                "fingerprint": resolved.fingerprint,
            }
            self._emitter.emit("inputs_resolved", event_fields, step_id)
        self._writer.start_batch()
        if inputs:
            self._send_metric(step_id, "rows_in", sum(resolved.rows for resolved in inputs.values()))

    def _run_driver(
        self,
        step_id: str,
        driver_name: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        confidential: _Confidential,
    ) -> dict[str, Any]:
        session = self._prepared
        self._write_cleaned_config(step_id, _own_config(config), confidential.connection)
        driver_config = _driver_config(config, confidential)
        joins: list[Mapping[str, Any]] = []
        checks: list[Mapping[str, Any]] = []
        filters: list[Mapping[str, Any]] = []
        source: dict[str, Any] = {}
        files = FileDigests(session.base)
        ctx = drivers.DriverContext(
            base=session.base,
            artifacts=self._run_dir / layout.artifacts_dir(step_id),
            metric=lambda name, value: self._send_metric(step_id, name, value),
            progress=self._heartbeat.progress,
            cancel=self._context.cancel,
            describe_join=joins.append,
            describe_source=source.update,
            describe_query=checks.extend,
            describe_filters=filters.extend,
            describe_file=files.add,
            other_steps=tuple(step.id for step in session.manifest.steps if step.id != step_id),
            memory=self._context.memory,
            outputs=confidential.outputs,
        )
        if not self._produces_frame(driver_name):
            self._run_checks(step_id, *inputs.values())
        self._heartbeat.phase = "driving"
        self._writer.flush()
        driver = _load_driver(driver_name, session.components)
        try:
            with driver_logging(step_id):
                result = driver.run(step_id=step_id, config=driver_config, inputs=inputs, ctx=ctx)
        except BaseException:
            self._emitter.fork_guard.end_copy(step_id)
            self._emit_files(step_id, files)
            raise
        self._emitter.fork_guard.end_copy(step_id)
        self._heartbeat.phase = "keeping"
        rows_in = sum(resolved.rows for resolved in inputs.values()) if inputs else None

        def describe() -> dict[str, Any]:
            join = joins[-1] if joins else None
            return {"join": join, "checks": tuple(checks), "filters": tuple(filters), "source": source}

        try:  # a stream is read while it is stored
            return self._store_result(step_id, driver_name, result, rows_in, describe)
        finally:
            self._emit_files(step_id, files)

    def _emit_files(self, step_id: str, files: FileDigests) -> None:
        for name, event_fields in files.events():
            self._emitter.emit(name, event_fields, step_id)

    def _write_cleaned_config(
        self, step_id: str, config: Mapping[str, Any], connection: Mapping[str, Any]
    ) -> None:
        """Write the configuration that the driver receives, secrets masked; of its connection only the server."""
        relative = layout.cleaned_config_path(step_id)
        server = connection_server(connection)
        recorded = {**config, "resolved_connection": server} if server else config
        masked = self._emitter.redactor.redact_value(mask_by_key(recorded))
        write_atomic(self._run_dir / relative, orjson.dumps(masked, option=orjson.OPT_INDENT_2), sync=False)
        self._emitter.emit("artifact_created", {"artifact_type": "cleaned_config", "path": relative}, step_id)

    def _store_result(
        self,
        step_id: str,
        driver_name: str,
        result: Mapping[str, Any] | None,
        rows_in: int | None,
        describe: Callable[[], Mapping[str, Any]],
    ) -> dict[str, Any]:
        session = self._prepared
        result = mask_metadata(result, self._emitter.redactor)
        stored = session.store.put(step_id, result)
        stored = replace(stored, **describe())  # a driver describes a stream at its end
        self._writer.start_batch()
        produces_frame = self._produces_frame(driver_name)
        if produces_frame and stored.rows is not None:
            self._emitter.emit("rows_out", {"value": stored.rows}, step_id)
            self._send_metric(step_id, "rows_out", stored.rows)
        event_fields = {name: getattr(stored, name) for name in _STORED_FRAME_FIELDS}
        for (
            name
        ) in _OPTIONAL_FIELDS:  # counts are empty if there is no frame, or if counting would take too long
            if not event_fields[name]:
                del event_fields[name]
        self._emitter.emit("output_stored", event_fields, step_id)
        if produces_frame and stored.rows is None:
            raise missing_frame_error(step_id, driver_name, result)
        written, rejected = _row_count(result, "rows_written"), _row_count(result, "rows_rejected")
        rows = stored.rows if stored.rows is not None else written
        outcome: dict[str, Any] = {"rows_processed": rows, "storage": stored.storage}
        if stored.parquet:
            outcome["artifacts"] = [stored.parquet, stored.schema]
        if not produces_frame and rows_in is not None:
            outcome["rows_received"] = rows_in
        if written is not None:
            outcome["rows_written"] = written
        if rejected is not None:
            outcome["rows_rejected"] = rejected
        if (self._run_dir / layout.rejected_rows_path(step_id)).is_file():
            artifact = {"artifact_type": "rejected_rows", "path": layout.rejected_rows_path(step_id)}
            self._emitter.emit("artifact_created", artifact, step_id)
        return outcome

    def _produces_frame(self, driver_name: str) -> bool:
        component = self._prepared.components.get(driver_name)
        return component.produces_frame if component else drivers.produces_frame(driver_name)

    def _run_checks(self, step_id: str, *inputs: ResolvedInput) -> None:
        """Check the input of a writer, or the stored frame of any other step, and emit the results.

        Raises:
            DriverError: a check failed and the step says to fail, or a check cannot be carried out.
        """
        checks = next((step.checks for step in self._prepared.manifest.steps if step.id == step_id), {})
        if not checks:
            return
        from osiris_inspect.runtime.drivers.step_checks.checker import check_frame, failed_error

        self._heartbeat.phase = "checking"
        self._writer.flush()
        store = self._prepared.store
        resolved = inputs[0] if inputs else store.resolve(step_id, FRAME_KEY, InputRef(step_id))
        temp_dir = self._run_dir / layout.artifacts_dir(step_id) / ".checks"
        with drivers.errors_name_step(step_id):
            frame = check_frame(checks, resolved, temp_dir, self._context.cancel)
        for result in frame.results:
            self._emitter.emit("check_result", result.to_fields(), step_id)
        failed = [result for result in frame.results if not result.passed]
        if not failed:
            return
        path = layout.failed_checks_path(step_id)
        write_atomic(self._run_dir / path, frame.failures_json(self._emitter.redactor), sync=False)
        self._emitter.emit("artifact_created", {"artifact_type": "failed_checks", "path": path}, step_id)
        if checks.get("on_failure") != "warn":
            raise failed_error(step_id, frame.results, path)

    def _release_inputs(self, steps: Container[str], inputs: dict[str, ResolvedInput]) -> None:
        """Release the inputs of a step and tell the store that ``steps`` need their inputs no more."""
        session = self._prepared
        inputs.clear()
        for position, step in enumerate(session.manifest.steps):
            if step.id in steps:
                for upstream in {ref.from_step for ref in manifest.bind_inputs(step).values()}:
                    session.store.mark_consumed(upstream, position)
        session.store.trim_memory()

    def _send_metric(self, step_id: str, name: str, value: Any) -> None:
        """Send a metric; emit an event if the value is not a finite number."""
        number = _finite_number(value)
        if number is None:
            text = self._emitter.redactor.redact_text(safe_repr(value))[:200]
            event_fields = {"metric": str(name), "value": text, "reason": "not a finite number"}
            self._emitter.emit("metric_refused", event_fields, step_id)
            return
        self._emitter.send(MetricMessage(self._context.clock(), str(name), number, step_id))


def _staged_output(entry: Mapping[str, Any]) -> drivers.StagedOutput:
    refused = entry.get("refused")
    error = None
    if refused is not None:
        error = DriverError(refused["message"], kind=refused["kind"], fix=refused["fix"], **refused["facts"])
    return drivers.StagedOutput(Path(entry["staged"]), error)


def _row_count(result: Mapping[str, Any] | None, name: str) -> int | None:
    """Return a count that a driver returns; None if there is none."""
    count = _finite_number(result.get(name)) if isinstance(result, Mapping) else None
    return None if count is None else int(count)


def _finite_number(value: Any) -> float | None:
    """Return a finite number from a Python or NumPy value; None if it is not one."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return int(value) if number.is_integer() and abs(number) < 1 << 53 else number


def _load_driver(name: str, components: Mapping[str, Component]) -> drivers.Driver:
    """Return the driver of a component of the proxy, or else of a component installed here.

    Raises:
        DriverNotFound: the component does not exist; the message names the existing ones.
    """
    component = components.get(name)
    if component is None:
        return drivers.load_driver(name)
    module, _, attribute = component.driver.partition(":")
    driver: drivers.Driver = getattr(import_module(module), attribute)()
    return driver


def _next_uses(plan: Manifest) -> dict[str, list[int]]:
    """Return, for each step, the positions in the manifest of the steps that use its frame."""
    uses: dict[str, list[int]] = {}
    for position, step in enumerate(plan.steps):
        for ref in manifest.bind_inputs(step).values():
            uses.setdefault(ref.from_step, []).append(position)
    return uses


def _with_staging(info: Mapping[str, Any], confidential: _Confidential) -> Mapping[str, Any]:
    """Return the error with what to do if a driver wrote its file directly, which a sandbox forbids."""
    if info["fix"] is not None or info["facts"].get("path") not in confidential.outputs:
        return info
    return {**info, "fix": _STAGED_FIX}


def _with_text_columns(info: Mapping[str, Any], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the error with the columns of its inputs that are numbers but for some cells."""
    if info["kind"] not in _KINDS_OF_VALUES or not inputs:
        return info
    from osiris_inspect.runtime.frames.text_numbers import text_numbers

    try:
        columns = text_numbers([each for each in inputs.values() if isinstance(each, ResolvedInput)])
    except Exception:  # noqa: BLE001  the step's own error is reported
        return info
    return {**info, "facts": {**info["facts"], "text_columns": columns}} if columns else info
