"""Cost of comparing two frames of 12 columns beside a scan of both: ``pytest -m bench -s tests/bench/test_bench_diff.py``.

``BENCH_ROWS=10000000`` measures the size for which the limits were set. Each task is a process of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.pairs import print_row

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
MAX_PEAK_MB = 700
REPOSITORY = Path(__file__).parents[2]


def measured(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.diff_measured", *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)) if done.stdout else {}


def test_diff_beside_scan(tmp_path: Path) -> None:
    files = str(tmp_path / "left.parquet"), str(tmp_path / "right.parquet")
    moved = files[0], str(tmp_path / "moved.parquet")
    measured("make", *files, str(ROWS))
    measured("move", files[1], moved[1])
    peer = measured("scan", *files)
    assert peer["result"] == 2 * ROWS
    changed = ROWS // 1000
    for name, task, pair, expected in (
        ("position", "position", files, changed),
        ("key", "key", files, changed),
        ("key in another order", "key", moved, changed),
        ("rows", "rows", files, 2 * changed),
    ):
        ours = measured(task, *pair)
        print_row(f"diff of 2 x {ROWS:,} rows by {name}, CPU", ours["cpu_s"], "DuckDB scan", peer["cpu_s"])
        print_row(
            f"diff of 2 x {ROWS:,} rows by {name}, memory",
            ours["peak_mb"],
            "DuckDB scan",
            peer["peak_mb"],
            "MB",
        )
        assert ours["result"] == expected
        assert ours["peak_mb"] < MAX_PEAK_MB
