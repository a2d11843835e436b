"""The worker: resolves a step's inputs, drives it, keeps what it gave and tells what happened.

The same worker runs in the host's own process, in a local sandbox and in a cloud. It knows nothing of the log: it
tells, and the host writes. Whatever a driver does, each command gets exactly one answer.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DriverError, InputNotFound, InvalidMessage, OsirisError
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.files.atomic_write import read_bytes, write_plain
from osiris_inspect.runtime.frames.driver_result import missing_frame_advice
from osiris_inspect.runtime.frames.policy import StoredFrame
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.protocol import bundle as parcel
from osiris_inspect.runtime.protocol import dependencies
from osiris_inspect.runtime.protocol.environment import WorkerContext, environment_snapshot
from osiris_inspect.runtime.protocol.error_report import error_to_dict
from osiris_inspect.runtime.protocol.messages import (
    Command,
    ErrorResponse,
    MetricMessage,
    Response,
    safe_repr,
)
from osiris_inspect.runtime.worker.event_emitter import EventEmitter
from osiris_inspect.runtime.worker.heartbeat import Heartbeat
from osiris_inspect.runtime.worker.message_writer import MessageWriter

_STORED_FRAME_FIELDS = tuple(item.name for item in fields(StoredFrame))


@dataclass(slots=True)
class _Session:
    """What ``prepare`` set up, until ``cleanup``."""

    manifest: Manifest
    store: FrameStore
    base: Path
    components: Mapping[str, Component]
    connections: Mapping[str, Mapping[str, Any]]
    configs: Mapping[str, Mapping[str, Any]]
    step_positions: Mapping[str, int]


class Worker:
    """Answers commands one at a time.

    Attributes:
        here: what it stands in; every path it writes lies in ``here.session``.
        outbox: takes each reply, in order; the heartbeat's thread posts into it too.
    """

    def __init__(self, context: WorkerContext, outbox: MessageWriter) -> None:
        self._here = context
        self._session = context.run_dir
        self._outbox = outbox
        self._teller = EventEmitter(outbox.send, context.clock)
        self._heart = Heartbeat(self._teller, context.run_dir)
        self._prepared: _Session | None = None
        self._last_id: int | None = None

    def handle(self, command: Command) -> None:
        """Do what a command asks and post its one answer. Nothing a driver raises comes out of here.

        A command that comes again, because its sender could not know whether it arrived, is done once.
        """
        if command.id == self._last_id:
            return
        self._last_id = command.id
        try:
            body = getattr(self, f"_{command.verb}")(command.body)
        except BaseException as error:  # noqa: BLE001  a driver may raise anything, SystemExit and panics included
            self._teller.send(ErrorResponse(command.id, error_to_dict(error)))
        else:
            self._teller.send(Response(command.id, body))
        finally:
            self._outbox.flush()

    def reject(self, number: int | None, error: OsirisError) -> None:
        """Answer a line that is no command."""
        self._teller.send(ErrorResponse(number, error_to_dict(error)))

    def close(self) -> None:
        """Let go of every frame; a second time does nothing."""
        self._heart.stop()
        self._release()

    def _release(self) -> None:
        self._heart.get_store_size = None
        if self._prepared is not None:
            self._prepared.store.close()
            self._prepared = None

    def _ping(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"pong": body.get("echo")}

    def _prepare(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._prepared is not None:
            raise InvalidMessage("prepare came twice")
        self._teller.redactor = Redactor(body.get("secrets") or ())
        plan = manifest.parse(body["manifest"])
        told = settings.from_dict(body["settings"])
        self._teller.emit("environment", environment_snapshot(self._here))
        with self._heart.active(None, "preparing"):
            components = self._verify_bundle(body.get("parcel"))
            used = sorted({step.driver for step in plan.steps})
            for name in used:
                _load(name, components)
                self._teller.emit("driver_registered", {"driver": name, "status": "success"})
        policy = SpillPolicy(
            told.force_spill, told.spill_threshold, told.spill_memory_bytes, told.release_consumed
        )
        self._prepared = _Session(
            manifest=plan,
            store=FrameStore(
                self._session,
                policy,
                self._teller.emit_for_step,
                next_uses=_next_uses(plan),
                batching=self._outbox.batching,
            ),
            base=Path(body.get("base") or self._session).expanduser().absolute(),
            components=components,
            connections=body.get("connections") or {},
            configs=body.get("configs") or {},
            step_positions={step.id: place for place, step in enumerate(plan.steps)},
        )
        self._heart.get_store_size = self._prepared.store.total_size
        self._teller.emit("session_initialized", {"run_id": body["run_id"], "drivers_loaded": used})
        return {"drivers": used}

    def _verify_bundle(self, sent: Mapping[str, Any] | None) -> Mapping[str, Component]:
        """Check what was sent and what is installed; gives the components a host sent, none where it sent none."""
        if sent is None:
            return {}
        found = parcel.verify_bundle(self._session, sent)
        self._teller.emit("parcel_checked", {"package": sent.get("package"), "files": found})
        components = parcel.load_components(self._session)
        wanted = [asdict(component) for component in components.values()]
        if self._here.install_missing:
            self._install(wanted)
        lacking = dependencies.find_missing(wanted)
        if lacking:
            raise dependencies.missing_error(lacking)
        return components

    def _install(self, components: list[dict[str, Any]]) -> None:
        began = monotonic()
        try:
            installed = dependencies.pip_install(self._session, components)
        finally:
            if (self._session / dependencies.INSTALL_LOG).exists():
                told = {"artifact_type": "install_log", "path": dependencies.INSTALL_LOG}
                self._teller.emit("artifact_created", told)
        if installed:
            took = (monotonic() - began) * 1000
            self._teller.emit("dependencies_installed", {"requirements": installed, "duration_ms": took})

    def _exec_step(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._prepared is None:
            raise InvalidMessage("exec_step came before prepare")
        step_id, driver_name = body["step_id"], body["driver"]
        began = self._here.clock()
        inputs: dict[str, ResolvedInput] = {}
        try:
            with self._heart.active(step_id, "resolving"):
                self._outbox.start_batch()
                config = self._load_config(step_id, body["cfg_path"])
                self._resolve(step_id, body["inputs"], inputs)
                self._teller.emit("step_start", {"driver": driver_name}, step_id)
                outcome = self._run_driver(step_id, driver_name, config, inputs)
        except BaseException as error:
            self._fail(step_id, driver_name, error, inputs, self._here.clock() - began)
            self._release_inputs((step_id, *self._prepared.manifest.downstream(step_id)), inputs)
            raise
        took_ms = (self._here.clock() - began) * 1000
        self._measure(step_id, "step_duration_ms", took_ms)
        self._teller.emit(
            "step_complete", {**outcome, "driver": driver_name, "duration_ms": took_ms}, step_id
        )
        self._release_inputs((step_id,), inputs)
        return outcome

    def _cleanup(self, body: Mapping[str, Any]) -> dict[str, Any]:
        del body
        held = list(self._prepared.store.held_steps()) if self._prepared is not None else []
        self._release()
        self._teller.emit("cleanup_complete", {"frames_let_go": held})
        return {}

    def _load_config(self, step_id: str, relative: str) -> dict[str, Any]:
        if not layout.is_safe_name(step_id) or not layout.is_relative_and_safe(relative):
            raise InvalidMessage(f"step {step_id!r} with {relative!r} would lead out of the run directory")
        try:
            config: dict[str, Any] = orjson.loads(read_bytes(f"{self._session}/{relative}"))
        except FileNotFoundError:
            raise DriverError(f"step {step_id!r}: its configuration is not there: {relative}") from None
        except orjson.JSONDecodeError as error:
            raise DriverError(f"step {step_id!r}: {relative} is no JSON: {error}") from None
        self._teller.emit("cfg_opened", {"path": relative, "keys": sorted(config)}, step_id)
        assert self._prepared is not None  # noqa: S101  exec_step has looked
        # the file holds no secret: a configuration with one came inside prepare
        return dict(self._prepared.configs.get(step_id, config))

    def _resolve(self, step_id: str, wanted: Mapping[str, Any], inputs: dict[str, ResolvedInput]) -> None:
        prepared = self._prepared
        assert prepared is not None  # noqa: S101  exec_step has looked
        if wanted:
            self._outbox.flush()  # files are read: C libraries are at work
        for name, entry in wanted.items():
            ref = InputRef(entry["from_step"], entry.get("key") or "df")
            try:
                resolved = prepared.store.resolve(step_id, name, ref)
            except InputNotFound as error:
                missed: dict[str, Any] = {"name": name, "from_step": ref.from_step, "key": ref.key}
                missed |= {"tried": list(error.tried), "present": list(error.present)}
                self._teller.emit("input_not_found", missed, step_id)
                raise
            inputs[name] = resolved
            found = {
                "name": name,
                "from_step": ref.from_step,
                "key": ref.key,
                "rows": resolved.rows,
                f"from_{resolved.location}": True,
                "tried": list(resolved.attempts),
                "schema_hash": resolved.schema_hash,
            }
            self._teller.emit("inputs_resolved", found, step_id)
        self._outbox.start_batch()
        if inputs:
            self._measure(step_id, "rows_in", sum(resolved.rows for resolved in inputs.values()))

    def _run_driver(
        self,
        step_id: str,
        driver_name: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
    ) -> dict[str, Any]:
        prepared = self._prepared
        assert prepared is not None  # noqa: S101  exec_step has looked
        artifacts = self._session / layout.artifacts_dir(step_id)
        settled = {
            key: value for key, value in config.items() if key not in ("component", "mode", "connection")
        }
        self._write_cleaned_config(step_id, settled)
        if step_id in prepared.connections:
            settled["resolved_connection"] = dict(prepared.connections[step_id])
        ctx = drivers.DriverContext(
            base=prepared.base,
            artifacts=artifacts,
            metric=lambda name, value: self._measure(step_id, name, value),
            progress=self._heart.progress,
            cancel=self._here.cancel,
        )
        self._heart.phase = "driving"
        self._outbox.flush()
        driver = _load(driver_name, prepared.components)
        result = driver.run(step_id=step_id, config=settled, inputs=inputs, ctx=ctx)
        self._heart.phase = "keeping"
        return self._store_result(step_id, driver_name, result)

    def _write_cleaned_config(self, step_id: str, settled: Mapping[str, Any]) -> None:
        """Leave the configuration as the driver gets it, without its secrets."""
        relative = layout.cleaned_config_path(step_id)
        shown = self._teller.redactor.redact_value(mask_by_key(settled))
        write_plain(f"{self._session}/{relative}", orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        self._teller.emit("artifact_created", {"artifact_type": "cleaned_config", "path": relative}, step_id)

    def _store_result(
        self, step_id: str, driver_name: str, result: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        prepared = self._prepared
        assert prepared is not None  # noqa: S101  exec_step has looked
        kept = prepared.store.put(step_id, result)
        self._outbox.start_batch()
        component = prepared.components.get(driver_name)
        gives_frame = component.produces_frame if component else drivers.produces_frame(driver_name)
        if gives_frame and kept.rows is not None:
            self._teller.emit("rows_out", {"value": kept.rows}, step_id)
            self._measure(step_id, "rows_out", kept.rows)
        self._teller.emit("output_stored", _stored_to_dict(kept), step_id)
        if gives_frame and kept.rows is None:
            raise DriverError(
                f"step {step_id!r}: driver {driver_name} returned no frame under 'df': {kept.reason}; "
                f"{missing_frame_advice(result)}"
            )
        written = _row_count(result.get("rows_written")) if isinstance(result, Mapping) else None
        rows = kept.rows if kept.rows is not None else written
        outcome: dict[str, Any] = {"rows_processed": rows, "storage": kept.storage}
        if kept.parquet:
            outcome["artifacts"] = [kept.parquet, kept.schema]
        if written is not None:
            outcome["rows_written"] = written
        return outcome

    def _release_inputs(self, steps: Iterable[str], inputs: dict[str, ResolvedInput]) -> None:
        """Let go of what was read, and tell the store that these steps are done with their inputs, or will never come."""
        prepared = self._prepared
        assert prepared is not None  # noqa: S101  exec_step has looked
        inputs.clear()
        for place in [prepared.step_positions[step] for step in steps if step in prepared.step_positions]:
            bound = manifest.bind_inputs(prepared.manifest.steps[place])
            for upstream in {ref.from_step for ref in bound.values()}:
                prepared.store.mark_consumed(upstream, place)
        prepared.store.trim_memory()

    def _fail(
        self,
        step_id: str,
        driver_name: str,
        error: BaseException,
        inputs: Mapping[str, ResolvedInput],
        seconds: float,
    ) -> None:
        assert self._prepared is not None  # noqa: S101  exec_step has looked
        self._outbox.flush()
        if inputs:
            self._prepared.store.spill_inputs_of_failed_step(step_id, inputs)
        told = error_to_dict(error)
        fields = {
            "driver": driver_name,
            "error": told["message"],
            "error_type": told["type"],
            "causes": told["causes"],
            "traceback": told["traceback"],
            "duration_ms": seconds * 1000,
        }
        self._teller.emit("step_failed", fields, step_id)

    def _measure(self, step_id: str, name: str, value: Any) -> None:
        """Post a metric. One that is no number is told as that: a driver's bookkeeping must not fail its step."""
        number = _number(value)
        if number is None:
            shown = self._teller.redactor.redact_text(safe_repr(value))[:200]
            told = {"metric": str(name), "value": shown, "reason": "no finite number"}
            self._teller.emit("metric_refused", told, step_id)
            return
        self._teller.send(MetricMessage(self._here.clock(), str(name), number, step_id))


def _number(value: Any) -> float | None:
    """A finite number, of Python or NumPy; None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return int(value) if number.is_integer() and abs(number) < 1 << 53 else number


def _stored_to_dict(kept: StoredFrame) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in _STORED_FRAME_FIELDS}


def _row_count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _load(name: str, components: Mapping[str, Component]) -> drivers.Driver:
    """The driver of a component the host sent; of one it did not send, the one known here.

    Raises:
        DriverNotFound: there is no such component; the message names those there are.
    """
    component = components.get(name)
    if component is None:
        return drivers.load_driver(name)
    module, _, attribute = component.driver.partition(":")
    driver: drivers.Driver = getattr(import_module(module), attribute)()
    return driver


def _next_uses(plan: Manifest) -> dict[str, list[int]]:
    """For each step, the places in the manifest where its frame is used."""
    uses: dict[str, list[int]] = {}
    for place, step in enumerate(plan.steps):
        for ref in manifest.bind_inputs(step).values():
            uses.setdefault(ref.from_step, []).append(place)
    return uses
