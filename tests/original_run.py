"""The run of the original documents, rebuilt: MySQL → DuckDB → Supabase, fine locally, dead in the sandbox.

What is known of it was written down by its authors: the three steps, the manifest, the commands the proxy sent, the
error text, and that ``artifacts/extract-movies/output.parquet`` never was. The rest follows the log format of that
version. The times are spread over the run's known beginning.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from osiris_inspect.model.event import format_timestamp

NAME = "run_1759170586030"
BEGAN_MS = 1759170586030
DRIVERS = ["duckdb.processor", "filesystem.csv_writer", "mysql.extractor", "supabase.writer"]
STEPS = (
    ("extract-movies", "mysql.extractor", []),
    ("compute-director-stats", "duckdb.processor", ["extract-movies"]),
    ("write-director-stats", "supabase.writer", ["compute-director-stats"]),
)
NONETYPE = (
    'DuckDB transformation failed: Invalid Input Error: Python Object "input_df" of type "NoneType" found on line '
    '"/home/user/osiris/drivers/duckdb_processor_driver.py:58" not suitable for replacement scans.\n'
    'Make sure that "input_df" is either a pandas.DataFrame, duckdb.DuckDBPyRelation, pyarrow Table, Dataset, '
    "RecordBatchReader, Scanner, or NumPy ndarrays with supported format"
)
NO_INPUT = "Step write-director-stats: SupabaseWriterDriver requires 'df' input"
CFG: dict[str, dict[str, Any]] = {
    "extract-movies": {
        "component": "mysql.extractor",
        "connection": "@mysql.db_movies",
        "mode": "extract",
        "query": "SELECT m.*, d.name AS director_name FROM movies m JOIN directors d ON d.id = m.director_id",
    },
    "compute-director-stats": {
        "component": "duckdb.processor",
        "mode": "transform",
        "query": "SELECT director_name, COUNT(*) AS movie_count FROM input_df GROUP BY director_name",
    },
    "write-director-stats": {
        "component": "supabase.writer",
        "connection": "@supabase.main",
        "mode": "write",
        "table": "director_stats",
        "write_mode": "replace",
        "primary_key": ["director_name"],
    },
}


def write(folder: Path) -> Path:
    """Write the run directory below ``folder``."""
    run = folder / NAME
    (run / "cfg").mkdir(parents=True)
    for step, config in CFG.items():
        (run / f"cfg/{step}.json").write_bytes(_pretty(config))
        cleaned = run / f"artifacts/{step}/cleaned_config.json"
        cleaned.parent.mkdir(parents=True)
        cleaned.write_bytes(_pretty({key: value for key, value in config.items() if key != "component"}))
    (run / "manifest.yaml").write_text(_manifest())
    (run / "commands.jsonl").write_bytes(b"".join(orjson.dumps(item) + b"\n" for item in _commands()))
    (run / "events.jsonl").write_text("".join(_lines()))
    (run / "metrics.jsonl").write_text("".join(_metrics()))
    (run / "status.json").write_bytes(_pretty(_status()))
    return run


def _manifest() -> str:
    steps = "".join(
        f"- cfg_path: cfg/{step}.json\n  driver: {driver}\n  id: {step}\n  needs: [{', '.join(needs)}]\n"
        for step, driver, needs in STEPS
    )
    return (
        "meta:\n  oml_version: 0.1.0\n  profile: default\n"
        "pipeline:\n  id: mysql-duckdb-supabase-demo\n  version: 0.1.0\nsteps:\n" + steps
    )


def _commands() -> Iterator[dict[str, Any]]:
    yield {"cmd": "ping", "data": "init"}
    yield {
        "cmd": "prepare",
        "session_id": NAME,
        "manifest": {"pipeline": {"id": "mysql-duckdb-supabase-demo"}},
    }
    for step, driver, needs in STEPS:
        inputs = {"df": {"from_step": needs[0], "key": "df"}} if needs else {}
        yield {
            "cmd": "exec_step",
            "step_id": step,
            "driver": driver,
            "cfg_path": f"cfg/{step}.json",
            "inputs": inputs,
        }
    yield {"cmd": "cleanup"}


def _host(ms: int, event: str, **fields: Any) -> str:
    line = {"ts": _ts(ms), "session": NAME, "event": event, **fields}
    return orjson.dumps(line).decode() + "\n"


def _worker(ms: int, event: str, **fields: Any) -> str:
    line = {"ts": _ts(ms), "session": NAME, "event": event, **fields}
    return _spaced(line) + "\n"


def _spaced(line: dict[str, Any]) -> str:
    """What the host forwarded from the sandbox has a space behind each separator; the host's own lines have none."""
    return json.dumps(line)


