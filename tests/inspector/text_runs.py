"""Run directories around an error text: three steps, of which one failed with that text.

A text becomes a local run of the original (0.3 or 0.5) or a native run of a third-party driver.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from osiris_inspect.model import run_layout as layout

VALUE_ERRORS = frozenset(
    [
        "ArrowInvalid",
        "EmptyDataError",
        "IntCastingNaNError",
        "InvalidURL",
        "JSONDecodeError",
        "MergeError",
        "MissingSchema",
        "OutOfBoundsDatetime",
        "ParserError",
        "UnicodeDecodeError",
        "UnicodeEncodeError",
        "ValidationError",
        "ValueError",
    ]
)
"""Errors that the original reports as ``Driver error``; others are ``Execution failed``."""
OUR_FAMILIES = ("duckdb.", "filesystem.", "graphql.", "mysql.", "postgres.", "posthog.", "supabase.")
ROWS = 200
SOURCE, SINK = "filesystem.csv_extractor", "filesystem.csv_writer"
CSV = {"delimiter": ",", "encoding": "utf-8", "header": True}
SETTINGS = {
    "force_spill": (False, "E2B_FORCE_SPILL"),
    "spill_threshold": (100000, "E2B_SPILL_THRESHOLD"),
    "spill_memory_bytes": (None, "E2B_SPILL_MEMORY_BYTES"),
    "release_consumed": (False, "E2B_RELEASE_CONSUMED"),
    "step_timeout_s": (None, "E2B_STEP_TIMEOUT"),
}
ENVIRONMENT = {
    "python": "3.11.7",
    "os": "Linux-6.1.0-x86_64-with-glibc2.36",
    "packages": {
        "osiris-inspect": "0.1.0",
        "pandas": "3.1.1",
        "pyarrow": "26.0.1",
        "duckdb": "2.0.1",
        "numpy": "2.4.6",
        "orjson": "3.13.0",
    },
    "cpus": 2,
    "memory_bytes": 25276063744,
    "disk_free_bytes": 61178384384,
    "timezone": "UTC",
    "locale": "C.UTF-8",
    "isolation": "none",
    "variables": ["HOME", "LANG", "PATH"],
}
MANIFEST_OF_ORIGINAL = (
    "meta:\n  generated_at: '2026-11-20T05:10:44.462533Z'\n  oml_version: 0.1.0\n  profile: dev\n  run_id: ${run_id}\n"
    "  toolchain:\n    compiler: osiris-compiler/0.1\n    registry: osiris-registry/0.1\n"
    "name: nightly\npipeline:\n  id: nightly\n  version: 0.1.0\n"
)
MANIFEST_OF_NATIVE = "name: nightly\noml_version: 0.1.0\nfile: nightly.yaml\n"


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error text and where a driver raised it.

    Attributes:
        causes: the exceptions it was raised from; known to native runs only.
        shape: ``original`` or ``native``; None: a hash of the id decides.
        text_log: lines of the text log as ``logger|level|message``, in the debug log only with ``debug|`` before it.
    """

    id: str
    driver: str
    error_type: str
    text: str
    causes: Sequence[Mapping[str, Any]] = ()
    traceback: str | None = None
    shape: str | None = None
    cfg: Mapping[str, Any] = field(default_factory=dict)
    extra_events: Sequence[Mapping[str, Any]] = ()
    text_log: Sequence[str] = ()

    def is_native(self) -> bool:
        """Return True if the text becomes a native run."""
        return self.shape == "native" if self.shape else not self.bit("shape")

    def bit(self, salt: str) -> bool:
        """Return a bit that depends on the id only."""
        return hashlib.sha256(f"{salt}:{self.id}".encode()).digest()[0] % 2 == 0


class Built(NamedTuple):
    """A run directory and the step that failed."""

    path: Path
    guilty: str


class _Step(NamedTuple):
    id: str
    driver: str
    needs: tuple[str, ...] = ()


