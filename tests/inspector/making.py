"""Run directories made for a test, in the dialects of the field."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Line = Mapping[str, Any] | bytes
CHAIN = (("extract", "mysql.extractor", []), ("stats", "duckdb.processor", ["extract"]))
NONETYPE = (
    'DuckDB transformation failed: Invalid Input Error: Python Object "input_df" of type "NoneType" found'
)


def run_dir(
    folder: Path,
    events: Iterable[Line] | None = (),
    *,
    metrics: Iterable[Line] = (),
    steps: Iterable[tuple[str, str, list[str]]] = (),
    files: Mapping[str, Any] | None = None,
    name: str = "run_1759170586030",
) -> Path:
    """A run directory with these lines, a manifest of these steps and these other files (text, bytes or JSON)."""
    run = folder / name
    run.mkdir(parents=True, exist_ok=True)
    if events is not None:
        (run / "events.jsonl").write_bytes(b"".join(map(_line, events)))
    if metrics:
        (run / "metrics.jsonl").write_bytes(b"".join(map(_line, metrics)))
    planned = [{"id": step, "driver": driver, "needs": needs} for step, driver, needs in steps]
    if planned:
        (run / "manifest.yaml").write_text(json.dumps({"name": "demo", "steps": planned}))
    for file, content in (files or {}).items():
        target = run / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else _text(content).encode())
    return run


def local(event: str, ts: int = 0, **fields: Any) -> dict[str, Any]:
    """A line as the original's local runs write it."""
    return {"ts": f"2026-01-01T00:00:{ts:02d}+00:00", "session": "s", "event": event, **fields}


def worker(event: str, ts: float = 0, **fields: Any) -> dict[str, Any]:
    """A line as the original's worker writes it."""
    return {"type": "event", "name": event, "timestamp": 1.7e9 + ts, "data": fields}


def native(event: str, seq: int = 0, **fields: Any) -> dict[str, Any]:
    """A line as our own runtime writes it."""
    ts = f"2026-01-01T00:00:{seq:02d}.000000+00:00"
    return {"ts": ts, "seq": seq, "session": "s", "event": event, **fields}


def document(event: str, **fields: Any) -> dict[str, Any]:
    """A line as the original documents show it: flat, without a time."""
    return {"event": event, **fields}


def failing_locally(error: str, driver: str = "mysql.extractor") -> list[dict[str, Any]]:
    """A local run whose first step fails with an error."""
    return [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id="extract", driver=driver),
        local("step_error", 2, step_id="extract", driver=driver, error=error),
        local("run_error", 3, phase="execute", error=error),
        local("run_end", 4, duration_seconds=4.0),
    ]


def succeeding_locally() -> list[dict[str, Any]]:
    """A local run of two steps that goes well."""
    return [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id="extract", driver="mysql.extractor"),
        local("step_complete", 3, step_id="extract", driver="mysql.extractor", duration=2.0),
        local("step_start", 4, step_id="stats", driver="duckdb.processor"),
        local(
            "inputs_resolved", 5, step_id="stats", from_step="extract", key="df", rows=14, from_memory=True
        ),
        local("step_complete", 6, step_id="stats", driver="duckdb.processor", duration=2.0),
        local("run_complete", 7, steps_executed=2),
        local("run_end", 8, duration_seconds=8.0),
    ]


def _line(line: Line) -> bytes:
    return line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, indent=2)
