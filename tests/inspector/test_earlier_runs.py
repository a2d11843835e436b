"""A run is compared with the last successful runs beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.reader.counts import earlier_runs
from tests.inspector.making import run_dir
from tests.inspector.test_rules_of_green_runs import ours, step

DAY_MS = 86_400_000
FIRST_MS = 1759170586030


def run(
    folder: Path, number: float, rows: int, nulls: int = 0, *, ok: bool = True, seconds: float = 1.0
) -> Path:
    """The run of a day: a source with a column ``city``, and a writer."""
    out = {"columns": ["city"], "dtypes": ["str"], "nulls": [nulls]}
    steps = step("src", "x.extractor", rows=rows, out=out), step("save", "x.writer", "src", rows=rows)
    events, planned, files = ours(*steps)
    for event in events:
        if event["event"] == "step_complete":
            event["duration_ms"] = seconds * 1000
    card = {"steps": [_card(one["id"], one["driver"], one["rows"], seconds) for one in steps]}
    status = {"ok": ok, "status": "success", "pipeline": "demo", "steps_completed": 2, "steps_total": 2}
    files = {**files, "artifacts/_system/run_card.json": card, "status.json": json.dumps(status)}
    return run_dir(
        folder, events, steps=planned, files=files, name=f"run_{FIRST_MS + round(number * DAY_MS)}"
    )


def _card(name: str, driver: str, rows: int, seconds: float) -> dict[str, Any]:
    return {
        "step_id": name,
        "driver": driver,
        "status": "succeeded",
        "rows_out": rows,
        "duration_ms": seconds * 1000,
    }


def history(folder: Path, counts: Sequence[int], **last: Any) -> dict[str, str]:
    """The findings about the last of these runs."""
    for number, rows in enumerate(counts[:-1]):
        run(folder, number, rows)
    return history_of(run(folder, len(counts) - 1, counts[-1], **last))


def history_of(path: Path) -> dict[str, str]:
    """The findings about a run that compare it with others."""
    return {
        finding.id: finding.message
        for finding in analyze(path).findings
        if finding.rule == "differs-from-earlier-runs"
    }


@pytest.mark.parametrize(("rows", "how"), [(400, "fewer"), (2100, "more")])
def test_other_row_count_is_a_warning_at_the_source_only(tmp_path: Path, rows: int, how: str) -> None:
    assert history(tmp_path, [1000, 1010, 990, rows]) == {
        "differs-from-earlier-runs@src": f"returned {how} rows than usual, {rows:,}; the last 3 runs returned 990 to 1,010"
    }


@pytest.mark.parametrize(
    "counts", [[1000, 1010, 600], [1000, 400, 900, 300], [1000, 1010, 990, 700], [5, 5, 5, 1], []]
)
def test_usual_or_unknown_row_count_is_no_finding(tmp_path: Path, counts: list[int]) -> None:
    assert history(tmp_path, counts or [1000]) == {}


WEEK = [1000, 1010, 990, 1000, 1005, 400, 380]  # from Monday to Sunday
HOUR = 1 / 24


def at_days(folder: Path, rows_by_day: Sequence[tuple[float, int]]) -> dict[str, str]:
    """The findings about the last of runs on these days, after a Monday evening."""
    for number, rows in rows_by_day:
        path = run(folder, number, rows)
    return history_of(path)


@pytest.mark.parametrize(
    "runs",
    [
        [*enumerate(WEEK[:6])],
        [*enumerate(WEEK[:7])],
        [*enumerate([*WEEK, 1000])],
        [*enumerate([*WEEK, *WEEK[:6]])],
        [*enumerate([*WEEK, *WEEK])],
        [*enumerate([390, *WEEK[:6], 380])],
        [(number, 1000) for number in (1, 2, 3, 4)] + [(7, 2900)],
        [(number, 1000) for number in (14, 15, 16, 17)] + [(19, 2050)],
        [(number, 1000) for number in (27, 28, 29, 30, 31)] + [(32, 3000)],
        [(number, 1000) for number in (29, 30, 31, 32)] + [(33, 400)],
        [(number * HOUR, 1000) for number in range(6)] + [(6 * HOUR, 200)],
        [(number, 1000) for number in (1, 2, 3)] + [(3 + 2 * HOUR, 90)],
        [*enumerate([1000, 1100, 1200, 1330, 1460])],
        [*enumerate([1000, 1500, 2200, 3300])],
        [*enumerate([1000, 800, 650, 520])],
        [(7 * number, 1000) for number in range(3)] + [(21, 1300)],
        [*enumerate([1000, 1010, 990, 1000, 1005, 980, 420])],
        [*((number, 800 + 10 * number) for number in range(25, 32)), (32, 1120), (33, 40)],
        [*((number, 800 + 10 * number) for number in range(26, 34)), (34, 40)],
        [*enumerate([1000, 1004, 1001, 1008, 1003, 1005, 1002, 810])],
        [*enumerate([1000, 1030, 980, 1010, 1000, 1005, 1002, 700])],
        [*enumerate([500, 900, 300, 800, 600, 500, 400, 90])],
        [*enumerate([900, 300, 800, 600, 500, 400, 700, 3500])],
        [*enumerate([900, 500, 800, 600, 500, 450, 700, 190])],
        [*enumerate([900, 500, 800, 180])],
    ],
    ids=[
        "first Saturday", "first Sunday", "Monday after a weekend", "second Saturday", "second Sunday", "Monday with the data of a Sunday","three days on a Monday",
        "two days after a missed run", "last day of a month", "first weekend in a new month", "evening of hourly runs",
        "little time since the last run", "growth", "fast growth", "decline", "weekly",
        "first Sunday after a usual Saturday", "the month begins", "second day of a month", "nearly as many as always", "fewer than usual",
        "fewer rows of a source that varies", "more rows of a source that varies",
        "fewer rows of a source that varies less", "a short history that varies",
    ],
)  # fmt: skip
def test_rows_of_a_usual_pattern_are_no_finding(tmp_path: Path, runs: list[tuple[float, int]]) -> None:
    assert at_days(tmp_path, runs) == {}


@pytest.mark.parametrize(
    "runs",
    [
        [(number, 1000) for number in (1, 2, 3)] + [(4, 450)],
        [*enumerate([*WEEK, 1000, 1000, 450])],
        [*enumerate([1000, *WEEK[:1], 990, 1010, 1000, 1000, 400, 380, 1000, 420])],
        [*enumerate([*WEEK[:5], 50])],
        [(number * HOUR, 1000) for number in range(6)] + [(6 * HOUR, 50)],
        [(number / 10_000, 1000) for number in range(4)] + [(4 / 10_000, 450)],
        [(7 * number, 1000) for number in range(3)] + [(21, 400)],
        [*enumerate([1000, 1010, 990, 1000, 1005, 980, 340])],
        [*enumerate([1000, 1010, 990, 1000, 1005, 980, 2600])],
        [*enumerate([1000, 1010, 990, 1000, 1005, 310])],
        [*enumerate([1000, 1010, 990, 1000, 1005, 980, 1000, 450])],
        [(number, 1000) for number in (28, 29, 30, 31)] + [(32, 400)],
        [(number, 1000) for number in (28, 29, 30, 31)] + [(32, 3900)],
        [*enumerate([1000, 1004, 1001, 1008, 1003, 1005, 1002, 750])],
        [*enumerate([500, 900, 300, 800, 600, 500, 400, 70])],
        [*enumerate([900, 300, 800, 600, 500, 400, 700, 3900])],
        [*enumerate([900, 500, 800, 600, 500, 450, 700, 170])],
    ],
    ids=["weekday", "weekday after a weekend", "weekday after a weekend, of the day before", "nothing left on a Saturday", "hardly any in an hour", "at once", "weekly",
         "a third on a Sunday after a usual Saturday", "more on a Sunday", "less than a third on a Saturday", "half on a Monday after a usual Sunday",
         "fewer rows on the last day of a month", "many more rows on the last day of a month", "a quarter fewer than always",
         "hardly any of a source that varies", "far more of a source that varies", "fewer of a source that varies less"],
)  # fmt: skip
def test_rows_that_no_pattern_explains_are_a_warning(tmp_path: Path, runs: list[tuple[float, int]]) -> None:
    assert list(at_days(tmp_path, runs)) == ["differs-from-earlier-runs@src"]


def test_runs_that_failed_are_not_compared(tmp_path: Path) -> None:
    for number in range(3):
        run(tmp_path, number, 1000, ok=False)
    assert history(tmp_path, [100]) == {}


def test_new_share_of_nulls_is_a_warning(tmp_path: Path) -> None:
    assert history(tmp_path, [1000, 1000, 1000], nulls=400) == {
        "differs-from-earlier-runs@src": "'city' has no value in 40% of the rows; in the last 2 runs it had one in every row"
    }


def test_much_slower_run_is_a_note(tmp_path: Path) -> None:
    found = history(tmp_path, [1000, 1000, 1000, 1000], seconds=100.0)
    assert list(found.values()) == ["the steps took 3 min 20 s; in the last 3 runs at most 2.0 s"]


def test_run_that_was_added_meanwhile_is_compared(tmp_path: Path) -> None:
    first = run(tmp_path, 1, 1000)
    assert earlier_runs.read_earlier_runs(analyze(first).run) == ()
    second = run(tmp_path, 2, 1000)
    assert [found.id for found in earlier_runs.read_earlier_runs(analyze(second).run)] == [first.name]


def test_only_a_few_of_many_runs_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    read = earlier_runs._read
    monkeypatch.setattr(
        earlier_runs, "_read", lambda path, *rest: (opened.append(path), read(path, *rest))[1]
    )
    for number in range(40):
        run(tmp_path, number, 1000, ok=number % 2 == 0)
    analyze(run(tmp_path, 41, 1000))
    assert len(opened) == earlier_runs.MAX_RUNS + earlier_runs.MAX_FAILED


def test_runs_of_other_pipelines_do_not_hide_the_history(tmp_path: Path) -> None:
    for number in range(60):
        path = run(tmp_path, number, 1000)
        if number >= 3:
            status = path / "status.json"
            status.write_text(status.read_text().replace("demo", "other"))
    assert list(history_of(run(tmp_path, 61, 100))) == ["differs-from-earlier-runs@src"]
