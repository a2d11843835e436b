"""What keeping frames costs, beside plain pandas. ``pytest -m bench -s tests/bench/test_bench_frames.py`` prints the table.

Each figure comes from a process of its own. Nothing is asserted about time: machines differ; ratios are printed.
``BENCH_ROWS=10000000`` measures the large frame (needs 5 GB of memory and 3 GB of disk).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
REPOSITORY = Path(__file__).parents[2]


def measured(task: str, folder: Path, rows: int = ROWS) -> dict[str, Any]:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.bench.frames_measured", task, str(rows), str(folder)]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1800, check=False)
    assert found.returncode == 0, found.stderr
    for path in folder.rglob("*.parquet"):
        path.unlink()
    return dict(json.loads(found.stdout))


def test_keeping_a_frame_beside_plain_pandas(tmp_path: Path) -> None:
    tasks = (
        "to_parquet",
        "spill",
        "read_parquet",
        "restore",
        "drop",
        "sql_pandas",
        "sql_read_back",
        "sql_spill",
        "half_pandas",
        "half_spill",
    )
    found = {task: measured(task, tmp_path / task) for task in tasks}
    print("\n" + table(found))
    assert found["restore"]["rows"] == found["read_parquet"]["rows"] == ROWS
    assert found["sql_spill"]["groups"] == found["sql_pandas"]["groups"]
    assert found["half_spill"]["groups"] == found["half_pandas"]["groups"]


def table(found: dict[str, dict[str, Any]]) -> str:
    pairs = [
        ("write: CPU s", "spill", "to_parquet", "cpu_s"),
        ("write: extra peak MB", "spill", "to_parquet", "extra_peak_mb"),
        ("write: file MB", "spill", "to_parquet", "file_mb"),
        ("read: CPU s", "restore", "read_parquet", "cpu_s"),
        ("read: extra peak MB", "restore", "read_parquet", "extra_peak_mb"),
        ("SQL: wall s", "sql_spill", "sql_pandas", "wall_s"),
        ("SQL: CPU s", "sql_spill", "sql_pandas", "cpu_s"),
        ("SQL: peak of the process MB", "sql_spill", "sql_pandas", "peak_mb"),
        ("SQL beside read back: wall s", "sql_spill", "sql_read_back", "wall_s"),
        ("SQL over half: wall s", "half_spill", "half_pandas", "wall_s"),
    ]
    lines = [f"{ROWS:,} rows, {found['spill']['frame_mb']:.0f} MB   {'ours':>10} {'pandas':>10} {'ratio':>7}"]
    for title, ours, theirs, key in pairs:
        mine, other = found[ours][key], found[theirs][key]
        lines.append(f"{title:28} {mine:10.2f} {other:10.2f} {mine / other:7.2f}")
    drop = found["drop"]
    lines.append(f"{'held after the drop: MB':28} {drop['held_mb']:10.0f} {drop['base_mb']:10.0f} (before)")
    return "\n".join(lines)


def test_a_hundred_steps_of_a_million_rows_fit_in_a_budget(tmp_path: Path) -> None:
    found = measured("hundred_steps", tmp_path / "hundred", 1_000_000)
    print(
        f"\n100 steps x 1,000,000 rows, budget 500 MB: {found['rss_mb']:.0f} MB held at most after a step, "
        f"{found['peak_mb']:.0f} MB peak, {found['wall_s']:.0f} s"
    )
    assert found["rss_mb"] > 0
