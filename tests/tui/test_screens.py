from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Evidence
from tests.tui import made
from tests.tui.conftest import Open, Size

SIZES = [(80, 24), (120, 40), (200, 50)]
RUNS: dict[str, Callable[[], Report]] = {"failed": made.failed, "clean": made.clean, "diamond": made.diamond}
TABS = {
    "overview": "1",
    "steps": "2",
    "events": "3",
    "findings": "4",
    "log": "5",
    "timeline": "6",
    "sql": "7",
}

SameScreen = Callable[[str, str], None]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_tab_of_a_failed_run_looks_as_committed(
    stage: Open, same_screen: SameScreen, size: Size
) -> None:
    async with stage(made.failed(), size=size) as one:
        for tab, key in TABS.items():
            await one.press(key)
            same_screen(f"failed-{tab}-{size[0]}x{size[1]}", one.text())


@pytest.mark.parametrize("run", ["clean", "diamond"])
async def test_an_overview_looks_as_committed_at_every_size(
    stage: Open, same_screen: SameScreen, run: str
) -> None:
    async with stage(RUNS[run]()) as one:
        for size in SIZES:
            await one.resize(size)
            same_screen(f"{run}-overview-{size[0]}x{size[1]}", one.text())


async def test_a_folder_of_runs_and_two_of_them_compared_look_as_committed(
    stage: Open, same_screen: SameScreen
) -> None:
    async with stage(*named_runs()) as one:
        for size in SIZES:
            await one.resize(size)
            same_screen(f"runs-{size[0]}x{size[1]}", one.text())
        await one.press("g", "m", "j", "c")
        for size in SIZES:
            await one.resize(size)
            same_screen(f"comparison-{size[0]}x{size[1]}", one.text())


async def test_a_frame_looks_as_committed(stage: Open, same_screen: SameScreen, tmp_path: Path) -> None:
    async with stage(made.with_frame(tmp_path)) as one:
        await one.press("2", "j", "p")
        for size in SIZES:
            await one.resize(size)
            same_screen(f"frame-{size[0]}x{size[1]}", one.text())


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("step-detail", "2 e enter"),
        ("event-detail", "3 e enter"),
        ("finding-detail", "4 enter"),
        ("manual", "4 x"),
        ("help", "question_mark"),
        ("filtered-events", "3 slash s t e p = c o m p u t e - s t a t s"),
    ],
)
async def test_what_keys_open_looks_as_committed(
    stage: Open, same_screen: SameScreen, name: str, keys: str
) -> None:
    async with stage(made.failed()) as one:
        await one.press(*(key.replace("-", "minus").replace("=", "equals_sign") for key in keys.split()))
        same_screen(name, one.text())


async def test_a_size_reached_by_resizing_looks_like_one_started_with(stage: Open) -> None:
    async with stage(made.failed(), size=(200, 50)) as one:
        await one.resize((40, 10))
        await one.resize((120, 40))
        resized = one.text()
    async with stage(made.failed(), size=(120, 40)) as one:
        assert resized == one.text()


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (20, 5), (300, 90)], ids=str)
async def test_no_size_is_too_small_or_too_large(stage: Open, size: Size) -> None:
    async with stage(made.failed(), size=size) as one:
        for tab in TABS.values():
            await one.pilot.press(tab, "enter", "escape")
        await one.settle()
        assert one.app.is_running


async def test_narrow_screen_shows_every_tab_the_position_and_the_help_key(stage: Open) -> None:
    async with stage(made.failed(), size=(60, 18)) as one:
        lines = one.text().splitlines()
        assert " 1 Overview 2 Steps 3 Events 4 Findin… 5 Log 6 Timeli… 7 SQL" in lines
        assert lines[-1].split() == ["1/3", "/", "filter", "e", "failure", "q", "back", "?", "help"]
        for key in TABS.values():
            await one.press(key)
            lines = one.text().splitlines()
            tabs = next(line for line in lines if line.startswith(" 1 "))
            assert [f" {number} " in tabs for number in range(1, 8)] == [True] * 7
            if key != "7":
                assert lines[-1].endswith("? help")


@pytest.mark.parametrize(("width", "is_beside"), [(200, True), (100, False)])
async def test_long_list_of_steps_has_details_beside_it_if_they_fit(
    stage: Open, width: int, *, is_beside: bool
) -> None:
    steps = [replace(made.EXTRACT, id=f"step-{number:02}") for number in range(80)]
    async with stage(made.report(*steps), size=(width, 50)) as one:
        lines = one.text().splitlines()
        (output,) = [line for line in lines if line.strip("│ ").endswith("output") or " output" in line]
        assert ("step-" in output) is is_beside
        shown = sum(" step-" in line[: width // 2] for line in lines)
        assert (shown > 40) is is_beside


@pytest.mark.parametrize(("width", "columns"), [(200, 2), (120, 1)])
async def test_help_has_two_columns_if_they_fit(stage: Open, width: int, columns: int) -> None:
    async with stage(made.failed(), size=(width, 50)) as one:
        await one.press("question_mark")
        (heading,) = [line.split() for line in one.text().splitlines() if " Move" in line]
        assert heading == ["▌", "Move", "Go"][: columns + 1]


async def test_quote_of_a_cause_has_no_json_escapes_and_repeats_nothing(stage: Open) -> None:
    quote = r"the query failed:\nBinder Error: Referenced column \"nope\" not found in FROM clause!"
    message = 'Binder Error: Referenced column "nope" not found in FROM clause!'
    cause = replace(made.CAUSE, message=message, evidence=(Evidence("events.jsonl", 8, quote),))
    report = made.report(made.FAILED_COMPUTE, status="failed", findings=(cause,), logged=made.FAILED_EVENTS)
    async with stage(report, size=(120, 40)) as one:
        assert "events.jsonl:8  the query failed: …" in one.text()
        await one.press("4", "enter")
        assert "    the query failed:\n" in one.text().replace("▌", " ")
        assert "\\" not in one.text()


def named_runs() -> list[Report]:
    reports = [made.clean(), made.failed(), made.report(made.EXTRACT, status="running"), made.diamond()]
    names = [f"run_17953488{number}0000" for number in range(len(reports))]
    return [
        replace(report, run=replace(report.run, id=name, path=Path("/runs") / name))
        for report, name in zip(reports, names, strict=True)
    ]
