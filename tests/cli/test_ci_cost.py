"""What ``summarize`` costs: how often a line is decoded, and how long a small run takes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.cli.inspect.summarize import load_reports
from osiris_inspect.model import jsonl
from tests.bench.pairs import side_by_side, told
from tests.inspector.making import native, run_dir

TIMES = 9
OURS = [sys.executable, "-m", "osiris_inspect"]


def run_of(folder: Path, events: int, name: str = "run_1759170586030") -> Path:
    """A run of one step with that many events."""
    between = [native("heartbeat", step_id="a", phase="run") for _ in range(events - 4)]
    told = [
        native("run_start", pipeline="p", mode="local"),
        native("step_start", step_id="a", driver="x.extractor"),
        *between,
        native("step_complete", step_id="a", driver="x.extractor", rows_processed=1),
        native("run_end", status="success"),
    ]
    return run_dir(folder, [event | {"seq": number} for number, event in enumerate(told)], name=name)


@pytest.mark.parametrize("count", [1, 10, 100])
def test_each_line_of_many_runs_is_decoded_at_most_once(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(count):
        run_of(tmp_path, 20, f"run_{1759170586030 + number}")
    decoded = []
    decode = jsonl.decode_object

    def counting(line: bytes) -> dict[str, Any]:
        decoded.append(line)
        return decode(line)

    monkeypatch.setattr(jsonl, "decode_object", counting)
    reports, _ = load_reports([tmp_path])
    assert len(reports) == count
    assert len(decoded) <= 20 * count


@pytest.mark.bench
def test_bench_a_run_of_300_events_beside_the_imports_that_any_command_needs(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "bench" not in request.config.getoption("-m"):
        pytest.skip("a benchmark; run with -m bench")
    run = run_of(tmp_path, 300)
    bare = tmp_path / "bare.py"
    bare.write_text("import typer\napp = typer.Typer()\n@app.command()\ndef f(p: str) -> None: ...\napp()\n")
    commands = {
        "import typer, orjson": [sys.executable, "-c", "import typer, orjson"],
        "a typer command that does nothing": [sys.executable, str(bare), "x"],
        "summarize": [*OURS, "summarize", str(run)],
        "summarize --format github": [*OURS, "summarize", str(run), "--format", "github"],
        "summarize, its words read by typer": [*OURS, "summarize", str(run), "--"],
    }
    print("\n" + told(side_by_side(commands, TIMES), "import typer, orjson"))


@pytest.mark.bench
def test_bench_500_runs_in_one_call(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "bench" not in request.config.getoption("-m"):
        pytest.skip("a benchmark; run with -m bench")
    for number in range(500):
        run_of(tmp_path, 300, f"run_{1759170586030 + number}")
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "osiris_inspect", "summarize", str(tmp_path), "--junit", os.devnull], check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    print(f"500 runs of 300 events: {time.perf_counter() - start:.1f} s")