def _ts(ms: int) -> str:
    return format_timestamp((BEGAN_MS + ms) / 1000)


def _lines() -> Iterator[str]:
    yield _host(0, "run_start", session_id=NAME, session_dir=f"logs/{NAME}", fallback_used=False)
    yield _host(
        2, "run_start", pipeline="logs/compile_1759170381659/compiled/manifest.yaml", file_type="manifest", last_compile=True
    )  # fmt: skip
    yield _host(14, "adapter_selected", adapter="e2b", session_id=NAME)
    yield _host(20, "adapter_execute_start", session_id=NAME)
    for place, step in enumerate(CFG):
        yield _worker(
            31 + place, "cfg_materialized", path=f"cfg/{step}.json", size_bytes=312, sha256="0" * 64
        )
    yield _worker(9100, "dependency_check", required=["duckdb", "pandas", "pymysql", "supabase"], missing=[])
    for place, driver in enumerate(DRIVERS):
        yield _worker(9120 + place, "driver_registered", driver=driver, status="success")
    yield _worker(9130, "drivers_registered", drivers=DRIVERS)
    yield _worker(
        9131,
        "run_start",
        pipeline_id="mysql-duckdb-supabase-demo",
        manifest_path=f"session/{NAME}/manifest.json",
    )
    yield _worker(9132, "session_initialized", session_id=NAME, drivers_loaded=DRIVERS)
    yield from _opened(9140, "extract-movies", "mysql.extractor")
    yield _worker(
        9149, "connection_resolve_start", step_id="extract-movies", family="mysql", alias="db_movies"
    )
    yield _worker(
        9150,
        "connection_resolve_complete",
        step_id="extract-movies",
        family="mysql",
        alias="db_movies",
        ok=True,
    )
    yield _worker(10480, "step_complete", step_id="extract-movies", rows_processed=14, duration_ms=1338.6)
    yield from _opened(10490, "compute-director-stats", "duckdb.processor")
    yield _failed(10560, "compute-director-stats", "duckdb.processor", NONETYPE, "RuntimeError")
    yield from _opened(10570, "write-director-stats", "supabase.writer")
    yield _failed(10580, "write-director-stats", "supabase.writer", NO_INPUT, "ValueError")
    yield _worker(10590, "cleanup_start")
    yield _worker(10593, "cleanup_complete", steps_executed=1, total_rows=14)
    yield _host(11200, "adapter_execute_complete", success=False, session_id=NAME)
    yield _host(11210, "run_error", phase="execute", error="Pipeline execution failed", duration=11.21)
    yield _host(11230, "run_end", duration_seconds=11.23, end_time=_ts(11230))


def _opened(ms: int, step: str, driver: str) -> Iterator[str]:
    yield _worker(ms, "cfg_opened", path=f"cfg/{step}.json", sha256="0" * 64, keys=sorted(CFG[step]))
    yield _worker(ms + 2, "step_start", step_id=step, driver=driver)
    yield _worker(ms + 3, "artifacts_dir_created", step_id=step, relative_path=f"artifacts/{step}")
    yield _worker(
        ms + 5, "artifact_created", artifact_type="cleaned_config", path=f"artifacts/{step}/cleaned_config.json", step_id=step
    )  # fmt: skip


def _failed(ms: int, step: str, driver: str, error: str, kind: str) -> str:
    trace = f"Traceback (most recent call last):\n  …\n{kind}: {error}\n"
    return _worker(
        ms, "step_failed", step_id=step, driver=driver, error=error, error_type=kind, traceback=trace
    )


def _metrics() -> Iterator[str]:
    for ms, name, value in (
        (9133, "steps_total", 3),
        (10478, "rows_read", 14),
        (10481, "rows_processed", 14),
    ):
        tags = {} if name == "steps_total" else {"step_id": "extract-movies"}
        yield _spaced({"ts": _ts(ms), "session": NAME, "metric": name, "value": value, **tags}) + "\n"


def _status() -> dict[str, Any]:
    return {
        "sandbox_id": "e2b",
        "exit_code": 1,
        "steps_completed": 1,
        "steps_total": 3,
        "ok": False,
        "session_path": f"/home/user/session/{NAME}",
        "session_copied": True,
        "events_jsonl_exists": True,
        "reason": "Completed 1/3 steps",
    }


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
