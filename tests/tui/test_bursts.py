"""Bursts of random keys, sent faster than the screens answer, end without an exception on every screen."""

import random
import string
from pathlib import Path

import pytest
from textual import events
from textual.command import CommandList
from textual.widgets import Input

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.shared.key_bindings import KEY_TABLE
from osiris_inspect.tui.shared.key_commands import KeyPalette
from tests.tui import made
from tests.tui.test_artifacts import with_files
from tests.tui.test_keys import named_runs

BURSTS = 25
"""Bursts of each case; eighty cases make 2,000 on each screen."""
LONGEST = 12
STARTS = {
    "overview": (),
    **{f"tab {number}": (str(number),) for number in range(2, 8)},
    "files": ("2", "a"),
    "data": ("2", "p"),
    "help": ("question_mark",),
    "manual": ("x",),
    "time travel": ("T",),
    "filter": ("slash",),
    "palette": ("ctrl+p",),
}
NOT_PRESSED = {"ctrl+z"}  # stops the process of the test
KEYS = sorted({key for row in KEY_TABLE for key in row.keys.split(",")} - NOT_PRESSED)
LETTERS = (*string.ascii_letters, *string.digits, "ä", "漢", "é")


def burst(chosen: random.Random) -> list[events.Key]:
    """Return keys as the driver sends them: those of the table twice as often as others."""
    keys = [
        chosen.choice(KEYS) if chosen.random() < 0.66 else chosen.choice(LETTERS)
        for _ in range(chosen.randrange(1, LONGEST))
    ]
    return [events.Key(key, key if len(key) == 1 else None) for key in keys]


async def press_bursts(app: InspectorApp, start: tuple[str, ...], chosen: random.Random, count: int) -> int:
    """Press ``start``, then up to ``count`` bursts until the app exits; return how many were pressed."""
    async with app.run_test(size=chosen.choice(((80, 24), (60, 18), (200, 50)))) as pilot:
        await pilot.press(*start)
        for number in range(count):
            for key in burst(chosen):
                app.post_message(key)
            if chosen.random() < 0.7:
                await pilot.pause()
            if not app.is_running or app._exit:
                return number + 1
    return count


async def many(path: Path, shelf: made.Shelf, start: tuple[str, ...], seed: int) -> None:
    chosen = random.Random(seed)
    left = BURSTS
    while left > 0:
        app = InspectorApp(path, shelf, clock=lambda: made.NOON + 60)
        left -= await press_bursts(app, start, chosen, left)


@pytest.mark.sampled(80)
@pytest.mark.parametrize("seed", range(80))
@pytest.mark.parametrize("start", STARTS)
async def test_burst_on_a_screen_of_a_run_raises_nothing(tmp_path: Path, start: str, seed: int) -> None:
    shelf = made.Shelf()
    report: Report = with_files(tmp_path)
    await many(shelf.put(report), shelf, STARTS[start], seed)


@pytest.mark.sampled(80)
@pytest.mark.parametrize("seed", range(80))
@pytest.mark.parametrize("start", ["runs", "comparison"])
async def test_burst_on_the_list_of_runs_raises_nothing(start: str, seed: int) -> None:
    shelf = made.Shelf()
    for report in named_runs():
        shelf.put(report)
    await many(Path("/runs"), shelf, ("c",) if start == "comparison" else (), seed)


@pytest.mark.parametrize("keys", ["qcat README", "qa", "qx", "q?", "q2p", "q7select", "qq", "q:5\r"])
async def test_type_ahead_after_the_end_raises_nothing(keys: str) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test() as pilot:
        for key in keys:
            app.post_message(events.Key(key, key))
        await pilot.pause()
        assert app._exit


async def test_key_after_the_screens_are_closed_raises_nothing() -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test() as pilot:
        await pilot.pause()
    assert not app._exit
    await app.on_event(events.Key("e", "e"))


@pytest.mark.parametrize("key", ["pageup", "pagedown", "down", "up", "enter"])
async def test_key_before_the_palette_has_a_height_raises_nothing(key: str) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test(size=(60, 18)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        commands = app.screen.query_one(CommandList)
        commands.display = False  # as before the first layout
        await pilot.pause()
        commands._line_cache.clear()
        await pilot.press(key)
        await pilot.pause()
    assert app.return_code in (None, 0)


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
async def test_key_before_the_commands_are_laid_out_raises_nothing(key: str) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test(size=(60, 18)) as pilot:
        await pilot.press("ctrl+p")
        await app.workers.wait_for_complete()
        await pilot.pause()
        palette = app.screen
        assert isinstance(palette, KeyPalette)
        commands = palette.query_one(CommandList)
        assert commands.options
        commands._line_cache.clear()
        palette._action_command_list(key.replace("page", "page_"))
        await pilot.pause()
    assert app.return_code in (None, 0)


@pytest.mark.parametrize("second", ["submitted", "selected", "escape"])
async def test_command_chosen_twice_closes_the_palette_and_runs_once(second: str) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON + 60)
    copied: list[str] = []
    app.host = app.host._replace(copy=copied.append)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p", *"root cause with")
        await app.workers.wait_for_complete()
        await pilot.pause()
        palette = app.screen
        assert isinstance(palette, KeyPalette)
        commands = palette.query_one(CommandList)
        chosen = CommandList.OptionSelected(commands, commands.options[0], 0)
        # both are in the queue before the first closes the palette
        palette.post_message(chosen)
        if second == "escape":
            palette.post_message(events.Key("escape", None))
        elif second == "selected":
            palette.post_message(CommandList.OptionSelected(commands, commands.options[0], 0))
        else:
            palette.post_message(Input.Submitted(palette.query_one(Input), ""))
        await pilot.pause()
        await pilot.pause()
        assert app.return_code in (None, 0)
        assert len(app.screen_stack) == 1
    assert len(copied) == 1


@pytest.mark.parametrize("key", ["p", "ctrl+o", "escape", "q"])
@pytest.mark.parametrize("start", ["files", "time travel", "data"])
async def test_key_before_the_list_of_a_screen_exists_raises_nothing(
    tmp_path: Path, start: str, key: str
) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(with_files(tmp_path)), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test() as pilot:
        await pilot.press(*STARTS[start])
        await pilot.pause()
        await app.screen.query("*").remove()
        await pilot.press(key)
        await pilot.pause()
    assert app.return_code in (None, 0)


@pytest.mark.parametrize("key", ["c", "s", "D", "p"])
@pytest.mark.parametrize("start", [(), ("c",)], ids=["runs", "comparison"])
async def test_key_before_the_list_of_runs_exists_raises_nothing(start: tuple[str, ...], key: str) -> None:
    shelf = made.Shelf()
    for report in named_runs():
        shelf.put(report)
    app = InspectorApp(Path("/runs"), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press(*start)
        await pilot.pause()
        await app.screen.query("*").remove()
        await pilot.press(key)
        await pilot.pause()
    assert app.return_code in (None, 0)


@pytest.mark.parametrize("key", ["escape", "q", "slash", "n", "j", "y", "colon", "f", "m"])
async def test_key_while_the_widgets_of_a_screen_are_removed_raises_nothing(key: str) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON + 60)
    async with app.run_test() as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        await app.screen.query("*").remove()
        await pilot.press(key)
        await pilot.pause()
    assert app.return_code in (None, 0)
