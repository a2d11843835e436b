"""The first picture of a run: it is the true one, and waits for nothing that is behind it."""

from pathlib import Path

import pytest
from textual.screen import Screen

from osiris_inspect.inspector.analysis.pickling import detach_log
from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.event_log.deferred_log import DeferredLog
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared.data_source import LocalDataSource
from osiris_inspect.tui.widgets.tab_bar import TabBar
from tests.samples import SAMPLES
from tests.tui.conftest import Stage
from tests.tui.made import Shelf
from tests.tui.test_real_runs import NOW

_SCROLLBAR = dict.fromkeys(map(ord, "▁▂▃▄▅▆▇"), " ")
"""The bar beside a longer text comes with the second picture."""


class Handed(LocalDataSource):
    """Hands over reports as another process made them: a long log stays where it is."""

    def quick_report(self, path: Path, now: float) -> Report | None:
        return detach_log(self.report(path, now), self.cache)


class Watched(InspectorApp):
    """Keeps the text of each picture."""

    pictures: list[list[str]]

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if isinstance(screen, RunScreen) and screen.size:
            strips = screen._compositor.render_strips()
            self.pictures.append([strip.text.translate(_SCROLLBAR).rstrip() for strip in strips])
        super()._display(screen, renderable)  # type: ignore[arg-type]  # only looked at here


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("story", ["original_nonetype", "all_spilled", "good_local"])
async def test_the_first_picture_is_the_whole_one(story: str, size: tuple[int, int]) -> None:
    (run,) = (SAMPLES / story).glob("run_*")
    app = Watched(run, Handed(), clock=lambda: NOW)
    app.pictures = []
    async with app.run_test(size=size) as pilot:
        one = Stage(app, pilot, Shelf())
        await one.settle()
        assert app.pictures[0] == app.pictures[-1]


@pytest.fixture
def long_run(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", 1_000)
    (run,) = (SAMPLES / "original_nonetype").glob("run_*")
    return run


async def test_a_long_log_is_opened_behind_the_first_picture(long_run: Path, tmp_path: Path) -> None:
    app = Watched(long_run, Handed(tmp_path), clock=lambda: NOW)
    app.pictures = []
    seen: list[bool] = []
    first = Watched._display

    def look(self: Watched, screen: Screen[object], renderable: object) -> None:
        if isinstance(screen, RunScreen) and screen.report is not None and screen.size:
            events = screen.report.run.events
            seen.append(isinstance(events, DeferredLog) and "loaded" not in vars(events))
        first(self, screen, renderable)

    app._display = look.__get__(app)  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        one = Stage(app, pilot, Shelf())
        await one.settle()
        assert seen[0]
        screen = app.screen
        assert isinstance(screen, RunScreen)
        assert screen.report is not None
        assert isinstance(screen.report.run.events, LargeLog)
        assert f"Events {len(screen.report.run.events)}" in one.text()
        await one.press("3", "e")
        assert "step_failed" in one.text()


async def test_a_key_that_comes_before_the_log_is_open_is_done_when_it_is(
    long_run: Path, tmp_path: Path
) -> None:
    app = InspectorApp(long_run, Handed(tmp_path), clock=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "G")
        one = Stage(app, pilot, Shelf())
        await one.settle()
        assert app.screen.query_one(TabBar).active == 3


async def test_a_log_that_is_gone_meanwhile_leaves_a_screen_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", 100)
    run = tmp_path / "run_1"
    run.mkdir()
    log = run / "events.jsonl"
    log.write_text('{"event":"step_start","step_id":"a"}\n' * 50 + '{"event":"run_end","status":"success"}\n')

    class Vanishing(Handed):
        def quick_report(self, path: Path, now: float) -> Report | None:
            told = super().quick_report(path, now)
            log.unlink()
            return told

    app = InspectorApp(run, Vanishing(), clock=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        one = Stage(app, pilot, Shelf())
        await one.settle()
        await one.press("3", "e", "1")
        assert app.is_running
