"""Cost of storing frames, side by side with plain pandas and DuckDB: ``pytest -m bench -s tests/bench/test_bench_frames.py``.

Each figure is the median of processes of their own, in turns. No time is asserted: machines differ; ratios are printed.
``BENCH_ROWS=10000000`` measures a large frame (needs 5 GB of memory and 3 GB of disk).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.bench.pairs import print_row

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
ROUNDS = 3
REPOSITORY = Path(__file__).parents[2]


def measured(task: str, folder: Path, rows: int = ROWS) -> dict[str, Any]:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.bench.frames_measured", task, str(rows), str(folder)]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1800, check=False)
    assert found.returncode == 0, found.stderr
    for path in (*folder.rglob("*.parquet"), *folder.rglob("*.csv")):
        path.unlink()
    return dict(json.loads(found.stdout))


def rounds(tasks: tuple[str, ...], folder: Path) -> dict[str, dict[str, float]]:
    """The medians of each task, measured in turns."""
    found: dict[str, list[dict[str, Any]]] = {task: [] for task in tasks}
    for number in range(ROUNDS):
        for task in tasks:
            found[task].append(measured(task, folder / f"{task}{number}"))
    return {task: {key: median(one[key] for one in all_) for key in all_[0]} for task, all_ in found.items()}


def test_spill_beside_to_parquet(tmp_path: Path) -> None:
    found = rounds(("spill", "to_parquet"), tmp_path)
    ours, peer = found["spill"], found["to_parquet"]
    what = f"spill a frame of {ROWS:,} rows ({ours['frame_mb']:.0f} MB)"
    print_row(f"{what}, CPU", ours["cpu_s"], "pandas to_parquet", peer["cpu_s"])
    print_row(f"{what}, memory", ours["extra_peak_mb"], "pandas to_parquet", peer["extra_peak_mb"], "MB")
    print(f"file {ours['file_mb']:.0f} MB, theirs {peer['file_mb']:.0f} MB")


@pytest.mark.parametrize(
    ("task", "peer", "name"),
    [
        ("parquet_step", "parquet_duckdb", "DuckDB's COPY with the same compression"),
        ("csv_step", "csv_arrow", "pyarrow.csv"),
    ],
)
def test_written_file_beside_its_peer(tmp_path: Path, task: str, peer: str, name: str) -> None:
    found = rounds((task, peer), tmp_path)
    ours, its = found[task], found[peer]
    print_row(f"{task} of {ROWS:,} rows, CPU", ours["cpu_s"], name, its["cpu_s"])
    print_row("the same, time", ours["wall_s"], name, its["wall_s"])
    print_row("the same, size of the file", ours["file_mb"], name, its["file_mb"], "MB")


def test_sql_over_spilled_frame_beside_duckdb(tmp_path: Path) -> None:
    found = rounds(("sql_spill", "sql_plain_parquet", "sql_read_back", "sql_pandas"), tmp_path)
    ours = found.pop("sql_spill")
    for name, peer in (
        ("sql_plain_parquet", "DuckDB over the file of to_parquet"),
        ("sql_read_back", "read_parquet, then DuckDB"),
        ("sql_pandas", "DuckDB over the DataFrame in memory"),
    ):
        print_row(f"SQL step over {ROWS:,} spilled rows", ours["wall_s"], peer, found[name]["wall_s"])
        print_row("the same, CPU", ours["cpu_s"], peer, found[name]["cpu_s"])
        print_row("the same, memory", ours["peak_mb"], peer, found[name]["peak_mb"], "MB")
        assert ours["groups"] == found[name]["groups"]


def test_checks_beside_duckdb(tmp_path: Path) -> None:
    tasks = ("checks_memory", "checks_pandas", "checks_spill", "checks_plain_parquet")
    found = rounds(tasks, tmp_path)
    for ours, theirs, peer in (
        ("checks_memory", "checks_pandas", "DuckDB over the DataFrame in memory"),
        ("checks_spill", "checks_plain_parquet", "DuckDB over the file of to_parquet"),
    ):
        print_row(
            f"10 checks of {ROWS:,} rows ({ours})", found[ours]["wall_s"], peer, found[theirs]["wall_s"]
        )
        print_row("the same, CPU", found[ours]["cpu_s"], peer, found[theirs]["cpu_s"])
        print_row(
            "the same, memory", found[ours]["extra_peak_mb"], peer, found[theirs]["extra_peak_mb"], "MB"
        )


def test_other_ways_of_a_frame_beside_plain_pandas(tmp_path: Path) -> None:
    tasks = ("read_parquet", "restore", "drop", "half_pandas", "half_spill")
    found = {task: measured(task, tmp_path / task) for task in tasks}
    restored, read, drop = found["restore"], found["read_parquet"], found["drop"]
    print_row("read a spilled frame, CPU", restored["cpu_s"], "pandas read_parquet", read["cpu_s"])
    print_row(
        "the same, memory", restored["extra_peak_mb"], "pandas read_parquet", read["extra_peak_mb"], "MB"
    )
    half = found["half_spill"]["wall_s"]
    print_row("SQL over half of it", half, "DuckDB over the DataFrame", found["half_pandas"]["wall_s"])
    print(f"memory after the spill {drop['held_mb']:.0f} MB, before the frame {drop['base_mb']:.0f} MB")
    assert restored["rows"] == read["rows"] == ROWS
    assert found["half_spill"]["groups"] == found["half_pandas"]["groups"]


def test_a_hundred_steps_of_a_million_rows_fit_in_a_budget(tmp_path: Path) -> None:
    found = measured("hundred_steps", tmp_path / "hundred", 1_000_000)
    print(
        f"\n100 steps x 1,000,000 rows, budget 500 MB: {found['rss_mb']:.0f} MB held at most after a step, "
        f"{found['peak_mb']:.0f} MB peak, {found['wall_s']:.0f} s"
    )
    assert found["rss_mb"] > 0
