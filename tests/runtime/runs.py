"""Runs made for tests by the real runtime, and what stays of their logs when place and time are taken out."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.runtime import settings
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.proxy import RunRequest, RunResult, run
from osiris_inspect.runtime.sandbox.isolation import Level, unavailable_reason
from osiris_inspect.runtime.transport.in_process import InProcess
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.faulty import COMPONENTS, REPO
from tests.runtime.pipelines import STATS, with_movies

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPO)}
"""As it is, and the tests' own drivers can be imported."""

TRANSPORTS: Mapping[str, Callable[[], Transport]] = {
    "local": lambda: InProcess(os.environ, time.time),
    "sandbox": lambda: Stdio(ENVIRONMENT),
    "none": lambda: Stdio(ENVIRONMENT, "none"),
    "landlock": lambda: Stdio(ENVIRONMENT, "landlock"),
    "bwrap": lambda: Stdio(ENVIRONMENT, "bwrap"),
}
NAMES = ("local", "none", "landlock", "bwrap")
"""Every transport of this machine once."""

PHASES = ("run_start", "environment", "worker_started", "step_start", "cleanup_complete")
"""An event of each phase that a run goes through."""

_OF_TIME_AND_PLACE = {
    "ts", "mono", "session", "run_id", "duration_ms", "duration_s", "ms", "mode", "isolation", "variables",
    "disk_free_bytes", "traceback", "isolation_declined", "grants", "guarantees",
}  # fmt: skip


def make_run(
    folder: Path,
    on: str = "local",
    *,
    text: str = STATS,
    env: Mapping[str, str] | None = None,
    transport: Transport | None = None,
    **more: Any,
) -> RunResult:
    """A pipeline over movies.csv, run for real in ``folder``; ``more`` goes into the order."""
    needs(on)
    return run(order(folder, text=text, env=env, **more), transport or TRANSPORTS[on]())


def order(
    folder: Path, *, text: str = STATS, env: Mapping[str, str] | None = None, **more: Any
) -> RunRequest:
    """The order for such a run."""
    base = with_movies(folder)
    more = {"components": COMPONENTS, **more}
    compiled = compile_pipeline(text, "pipeline.yaml", more["components"])
    return RunRequest(compiled, settings.read(env or {}), folder / "logs", base, time.time, **more)


def needs(on: str) -> None:
    """Skip where a transport does not work here; where nothing may be missing, fail."""
    level: Level | None = "bwrap" if on == "bwrap" else "landlock" if on == "landlock" else None
    reason = unavailable_reason(level) if level else None
    if reason is not None:
        absent(reason)


def needs_program(name: str) -> None:
    """Skip without a program."""
    if shutil.which(name) is None:
        absent(f"there is no {name}")


def absent(reason: str) -> None:
    """Skip with a reason; where tests are to be complete (CI=true), fail."""
    if os.environ.get("CI") == "true" and "kernel" not in reason:
        pytest.fail(f"missing, and CI=true allows nothing to be missing: {reason}")
    pytest.skip(reason)


def faulty(do: str, **config: str) -> str:
    """A pipeline of two steps: one that goes wrong as told, and one that needs it."""
    more = "".join(f", {name}: {orjson.dumps(value).decode()}" for name, value in config.items())
    return (
        'oml_version: "0.1.0"\nname: faulty\nsteps:\n'
        "  - id: first\n    component: test.faulty\n"
        f"    config: {{do: {do}{more}}}\n"
        "  - id: second\n    component: duckdb.processor\n    needs: [first]\n"
        "    config: {query: SELECT count(*) AS n FROM input_df}\n"
    )


def events_of(path: Path) -> list[dict[str, Any]]:
    """The events of a run as they stand in its file."""
    return [orjson.loads(line) for line in (path / "events.jsonl").read_bytes().splitlines()]


def metrics_of(path: Path) -> list[dict[str, Any]]:
    """The metrics of a run as they stand in its file."""
    return [orjson.loads(line) for line in (path / "metrics.jsonl").read_bytes().splitlines()]


def status_of(path: Path) -> dict[str, Any]:
    """The verdict of a run."""
    status: dict[str, Any] = orjson.loads((path / "status.json").read_bytes())
    return status


def noticed_after(path: Path) -> float:
    """Seconds from the last thing the worker told to the failure the host wrote."""
    events = events_of(path)
    failed = next(event for event in events if event["event"] == "step_failed")
    told = [event for event in events if event["side"] == "worker" and event["seq"] < failed["seq"]]
    return (datetime.fromisoformat(failed["ts"]) - datetime.fromisoformat(told[-1]["ts"])).total_seconds()


def run_on_a_small_disk(
    folder: Path, code: str, environment: Mapping[str, str] | None = None
) -> tuple[Path, str]:
    """Run Python ``code`` with a folder of 600 kB in its first argument; gives the run it made there, and its words."""
    needs_program("unshare")
    small = folder / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=600k tmpfs {small}"
    script = f'{mount} && "$@"; code=$?; cp -r {small}/logs {folder}/kept; exit $code'
    command = ["unshare", "-Urm", "sh", "-c", script, "sh", sys.executable, "-c", code, str(small)]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"this kernel lets nobody mount: {done.stderr.strip()}")
    assert done.stdout, done.stderr
    (run,) = (folder / "kept").glob("run_*")
    return run, done.stdout


def comparable(path: Path) -> list[dict[str, Any]]:
    """The events of a run without what differs between any two runs: times, places, the run's own name."""
    return [_without(event) for event in events_of(path) if event["event"] != "heartbeat"]


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in _OF_TIME_AND_PLACE}
    return [_without(item) for item in value] if isinstance(value, list) else value
