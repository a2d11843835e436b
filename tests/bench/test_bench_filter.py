"""Filters and SQL on any field of a long log, beside DuckDB on the same file, a loop in Python and jq. ``pytest -m bench -s``.

CPU of the question alone, in processes of their own, turn by turn; ratios are of the least of each. The index exists, as after
a run was opened; the first question includes keeping the column. ``OSIRIS_BENCH_FILTER_EVENTS`` sets the number (1,000,000).
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.shared.data_source import LocalDataSource
from tests.bench import filter_measured
from tests.bench.test_bench_reading import REPOSITORY, write_log
from tests.tui.conftest import Stage
from tests.tui.made import Shelf
from tests.tui.test_keys import lines

pytestmark = pytest.mark.bench
EVENTS = int(os.environ.get("OSIRIS_BENCH_FILTER_EVENTS", "1_000_000"))
ROUNDS = 3
TIMEOUT_S = 60 + EVENTS / 10_000
"""For one question in a process of its own, on a loaded machine."""
FILTERS = {
    "rows=77777": "'rows': 'BIGINT'|rows = 77777",
    "rows>99998": "'rows': 'BIGINT'|rows > 99998",
    "rss_bytes=100077777": "'rss_bytes': 'BIGINT'|rss_bytes = 100077777",
    "python=3.11.8": "'python': 'VARCHAR'|python = '3.11.8'",
    "note~nowhere": "'note': 'VARCHAR'|note ILIKE '%nowhere%'",
    "duration_ms>325.6": "'duration_ms': 'DOUBLE'|duration_ms > 325.6",
}
QUERIES = {
    "SELECT count(*) FROM events WHERE rows = 77777": "'rows': 'BIGINT'|rows = 77777",
    "SELECT count(*) FROM events WHERE (fields->>'rss_bytes')::BIGINT = 100077777": "'rss_bytes': 'BIGINT'|rss_bytes = 100077777",
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("filters")
    path = folder / "run_1795330491986" / "events.jsonl"
    path.parent.mkdir()
    write_log(path, EVENTS)
    yield path
    shutil.rmtree(folder)


def measured(task: str, log: Path, cache: Path, question: str) -> dict[str, float]:
    command = [sys.executable, "-m", filter_measured.__name__, task, str(log), str(cache), question]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    costs: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return costs


@pytest.mark.parametrize(
    ("task", "question"), [*(("events", text) for text in FILTERS), *(("sql", text) for text in QUERIES)]
)
def test_question_beside_duckdb(task: str, question: str, log: Path, tmp_path: Path) -> None:
    measured("events", log, tmp_path, "event=nowhere")  # makes the index
    costs: dict[str, list[dict[str, float]]] = {"peer": [], "first": [], "second": []}
    for _ in range(ROUNDS):
        shutil.rmtree(tmp_path / "columns", ignore_errors=True)
        costs["peer"].append(measured("peer", log, tmp_path, (FILTERS | QUERIES)[question]))
        costs["first"].append(measured(task, log, tmp_path, question))
        costs["second"].append(measured(task, log, tmp_path, question))
    assert len({cost["count"] for rounds in costs.values() for cost in rounds}) == 1
    peer, first, second = (min(cost["cpu"] for cost in rounds) for rounds in costs.values())
    memory, wait = (max(cost[name] for cost in costs["first"]) for name in ("memory", "longest_wait"))
    print(
        f"\n{question:<80} DuckDB {peer:5.2f} s, ours first {first / peer:4.2f}x, second {1e9 * second / EVENTS:4.0f} ms"
        f" per 1M, {memory:3.0f} MB, longest wait {1e3 * wait:3.0f} ms"
    )


def test_filter_beside_loop_and_jq(log: Path, tmp_path: Path) -> None:
    measured("events", log, tmp_path, "event=nowhere")
    ours = measured("events", log, tmp_path, "rows=77777")["cpu"]
    loop = measured("loop", log, tmp_path, "rows=77777")["cpu"]
    print(f"\nrows=77777: ours {ours:.2f} s, a loop {loop / ours:.1f}x")
    if shutil.which("jq") is not None:
        before = os.times()
        command = ["jq", "-c", "select(.rows == 77777)", str(log)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)
        print(f"jq {(os.times().children_user - before.children_user) / ours:.1f}x")


async def test_key_while_a_filter_runs(log: Path, tmp_path: Path) -> None:
    """A key waits as long as the loop of the viewer does; CPU tells that from the load of the machine."""
    measured("events", log, tmp_path, "event=nowhere")
    app = InspectorApp(log.parent, LocalDataSource(tmp_path), clock=time.time)
    async with app.run_test(size=(120, 40)) as pilot:
        stage = Stage(app, pilot, Shelf())
        await stage.settle()
        await stage.press("3")
        for question in (*FILTERS, *FILTERS):
            lines(stage).set_filter(question)
            search = asyncio.ensure_future(app.workers.wait_for_complete())
            waits = []
            while not search.done():
                begin, before = time.perf_counter(), time.process_time()
                await asyncio.sleep(0.001)
                waits.append((time.perf_counter() - begin - 0.001, time.process_time() - before))
            longest, used = (1e3 * max(wait[number] for wait in waits) for number in (0, 1))
            print(f"\n{question:<30} longest wait {longest:4.0f} ms, CPU meanwhile at most {used:3.0f} ms")
