from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.run.report import Report
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


def named_runs() -> list[Report]:
    reports = [made.clean(), made.failed(), made.report(made.EXTRACT, status="running"), made.diamond()]
    names = [f"run_17953488{number}0000" for number in range(len(reports))]
    return [
        replace(report, run=replace(report.run, id=name, path=Path("/runs") / name))
        for report, name in zip(reports, names, strict=True)
    ]
