"""A run of many steps, and many runs at once. ``pytest -m bench -s tests/bench/test_bench_scale.py``.

CPU seconds and the largest memory of ``osiris-inspect summarize`` in a process of its own. ``OSIRIS_BENCH_STEPS`` and
``OSIRIS_BENCH_RUNS`` set the numbers.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.inspector.making import native, run_dir
from tests.samples import SAMPLES

pytestmark = pytest.mark.bench

STEPS = int(os.environ.get("OSIRIS_BENCH_STEPS", "10000"))
RUNS = int(os.environ.get("OSIRIS_BENCH_RUNS", "5000"))
MAX_SECONDS = 5.0
MAX_MEGABYTES = 150
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
assert code in (0, 1), code
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""
"""Starts a command from a small process: its largest memory is never less than that of the process that starts it."""
CHAIN = 10
"""Steps that follow each other; the chains are independent."""


def test_run_of_many_steps(tmp_path: Path) -> None:
    path = run_dir(tmp_path, _events(), steps=_steps())
    seconds, megabytes = _summarized(path)
    print(f"\n{STEPS:,} steps: {seconds:.1f} s of CPU, {megabytes:.0f} MB")
    assert seconds <= MAX_SECONDS


def test_many_runs(tmp_path: Path) -> None:
    samples = sorted(SAMPLES.glob("*/run_*"))
    for number in range(RUNS):
        shutil.copytree(samples[number % len(samples)], tmp_path / f"run_{1759170000000 + number}")
    seconds, megabytes = _summarized(tmp_path)
    print(f"\n{RUNS:,} runs: {seconds:.1f} s of CPU, {megabytes:.0f} MB")
    assert megabytes <= MAX_MEGABYTES


def _summarized(path: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "osiris_inspect", "summarize", str(path)]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], stdout=subprocess.PIPE, text=True, check=True
    )
    seconds, kilobytes = measured.stdout.split()
    return float(seconds), int(kilobytes) / 1024


def _steps() -> list[tuple[str, str, list[str]]]:
    return [
        (f"step-{number:05d}", "duckdb.processor", [f"step-{number - 1:05d}"] if number % CHAIN else [])
        for number in range(STEPS)
    ]


def _events() -> Iterator[dict[str, Any]]:
    """Yield the events of a run whose last step fails."""
    yield native("run_start")
    for number, (step, driver, needs) in enumerate(_steps(), start=1):
        if needs:
            yield _at(
                number, "inputs_resolved", step, name="df", from_step=needs[0], from_memory=True, rows=9
            )
        yield _at(number, "step_start", step, driver=driver)
        if number == STEPS:
            yield _at(number, "step_failed", step, error="Connection refused: localhost:5432")
        else:
            yield _at(number, "output_stored", step, storage="memory", rows=9)
            yield _at(number, "step_complete", step, duration_ms=5)
    yield {**native("run_end"), "status": "failed"}


def _at(number: int, event: str, step: str, **fields: Any) -> dict[str, Any]:
    line = {**native(event), **fields, "step_id": step}
    del line["seq"]
    return line | {
        "ts": f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000000+00:00"
    }
