"""The terminal UI's front door: it wires screens to what they show, and nothing else."""

import base64
import gc
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.screen import Screen

from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.shared import themes
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.host_services import NO_HOST, HostServices
from osiris_inspect.tui.shared.messages import FrameOpened, RunOpened, ScreenReady, TextOpened

FIRST_PAINT_TIMEOUT_S = 0.4
"""Seconds the words on the terminal stand before the screen comes, ready or not."""


def run_app(
    path: Path, source: DataSource, *, clock: Callable[[], float], host: HostServices = NO_HOST
) -> None:
    """Show a run, or the runs of a folder, until the user quits."""
    driver = None
    gc.disable()  # what is made for the first picture stays; looking through it for rubbish is a fifth of the wait
    if host.startup_lines:
        from osiris_inspect.tui.first_paint_driver import FirstPaintDriver

        driver = FirstPaintDriver
    InspectorApp(path, source, clock=clock, host=host, driver=driver).run()


class InspectorApp(App[None]):
    """A run directory opens as a run, a folder as a table of its runs."""

    TITLE = "osiris-inspect"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("app")

    def __init__(
        self,
        path: Path,
        source: DataSource,
        *,
        clock: Callable[[], float],
        host: HostServices = NO_HOST,
        driver: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver)
        self._path = path
        self._source = source
        self._clock = clock
        self.host = host
        self.keys = keys.KEY_TABLE
        if host.custom_keys:
            from osiris_inspect.tui.shared import custom_keys as keymap

            self.keys = keymap.apply_custom_keys(host.custom_keys)
            self.set_keymap(keymap.textual_keymap(self.keys))
        for theme in themes.CUSTOM_THEMES:
            self.register_theme(theme)

    def get_css_variables(self) -> dict[str, str]:
        """The variables of the theme, with colours for states that can be read on it."""
        variables = super().get_css_variables()
        return variables | themes.state_colours(variables)

    def get_default_screen(self) -> Screen[None]:
        """The screen of a run that was given: no other is put up before it, since each that is costs a picture."""
        self._is_run = self._source.is_run(self._path)
        return RunScreen(self._path, self._source, self._clock) if self._is_run else Screen()

    def on_mount(self) -> None:
        """Open a folder, and wait for the first screen to be ready, but not for long."""
        if not self._is_run:
            from osiris_inspect.tui.screens.runs import RunsScreen

            self.push_screen(RunsScreen(self._path, self._source, self._clock))
        elif isinstance(self.screen, RunScreen) and self.screen.is_ready:
            self._reveal()  # nothing is painted before the run is there
        self.set_timer(FIRST_PAINT_TIMEOUT_S, self._show_screen)
        self.set_timer(FIRST_PAINT_TIMEOUT_S, gc.enable)  # see ``run_app``

    def on_screen_ready(self, message: ScreenReady) -> None:
        """Go from the words on the terminal to the screen: with its first picture, or with a new one."""
        if message.was_painted:
            self.call_after_refresh(self._show_screen)
        else:
            self._reveal()

    def _show_screen(self) -> None:
        if self._reveal():
            self.screen.refresh()

    def _reveal(self) -> bool:
        lift = getattr(self._driver, "reveal", None)
        return lift is not None and bool(lift())

    def on_run_opened(self, message: RunOpened) -> None:
        """Open a run of the table."""
        self.push_screen(RunScreen(message.path, self._source, self._clock))

    def on_text_opened(self, message: TextOpened) -> None:
        """Show a text over the screen."""
        from osiris_inspect.tui.screens.text import TextScreen

        self.push_screen(TextScreen(message.title, message.content))

    def on_frame_opened(self, message: FrameOpened) -> None:
        """Open the frame of a step."""
        from osiris_inspect.tui.screens.frame import FrameScreen

        self.push_screen(FrameScreen(message.step, message.path, self._source.frame))

    def action_next_theme(self) -> None:
        """Go to the next theme."""
        self.theme = themes.next_theme(self.theme)
        self.notify(f"theme: {self.theme}", timeout=1.5, markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        from osiris_inspect.tui.screens.text import TextScreen, help_lines

        if not isinstance(self.screen, TextScreen):
            self.push_screen(TextScreen("keys", help_lines(self.keys)))

    def action_picture(self) -> None:
        """Keep the screen as an SVG picture."""
        if self.host.screenshot_dir is None:
            self.notify("there is no folder for pictures", markup=False)
            return
        try:
            self.host.screenshot_dir.mkdir(parents=True, exist_ok=True)
            kept = self.save_screenshot(path=str(self.host.screenshot_dir))
        except OSError as error:
            self.notify(f"no picture: {error}", severity="error", markup=False)
        else:
            self.notify(f"kept as {kept}", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Put a text on the clipboard by OSC 52; inside of tmux wrapped, so that it reaches the terminal around it."""
        super().copy_to_clipboard(text)
        if self.host.is_tmux and self._driver is not None:
            encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
            self._driver.write(f"\x1bPtmux;\x1b\x1b]52;c;{encoded}\a\x1b\\")
