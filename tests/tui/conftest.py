"""Screens as text. ``pytest tests/tui --accept-screens`` writes what is shown now; read the diff before committing it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.screen import Screen

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared.host_services import NO_HOST, HostServices
from tests.tui import made

SCREENS = Path(__file__).parent / "screens"
Size = tuple[int, int]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-screens", action="store_true", help="write the screens as they are now")


class Stage:
    """An app on a made-up terminal: press keys, read the screen."""

    def __init__(self, app: InspectorApp, pilot: Pilot[None], shelf: made.Shelf) -> None:
        self.app, self.pilot, self.shelf = app, pilot, shelf

    async def settle(self) -> None:
        """Wait until no worker runs and the screen no longer changes; no clock is involved."""
        before = None
        while not self._stands():
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
        while before != (before := [strip.text for strip in self.app.screen._compositor.render_strips()]):
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()

    def _stands(self) -> bool:
        """Whether the first screen is up and laid out, and of a run every pane is there."""
        screen = self.app.screen
        if self.app._exit or not self.app.is_running:
            return True
        if isinstance(screen, RunScreen) and screen.report is not None and not screen.is_loaded:
            return False
        return type(screen) is not Screen and screen.size.area > 0

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def resize(self, size: Size) -> None:
        await self.pilot.resize_terminal(*size)
        await self.settle()

    def said(self) -> str:
        """What the notices say that are up."""
        return "\n".join(notice.message for notice in self.app._notifications)

    def text(self) -> str:
        """The screen as plain text, with what shows through behind a page over it."""
        width, height = self.app.size
        console = Console(
            width=width, height=height, file=StringIO(), record=True, color_system=None, legacy_windows=False
        )
        # the call that the app's own screenshot makes
        console.print(
            self.app.screen._compositor.render_update(full=True, screen_stack=self.app._background_screens)
        )
        return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


Open = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def stage() -> Open:
    """Opens one report as a run, several as a folder of runs."""

    @asynccontextmanager
    async def opened(
        *reports: Report,
        size: Size = (80, 24),
        theme: str = "textual-dark",
        outside: HostServices = NO_HOST,
        notices: bool = False,
    ) -> AsyncIterator[Stage]:
        shelf = made.Shelf()
        paths = [shelf.put(report) for report in reports]
        path = paths[0] if len(paths) == 1 else Path("/runs")
        app = InspectorApp(path, shelf, clock=lambda: made.NOON + 60, host=outside)
        app.theme = theme
        async with app.run_test(size=size, notifications=notices) as pilot:
            one = Stage(app, pilot, shelf)
            await one.settle()
            yield one

    return opened


@pytest.fixture
def same_screen(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a screen with the committed one of that name."""

    def compare(name: str, shown: str) -> None:
        path = SCREENS / f"{name}.txt"
        if request.config.getoption("--accept-screens", default=False):
            path.write_text(shown, encoding="utf-8")
        assert path.exists(), f"no screen {path.name} yet: pytest tests/tui --accept-screens"
        assert shown == path.read_text(encoding="utf-8")

    return compare
