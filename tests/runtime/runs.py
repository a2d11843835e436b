"""Runs made for tests by the real runtime, and what stays of their logs when place and time are taken out."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from osiris_inspect.runtime import settings
from osiris_inspect.runtime.proxy import Order, Outcome, run
from osiris_inspect.runtime.transport import Transport
from osiris_inspect.runtime.transport.in_process import InProcess
from osiris_inspect.runtime.transport.stdio import Stdio
from tests.runtime.pipelines import STATS, compiled, with_movies

TRANSPORTS: Mapping[str, Callable[[], Transport]] = {
    "local": lambda: InProcess(os.environ, time.time),
    "sandbox": lambda: Stdio(os.environ),
}

_OF_TIME_AND_PLACE = {
    "ts", "session", "run_id", "duration_ms", "duration_s", "ms", "mode", "isolation", "variables",
    "disk_free_bytes", "traceback",
}  # fmt: skip


def make_run(
    folder: Path,
    on: str = "local",
    *,
    text: str = STATS,
    env: Mapping[str, str] | None = None,
    fail_fast: bool = False,
) -> Outcome:
    """A pipeline over movies.csv, run for real in ``folder``."""
    base = with_movies(folder)
    order = Order(
        compiled(text), settings.read(env or {}), folder / "logs", base, time.time, fail_fast=fail_fast
    )
    return run(order, TRANSPORTS[on]())


def events_of(path: Path) -> list[dict[str, Any]]:
    """The events of a run as they stand in its file."""
    return [orjson.loads(line) for line in (path / "events.jsonl").read_bytes().splitlines()]


def comparable(path: Path) -> list[dict[str, Any]]:
    """The events of a run without what differs between any two runs: times, places, the run's own name."""
    return [_without(event) for event in events_of(path) if event["event"] != "heartbeat"]


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in _OF_TIME_AND_PLACE}
    return [_without(item) for item in value] if isinstance(value, list) else value
