from pathlib import Path

import pytest

from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.tui.screens.frame import FrameScreen
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.time_travel import TimeTravelScreen
from tests.samples import SAMPLES
from tests.tui.conftest import Stage
from tests.tui.test_keys import text
from tests.tui.test_real_runs import event, opened, write
from tests.tui.test_screens import SameScreen

SIZES = [(60, 18), (80, 24), (200, 50)]


def sample(name: str) -> Path:
    (path,) = find_runs(SAMPLES / name)
    return path


def label(one: Stage) -> str:
    screen = one.app.screen
    assert isinstance(screen, TimeTravelScreen)
    return screen._history.moments[screen.number].label


@pytest.mark.parametrize("name", ["partly_skipped", "original_nonetype"])
async def test_moments_of_a_run_look_as_committed(same_screen: SameScreen, name: str) -> None:
    async with opened(sample(name), size=SIZES[0]) as one:
        await one.press("T")
        for moment in ("end", "left", "home"):
            await one.press(moment)
            for size in SIZES:
                await one.resize(size)
                same_screen(f"time-{name}-{moment}-{size[0]}x{size[1]}", one.text())


@pytest.mark.parametrize(
    ("keys", "position"),
    [
        ("", "seq 39"),
        ("left", "seq 31"),
        ("h h", "seq 21"),
        ("h h h h h h", "start"),
        ("home", "start"),
        ("home right", "seq 15"),
        ("home l l", "seq 21"),
        ("home ]", "seq 12"),
        ("home ] ]", "seq 19"),
        ("[", "seq 35"),
        ("home end", "seq 39"),
        ("home j k", "start"),
    ],
)
async def test_key_moves_to_the_moment(keys: str, position: str) -> None:
    names = {"[": "left_square_bracket", "]": "right_square_bracket"}
    async with opened(sample("partly_skipped")) as one:
        await one.press("T", *(names.get(key, key) for key in keys.split()))
        assert label(one) == position


async def test_cursor_stays_on_its_step_while_time_moves() -> None:
    async with opened(sample("partly_skipped")) as one:
        await one.press("T", "j", "j", "j")
        assert text(one).startswith("good succeeded frame released since seq 39")
        await one.press("left")
        assert text(one) == "good running frame memory since seq 31 waiting for it: write-good"
        await one.press("home")
        assert text(one) == "good not_started waiting for it: write-good"


async def test_enter_opens_a_frame_that_is_on_disk_now() -> None:
    async with opened(sample("partly_skipped")) as one:
        await one.press("T", "home", "right", "enter")  # at this moment it was only in memory
        assert isinstance(one.app.screen, FrameScreen)
        assert "14 rows" in one.text()
        await one.press("escape")
        assert isinstance(one.app.screen, TimeTravelScreen)


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("partly_skipped", "j j j enter", "good: released at seq 39; it is not on disk"),
        ("partly_skipped", "j j j p", "good: released at seq 39; it is not on disk"),
        ("partly_skipped", "home enter", "movies has no frame at start"),
        ("partly_skipped", "G enter", "write-good writes rows and keeps no frame"),
        ("killed_worker", "enter", "extract-movies: lost with its worker at seq 21; it is not on disk"),
        ("original_nonetype", "enter", "extract-movies: its rows were kept neither in memory nor on disk"),
    ],
)
async def test_enter_on_a_frame_that_is_gone_says_where_it_went(name: str, keys: str, message: str) -> None:
    async with opened(sample(name)) as one:
        await one.press("T", *keys.split())
        assert one.said() == message


async def test_removed_file_of_a_spilled_frame_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run_1795348800000"
    spilled = event(2, "output_stored", step_id="a", rows=2, storage="spill", memory_bytes=0, spill_bytes=40)
    write(run, event(0, "run_start"), event(1, "step_start", step_id="a"), spilled)
    async with opened(run) as one:
        await one.press("T", "enter")
        assert one.said() == "a: written at seq 2, but its file is not in the run directory"


async def test_back_returns_to_the_run() -> None:
    async with opened(sample("partly_skipped")) as one:
        await one.press("T", "q")
        assert isinstance(one.app.screen, RunScreen)


async def test_run_without_steps_has_nothing_to_show(tmp_path: Path) -> None:
    run = tmp_path / "run_1795348800000"
    write(run, event(0, "run_start"))
    async with opened(run) as one:
        await one.press("T", "right", "left", "enter", "j")
        assert "This log names no steps." in one.text()


async def test_many_steps_are_listed_without_a_drawing(tmp_path: Path) -> None:
    run = tmp_path / "run_1795348800000"
    write(
        run,
        *(event(number % 60, "step_start", step_id=f"s{number}") | {"seq": number} for number in range(300)),
    )
    async with opened(run, size=(80, 24)) as one:
        await one.press("T", "G")
        assert text(one) == "s299 running"
        assert "1/300" not in one.text()
        assert "300/300" in one.text()
