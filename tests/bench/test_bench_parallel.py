"""Steps at the same time: ``pytest -m bench -s tests/bench/test_bench_parallel.py``.

Four steps that wait for 3 seconds with ``--jobs 4``, beside a run of one such step: from the first ``step_start`` to the
last ``step_complete`` (goal: at most 1.35 times), and the whole run with the start of its workers (at most 1.7 times).
"""

import statistics
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.runtime.runs import NAMES, events_of, make_run

pytestmark = pytest.mark.bench
ROUNDS = 3
SECONDS = 3


def _pipeline(count: int) -> str:
    steps = (
        f'  - {{id: s{number}, component: test.faulty, config: {{do: wait, times: "{SECONDS}"}}}}\n'
        for number in range(count)
    )
    return 'oml_version: "0.1.0"\nname: waits\nsteps:\n' + "".join(steps)


def _measure(folder: Path, on: str, count: int) -> tuple[float, float]:
    """Return the seconds between the first start and the last end of a step, and of the whole run."""
    started = time.monotonic()
    run = make_run(folder, on, text=_pipeline(count), jobs=count)
    whole = time.monotonic() - started
    assert run.status == "success"
    times: dict[str, list[float]] = {"step_start": [], "step_complete": []}
    for event in events_of(run.path):
        if event["event"] in times:
            times[event["event"]].append(datetime.fromisoformat(event["ts"]).timestamp())
    return max(times["step_complete"]) - min(times["step_start"]), whole


@pytest.mark.parametrize("on", [name for name in NAMES if name != "local"])
def test_four_waiting_steps_beside_one(tmp_path: Path, on: str) -> None:
    ratios = []
    for number in range(ROUNDS):
        one = _measure(tmp_path / f"one{number}", on, 1)
        four = _measure(tmp_path / f"four{number}", on, 4)
        ratios.append((four[0] / one[0], four[1] / one[1]))
    steps, whole = (statistics.median(values) for values in zip(*ratios, strict=True))
    print(f"\n{on}: steps {steps:.2f} (goal 1.35), whole run {whole:.2f} (goal 1.7)")