@dataclass
class _Log:
    at: datetime
    session: str
    events: list[dict[str, Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    debug: list[str] = field(default_factory=list)

    def event(self, event: str, /, **fields: Any) -> None:
        self.at += timedelta(milliseconds=3)
        self.events.append({"ts": self.at.isoformat(), "session": self.session, "event": event, **fields})

    def line(self, logger: str, level: str, message: str, *, only_debug: bool = False) -> None:
        self.at += timedelta(milliseconds=2)
        head = f"{self.at:%Y-%m-%d %H:%M:%S} - {logger} - [{self.session}] - {level}"
        self.debug.append(f"{head} - run:90 - {message}")
        if not only_debug:
            self.text.append(f"{head} - {message}")

    def extras(self, case: ErrorText, step: str, **side: str) -> None:
        for extra in case.extra_events:
            fields = {key: value for key, value in extra.items() if key != "event"}
            self.event(extra["event"], **side, step_id=step, **fields)

    def lines(self, case: ErrorText) -> None:
        for entry in case.text_log:
            logger, level, message = entry.removeprefix("debug|").split("|", 2)
            self.line(logger, level, message, only_debug=entry.startswith("debug|"))


def build(case: ErrorText, folder: Path) -> Built:
    """Write the run of a text below ``folder``."""
    native = case.is_native()
    steps, guilty = _plan(case, native=native)
    write = _write_native if native else _write_original
    return Built(write(case, steps, guilty, folder / case.id), guilty)


def _plan(case: ErrorText, *, native: bool) -> tuple[list[_Step], str]:
    driver = case.driver
    if native and driver.startswith(OUR_FAMILIES):
        driver = "acme." + driver.replace(".", "_")
    source = _Step("extract-orders", SOURCE)
    if "writer" in driver or "webhook" in driver:
        return [source, _Step("load-target", driver, ("extract-orders",))], "load-target"
    if "extractor" in driver or "reader" in driver:
        return [_Step("extract-x", driver), _Step("write-result", SINK, ("extract-x",))], "extract-x"
    middle = _Step("transform-x", driver, ("extract-orders",))
    return [source, middle, _Step("write-result", SINK, ("transform-x",))], "transform-x"


def _config(step: _Step, case: ErrorText, guilty: str) -> dict[str, Any]:
    driver = step.driver
    if driver == SOURCE:
        config: dict[str, Any] = {"mode": "extract", "path": "data/orders.csv", **CSV}
    elif driver == SINK:
        config = {"mode": "write", "path": "output/result.csv", **CSV}
    elif "mysql" in driver and "extractor" in driver:
        config = {"mode": "extract", "connection": "@mysql.db_movies", "query": "SELECT * FROM movies"}
    elif "duckdb" in driver:
        config = {"mode": "transform", "query": "SELECT * FROM df_extract_orders"}
    elif "supabase" in driver:
        config = {"mode": "write", "connection": "@supabase.main", "table": "director_stats"}
    else:
        config = {"mode": {"load-target": "write", "extract-x": "extract"}.get(guilty, "transform")}
    return {"component": driver, **config, **(case.cfg if step.id == guilty else {})}


def _manifest(steps: Iterable[_Step], *, native: bool) -> str:
    entries = []
    for number, step in enumerate(steps):
        needs = "".join(f"\n  - {need}" for need in step.needs) or " []"
        line = f"  line: {4 + 6 * number}\n" if native else ""
        entries.append(
            f"- id: {step.id}\n  component: {step.driver}\n  driver: {step.driver}\n"
            f"  cfg_path: cfg/{step.id}.json\n  needs:{needs}\n{line}"
        )
    return (MANIFEST_OF_NATIVE if native else MANIFEST_OF_ORIGINAL) + "steps:\n" + "".join(entries)


def _without(config: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


def _write_original(case: ErrorText, steps: Sequence[_Step], guilty: str, folder: Path) -> Path:
    new = case.bit("version")
    began = datetime(2026, 11, 20, 5, 10, 44, 470121, tzinfo=UTC)
    old_name = f"run_{int(began.timestamp() * 1000)}"
    run = folder / ("20261120t051044z_run-000001-01m80tkwfkr1sv84ptx1hw119t-5714cd6" if new else old_name)
    session = f"{began:%Y%m%d_%H%M%S}_1fc4395e" if new else old_name
    log = _Log(began, session)
    error = ("Driver error: " if case.error_type in VALUE_ERRORS else "Execution failed: ") + case.text
    _log_preparation(log, steps, run.name)
    done = 0
    for step in steps:
        _log_inputs(log, step, _config(step, case, guilty), run, new=new)
        if step.id == guilty:
            _log_failure(log, step, case, guilty, error)
            break
        reads = f"Step {step.id}: Reading CSV from /srv/p/data/orders.csv"
        log.line("osiris.drivers.filesystem_csv_extractor_driver", "INFO", reads)
        place = f"/srv/p/run_logs/{run.name}/artifacts/{step.id}"
        log.event("step_complete", step_id=step.id, driver=step.driver, output_dir=place, duration=0.031)
        done += 1
    _log_end(log, len(steps), done, error)
    _write_lines(run / layout.EVENTS, log.events)
    exit_code = {
        "ts": log.at.isoformat(),
        "session": session,
        "metric": "adapter_exit_code",
        "value": 1,
        "unit": "code",
    }
    _write_lines(run / layout.METRICS, [exit_code])
    _write_text(run / "osiris.log", log.text)
    if any(entry.startswith("debug|") for entry in case.text_log):
        _write_text(run / "debug.log", log.debug)
    (run / layout.MANIFEST).write_text(_manifest(steps, native=False))
    for step in steps:
        _dump(run / layout.config_path(step.id), _config(step, case, guilty))
    status = {
        "sandbox_id": "local",
        "exit_code": 1,
        "steps_completed": done,
        "steps_total": len(steps),
        "ok": False,
        "session_path": "local",
        "session_copied": True,
        "events_jsonl_exists": True,
        "reason": "execution_failed",
    }
    _dump(run / layout.STATUS, status)
    return run


def _log_preparation(log: _Log, steps: Sequence[_Step], run: str) -> None:
    session = {"session_id": log.session}
    log.event("run_start", **session, session_dir=f"run_logs/dev/nightly/{run}", fallback_used=False)
    log.event("adapter_selected", adapter="local", **session)
    log.event("adapter_prepare_start", **session)
    log.event("adapter_prepare_complete", **session)
    log.event("adapter_execute_start", **session)
    log.event("execute_start", adapter="local", **session)
    count = len(steps)
    log.event(
        "preflight_validation_success",
        adapter="local",
        cfg_files_count=count,
        source_base="/srv/p/build",
        **session,
    )
    for step in steps:
        cfg = f"cfg/{step.id}.json"
        target = f"/srv/p/run_logs/{run}/{cfg}"
        log.event("cfg_materialized", cfg_path=cfg, source=f"/srv/p/build/{cfg}", destination=target)
    manifest = f"/srv/p/run_logs/{run}/manifest.yaml"
    log.event("run_start", manifest_path=manifest, pipeline_id="nightly", profile="dev")


def _log_inputs(log: _Log, step: _Step, config: Mapping[str, Any], run: Path, *, new: bool) -> None:
    stripped = ["component", "connection"] if "connection" in config else ["component"]
    artifacts = f"run_logs/dev/nightly/{run.name}/artifacts/{step.id}"
    cleaned = f"{artifacts}/cleaned_config.json"
    log.event("step_start", step_id=step.id, driver=step.driver)
    log.event("artifacts_dir_created", step_id=step.id, path=artifacts)
    log.event("config_meta_stripped", step_id=step.id, keys_removed=stripped, config_meta_stripped=True)
    log.event("artifact_created", step_id=step.id, artifact_type="cleaned_config", path=cleaned)
    _dump(run / layout.cleaned_config_path(step.id), _without(config, "component", "connection"))
    if "connection" in config:
        family, alias = config["connection"].lstrip("@").split(".")
        log.event("connection_resolve_start", step_id=step.id, family=family, alias=alias)
        log.event("connection_resolve_complete", step_id=step.id, family=family, alias=alias, ok=True)
    for need in step.needs:
        key = "df_" + need.replace("-", "_") if new or "duckdb" in step.driver else "df"
        log.event("inputs_resolved", step_id=step.id, from_step=need, key=key, rows=ROWS, from_memory=True)


def _log_failure(log: _Log, step: _Step, case: ErrorText, guilty: str, error: str) -> None:
    if "supabase" in step.driver:
        table = _config(step, case, guilty).get("table", "t")
        log.event("write.start", step_id=step.id, table=table, mode="insert", rows=ROWS, batch_size=100)
    log.lines(case)
    log.extras(case, step.id)
    if case.text.startswith("Supabase write failed: "):
        log.event("write.error", step_id=step.id, error=case.text.removeprefix("Supabase write failed: "))
    log.line("osiris.core.runner_v0", "ERROR", f"Step {step.id} execution failed: {error}")
    log.event("step_error", step_id=step.id, driver=step.driver, duration=0.057, error=error)
    log.event("run_error", step_id=step.id, message="Step execution failed")


def _log_end(log: _Log, count: int, done: int, error: str) -> None:
    session = {"session_id": log.session}
    details = {
        "event": "error",
        "error_code": "system.error",
        "category": "system",
        "message": error,
        "source": "local",
    }
    log.event("cleanup_complete", steps_executed=count, total_rows=0)
    log.event("execution_error_mapped", error_details=details)
    log.event(
        "execute_error", adapter="local", success=False, duration=0.138, steps_executed=done, error=error
    )
    log.event("adapter_execute_complete", success=False, **session)
    log.event("adapter_collect_start", **session)
    log.event("collect_start", adapter="local", **session)
    collected = {"adapter": "local", **session}
    log.event("collect_complete", adapter="local", artifacts_collected=4, metadata=collected)
    log.event("adapter_collect_complete", **session)
    log.event("run_error", phase="execute", error=error, duration=0.31)
    log.event("run_end", duration_seconds=0.35, end_time=log.at.isoformat())


def _write_native(case: ErrorText, steps: Sequence[_Step], guilty: str, folder: Path) -> Path:
    began = datetime(2026, 11, 28, 22, 53, 46, 28443, tzinfo=UTC)
    session = f"run_{int(began.timestamp() * 1000)}"
    run = folder / session
    log = _Log(began, session)
    _log_native_start(log, case, steps)
    done = next(number for number, step in enumerate(steps) if step.id == guilty)
    for number, step in enumerate(steps):
        if number > done:
            log.event("step_skipped", side="host", step_id=step.id, because=guilty, driver=step.driver)
            continue
        _log_native_step(log, step, case, guilty)
        cleaned = _without(_config(step, case, guilty), "component", "mode")
        _dump(run / layout.cleaned_config_path(step.id), cleaned)
    failed = {"error": f"step {guilty!r} failed", "steps_completed": done, "steps_total": len(steps)}
    log.event("cleanup_complete", side="worker", frames_let_go=[step.id for step in steps[:done]])
    log.event("artifact_created", side="host", artifact_type="run_card", path=layout.RUN_CARD)
    log.event("run_error", side="host", **failed, duration_s=1.42)
    log.event("run_end", side="host", status="failed", last_seq=len(log.events), duration_s=1.42)
    _write_lines(
        run / layout.EVENTS,
        [{"ts": event.pop("ts"), "seq": seq, **event} for seq, event in enumerate(log.events)],
    )
    rows_out = {"ts": log.at.isoformat(), "metric": "rows_out", "value": ROWS}
    _write_lines(run / layout.METRICS, [{**rows_out, "tags": {"step": step.id}} for step in steps[:done]])
    entries = (entry.removeprefix("debug|").split("|", 2) for entry in case.text_log)
    _write_text(
        run / layout.WORKER_LOG, [f"{level} {logger}: {message}" for logger, level, message in entries]
    )
    (run / layout.MANIFEST).write_text(_manifest(steps, native=True))
    for step in steps:
        _dump(run / layout.config_path(step.id), _config(step, case, guilty))
    components = {step.driver: _component(step, _config(step, case, guilty)) for step in steps}
    _dump(run / "artifacts/_system/components.json", {"components": components})
    cards = [_card(step, number - done, case.text, guilty) for number, step in enumerate(steps)]
    _dump(run / layout.RUN_CARD, {"mode": "local", "isolation": "none", "steps": cards})
    status = {
        "run_id": session,
        "pipeline": "nightly",
        "status": "failed",
        "ok": False,
        "exit_code": 1,
        "steps_completed": done,
        "steps_total": len(steps),
        "steps_failed": [guilty],
        "steps_skipped": {step.id: guilty for step in steps[done + 1 :]},
        "reason": f"step {guilty!r} failed",
    }
    _dump(run / layout.STATUS, status)
    return run


def _log_native_start(log: _Log, case: ErrorText, steps: Sequence[_Step]) -> None:
    settings = {
        key: {"value": value, "origin": "default", "variable": name}
        for key, (value, name) in SETTINGS.items()
    }
    plan = [
        {
            "step_id": step.id,
            "driver": step.driver,
            "needs": step.needs,
            "inputs": {"df": {"from_step": step.needs[0], "key": "df"}} if step.needs else {},
            "file": "nightly.yaml",
            "line": 4 + 6 * number,
        }
        for number, step in enumerate(steps)
    ]
    drivers = sorted({step.driver for step in steps})
    fingerprint = "sha256:" + hashlib.sha256(case.id.encode()).hexdigest()
    log.event(
        "run_start",
        side="host",
        run_id=log.session,
        pipeline="nightly",
        mode="local",
        manifest_path="manifest.yaml",
        settings=settings,
        locked=True,
    )
    log.event(
        "plan", side="host", pipeline="nightly", file="nightly.yaml", fingerprint=fingerprint, steps=plan
    )
    log.event("environment", side="host", **ENVIRONMENT)
    log.event("worker_started", side="host", mode="local", isolation="none")
    log.event("environment", side="worker", **ENVIRONMENT)
    for driver in drivers:
        log.event("driver_registered", side="worker", driver=driver, status="success")
    log.event("session_initialized", side="worker", run_id=log.session, drivers_loaded=drivers)


def _log_native_step(log: _Log, step: _Step, case: ErrorText, guilty: str) -> None:
    of_step = {"side": "worker", "step_id": step.id}
    cfg, cleaned = f"cfg/{step.id}.json", f"artifacts/{step.id}/cleaned_config.json"
    log.event("cfg_opened", **of_step, path=cfg, keys=sorted(_config(step, case, guilty)))
    for need in step.needs:
        log.event(
            "inputs_resolved",
            **of_step,
            name="df",
            from_step=need,
            key="df",
            rows=ROWS,
            from_memory=True,
            tried=[{"place": "memory", "outcome": "found", "reason": "in memory"}],
            schema_hash="00267c9ae00586d2",
        )
    log.event("step_start", **of_step, driver=step.driver)
    log.event("artifact_created", **of_step, artifact_type="cleaned_config", path=cleaned)
    if step.id == guilty:
        _log_native_failure(log, step, case)
        return
    log.event("rows_out", **of_step, value=ROWS)
    log.event(
        "output_stored",
        **of_step,
        rows=ROWS,
        columns=["order_id", "amount", "day"] if "duckdb" in case.driver else ["id", "sku", "qty"],
        dtypes=["int64", "str", "str"],
        storage="memory",
        reason="fits in memory",
        memory_bytes=8822,
        spill_bytes=0,
        parquet=None,
        schema=None,
        fingerprint="4e732c8dcc2384ee014fd8d6777cd1e2",
        schema_hash="00267c9ae00586d2",
        keys={"df": "DataFrame"},
    )
    log.event(
        "step_complete",
        **of_step,
        rows_processed=ROWS,
        storage="memory",
        driver=step.driver,
        duration_ms=31.5,
    )


def _log_native_failure(log: _Log, step: _Step, case: ErrorText) -> None:
    log.extras(case, step.id, side="worker")
    log.lines(case)
    traceback = (
        f'Traceback (most recent call last):\n  File "/srv/drivers/driver.py", line 88, in run\n'
        f"    result = self._run(config, inputs)\n{case.error_type}: {case.text}\n"
    )
    log.event(
        "step_failed",
        side="worker",
        step_id=step.id,
        driver=step.driver,
        error=case.text,
        error_type=case.error_type,
        causes=case.causes,
        traceback=case.traceback or traceback,
        duration_ms=57.2,
    )


def _component(step: _Step, config: Mapping[str, Any]) -> dict[str, Any]:
    writes = "load" in step.id or "write" in step.id
    module = "osiris_inspect.runtime.drivers" if step.driver.startswith("filesystem.") else "acme_drivers"
    return {
        "name": step.driver,
        "summary": step.driver,
        "driver": f"{module}.{step.driver.split('.')[1]}:Driver",
        "modes": ["write" if writes else "transform" if step.needs else "read"],
        "keys": [_key(name) for name in _without(config, "component", "mode")],
    }


def _key(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "text",
        "says": name,
        "required": False,
        "default": None,
        "choices": [],
        "secret": False,
        "lowest": None,
        "required_when": None,
        "without_effect": False,
        "form": None,
    }


def _card(step: _Step, after_guilty: int, text: str, guilty: str) -> dict[str, Any]:
    succeeded, failed, skipped = after_guilty < 0, after_guilty == 0, after_guilty > 0
    return {
        "step_id": step.id,
        "driver": step.driver,
        "status": "succeeded" if succeeded else "failed" if failed else "skipped",
        "has_df_in_memory": True if succeeded else None,
        "spill_used": None,
        "spill_paths": None,
        "rows_in": None,
        "rows_out": ROWS if succeeded else None,
        "duration_ms": None,
        "memory_bytes": None,
        "spill_bytes": None,
        "inputs": [],
        "error": text if failed else None,
        "skipped_because": guilty if skipped else None,
    }


def _dump(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _write_lines(path: Path, values: Iterable[Any]) -> None:
    _write_text(path, [json.dumps(value, ensure_ascii=False) for value in values])


def _write_text(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
