"""Cost of reading CSV files beside pandas, with the delimiter sniffed and named: ``pytest -m bench -s tests/bench/test_bench_csv.py``.

Each figure is the median of rounds in turns. No time is asserted: machines differ; ratios are printed.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pytest

from tests.bench.pairs import print_row
from tests.runtime.driving import context, drive

pytestmark = pytest.mark.bench

ROUNDS = 7


def cpu_times(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """The median of the CPU seconds of each task, measured in turns; the first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(ROUNDS + 1):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            if number:
                times[name].append(time.process_time() - start)
    return {name: median(measured) for name, measured in times.items()}


def print_reading(folder: Path, what: str, path: str, files: list[Path]) -> None:
    def extract(delimiter: str) -> None:
        drive("filesystem.csv_extractor", {"path": path, "delimiter": delimiter}, context(folder))

    times = cpu_times(
        {
            "auto": lambda: extract("auto"),
            "named": lambda: extract(","),
            "pandas": lambda: pd.concat(map(pd.read_csv, files)),
        }
    )
    print_row(f"read {what}, CPU", times["auto"], "named delimiter", times["named"])
    print_row(f"read {what}, CPU", times["auto"], "pandas.read_csv", times["pandas"])


def test_large_file_beside_pandas(tmp_path: Path) -> None:
    rows = (f"{n},name {n % 977},{n / 7:.2f},2024-01-{n % 28 + 1:02},text {n % 13}\n" for n in range(500_000))
    file = tmp_path / "large.csv"
    file.write_text("id,name,amount,day,note\n" + "".join(rows))
    print_reading(tmp_path, "a CSV file of 500,000 rows", "large.csv", [file])


def test_small_files_beside_pandas(tmp_path: Path) -> None:
    files = [tmp_path / f"{number:03}.csv" for number in range(200)]
    for file in files:
        file.write_text("id,v\n" + "1,x\n" * 20)
    print_reading(tmp_path, "200 CSV files of 20 rows", "*.csv", files)
