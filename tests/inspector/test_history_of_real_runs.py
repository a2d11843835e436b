"""Runs of our own runtime, one a day, whose mistakes show beside the runs before them."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.in_process import InProcess

DAY_MS = 86_400_000
FIRST_MS = 1767571200000  # 2026-01-05 00:00 UTC, a Monday


class Appender:
    """Adds its rows to a file, as an INSERT does to a table."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        frame: pd.DataFrame = next(iter(inputs.values())).to_pandas()
        path = ctx.base / config["path"]
        frame.to_csv(path, mode="a", header=not path.exists(), index=False)
        return {"rows_written": len(frame)}


COMPONENTS = {
    **{component.name: component for component in BUILT_IN},
    "test.appender": Component(
        name="test.appender",
        summary="Adds rows to a file.",
        driver="tests.inspector.test_history_of_real_runs:Appender",
        modes=("write",),
        keys=(ConfigKey("path", "text", "the file"), ConfigKey("write_mode", "text", "append")),
        inputs="one",
        produces_frame=False,
    ),
}
READ = """
oml_version: "0.1.0"
name: daily
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: "in/*.csv", parse_dates: true}}
"""
SAVE = "  - {id: save, component: filesystem.csv_writer, needs: [read], config: {path: out.csv}}\n"
APPEND = (
    "  - {id: load, component: test.appender, needs: [read], config: {path: out.csv, write_mode: append}}\n"
)


def on_day(folder: Path, day: int, steps: str, files: Mapping[str, str]) -> Path:
    """Run the pipeline over exactly these files; return the run directory, named as of that day."""
    source = folder / "in"
    source.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        path.unlink()
    for name, text in files.items():
        (source / name).write_text(text)
    request = RunRequest(
        compile_pipeline(READ + steps, "pipeline.yaml", COMPONENTS),
        settings.read({}),
        folder / "logs",
        folder,
        time.time,
        components=COMPONENTS,
    )
    made = run(request, InProcess(os.environ, time.time)).path
    return made.rename(made.with_name(f"run_{FIRST_MS + day * DAY_MS}"))


def rows(first: int, count: int = 20, day: int = 1) -> str:
    lines = (f"{first + number},2026-01-{day:02} {number % 24:02}:30:00\n" for number in range(count))
    return "id,seen\n" + "".join(lines)


def findings(path: Path) -> dict[str, str]:
    report = analyze(path)
    assert report.run.status == "success"
    return {finding.rule: finding.message for finding in report.findings}


def test_rows_of_a_run_that_failed_later_are_twice_in_the_target(tmp_path: Path) -> None:
    late = (
        "  - {id: late, component: duckdb.processor, needs: [read], config: {query: SELECT 1 AS n FROM df}}\n"
    )
    failing = late.replace("FROM df", "FROM missing")
    first = on_day(tmp_path, 0, APPEND + failing, {"a.csv": rows(1)})
    assert analyze(first).run.status == "failed"
    found = findings(on_day(tmp_path, 1, APPEND + late, {"a.csv": rows(1)}))
    assert "which failed after that" in found["rows-appended-again"]
    assert (tmp_path / "out.csv").read_text().count("\n") == 41


def test_file_that_is_not_renewed_is_reported_each_day(tmp_path: Path) -> None:
    for day, first in enumerate([1, 2, 3, 3, 3, 3]):
        found = findings(on_day(tmp_path, day, SAVE, {"a.csv": rows(first)}))
        assert ("no-new-data" in found) == (day > 2), day


def test_missing_and_empty_files_of_a_pattern_are_reported(tmp_path: Path) -> None:
    for day in range(3):
        files = {f"{name}.csv": rows(day * 100 + number) for number, name in enumerate("abcd")}
        assert findings(on_day(tmp_path, day, SAVE, files)) == {}
    found = findings(on_day(tmp_path, 3, SAVE, {"a.csv": rows(7), "b.csv": rows(9), "d.csv": "id,seen\n"}))
    assert "'in/c.csv' is missing" in found["files-missing"]
    assert "'in/d.csv'" in found["file-without-rows"]


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("SELECT * FROM df WHERE seen < TIMESTAMP '2026-01-02'", True),
        ("SELECT * FROM df WHERE seen >= TIMESTAMP '2026-01-02'", False),
    ],
)
def test_result_of_a_fixed_period_stays_while_the_input_grows(
    tmp_path: Path, query: str, is_found: bool
) -> None:
    steps = (
        f'  - {{id: recent, component: duckdb.processor, needs: [read], config: {{query: "{query}"}}}}\n'
        "  - {id: save, component: filesystem.csv_writer, needs: [recent], config: {path: out.csv}}\n"
    )
    files = {}
    for day in range(1, 6):
        files[f"{day}.csv"] = rows(100 * day, 40, day)
        path = on_day(tmp_path, day, steps, files)
    assert ("result-stays-equal" in findings(path)) == is_found


@pytest.mark.parametrize(
    ("days", "rule"),
    [
        ((1, 2, 3, 4), None),
        ((1, 2, 3, 5), "period-missing"),
        ((1, 2, 3, 3), "rows-appended-again"),
    ],
)
def test_each_day_is_appended_once(tmp_path: Path, days: tuple[int, ...], rule: str | None) -> None:
    for number, day in enumerate(days):
        text = rows(100 * number, 40, day)
        path = on_day(tmp_path, number, APPEND, {"a.csv": text})
    found = {each for each in findings(path) if each in ("period-missing", "rows-appended-again")}
    assert found == ({rule} if rule else set())
