"""App of the terminal UI: opens the screens and passes them their data source."""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import constants, events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.screen import Screen

from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared import themes
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.host_services import NO_HOST, HostServices
from osiris_inspect.tui.shared.key_bindings import KEY_TABLE, bindings
from osiris_inspect.tui.shared.messages import ScreenReady, TextOpened

if TYPE_CHECKING:
    from textual.command import Provider

FIRST_PAINT_TIMEOUT_S = 0.4
"""Time after which the screen replaces the text on the terminal even if it is not ready."""

END_TIMEOUT_S = 5.0
"""Time after which a signal ends the process even if its terminal accepts no output any more."""


def run_app(
    path: Path, source: DataSource, *, clock: Callable[[], float], host: HostServices = NO_HOST
) -> int:
    """Show a run, or the runs of a folder, until the user quits or a signal ends the process; return the exit code."""
    gc.disable()  # until the first paint: collecting takes a fifth of the start
    driver: type[Driver] | None = None
    if constants.DRIVER is None:  # else the environment names another one, as for a browser
        from osiris_inspect.tui.first_paint_driver import FirstPaintDriver

        driver = FirstPaintDriver
        if host.is_ascii:
            from osiris_inspect.tui.ascii_driver import AsciiDriver

            driver = AsciiDriver
    app = InspectorApp(path, source, clock=clock, host=host, driver=driver)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, app.end_by_signal)
    app.run()
    return app.signal_code or 0


def _key_commands() -> "type[Provider]":
    from osiris_inspect.tui.shared.key_commands import KeyCommands

    return KeyCommands


class InspectorApp(App[None]):
    """App that opens a run directory as a run and a folder as a list of runs."""

    TITLE = "osiris-inspect"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = App.COMMANDS | {_key_commands}
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

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
        self.signal_code: int | None = None
        self.keys = KEY_TABLE
        if host.custom_keys:
            from osiris_inspect.tui.shared.custom_keys import apply_custom_keys, textual_keymap

            self.keys = apply_custom_keys(host.custom_keys)
            self.set_keymap(textual_keymap(self.keys))
        for theme in themes.CUSTOM_THEMES:
            self.register_theme(theme)
        if host.theme in self.available_themes:
            self.theme = host.theme

    def end_by_signal(self, number: int, _frame: object) -> None:
        """End the app, which restores the terminal."""
        self.signal_code = code = 128 + number
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the app has not started
            raise SystemExit(code) from None
        end = threading.Timer(END_TIMEOUT_S, os._exit, (code,))
        end.daemon = True
        end.start()
        loop.call_soon_threadsafe(partial(self.exit, return_code=code))

    async def on_event(self, event: events.Event) -> None:
        """Handle an event, except keys and the mouse after the end of the app, whose screens are being removed."""
        has_ended = self._exit or not self.screen_stack
        if not (has_ended and isinstance(event, events.InputEvent)):
            await super().on_event(event)

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables and the state colours."""
        variables = super().get_css_variables()
        return variables | themes.state_colours(variables)

    def get_default_screen(self) -> Screen[None]:
        """Return the screen of the run; a blank screen before it would cost one more paint."""
        self._is_run = self._source.is_run(self._path)
        return RunScreen(self._path, self._source, self._clock) if self._is_run else Screen()

    def on_mount(self) -> None:
        """Open a folder, and start the timeout for the first screen."""
        if not self._is_run:
            from osiris_inspect.tui.screens.runs import RunsScreen

            self.push_screen(RunsScreen(self._path, self._source, self._clock))
        elif not self.screen.has_class("-waiting"):
            self._reveal()  # the first paint shows the run
        self.set_timer(FIRST_PAINT_TIMEOUT_S, self._show_screen)
        self.set_timer(FIRST_PAINT_TIMEOUT_S, gc.enable)  # see ``run_app``

    def on_screen_ready(self, message: ScreenReady) -> None:
        """Replace the text on the terminal by the screen."""
        if message.was_painted:
            self.call_after_refresh(self._show_screen)
        else:
            self._reveal()

    def _show_screen(self) -> None:
        if self._reveal():
            self.screen.refresh()

    def _reveal(self) -> bool:
        reveal = getattr(self._driver, "reveal", None)
        return reveal is not None and bool(reveal())

    def on_text_opened(self, message: TextOpened) -> None:
        """Show a text over the screen."""
        from osiris_inspect.tui.screens.text import TextScreen

        self.push_screen(TextScreen(message.title, message.content))

    def action_next_theme(self) -> None:
        """Use the next theme."""
        self.theme = themes.next_theme(self.theme)
        self.notify(f"Theme: {self.theme}", timeout=1.5, markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield the one command that has no key."""
        del screen
        yield SystemCommand(
            "Choose a theme", "shown while you choose, and remembered", self.action_change_theme
        )

    def action_command_palette(self) -> None:
        """Show the command palette."""
        from osiris_inspect.tui.shared.key_commands import KeyPalette

        if not isinstance(self.screen, KeyPalette):
            self.push_screen(KeyPalette(id="--command-palette"))

    def notify(self, message: str, **options: Any) -> None:
        """Show a message in place of the last one, so that messages do not cover the screen."""
        self.clear_notifications()
        super().notify(message, **options)

    def watch_theme(self, theme: str) -> None:
        """Remember the theme for the next start."""
        if self.is_running and theme != self.host.theme:
            self.host.save_theme(theme)

    def action_help(self) -> None:
        """Show the keys."""
        from osiris_inspect.tui.screens.text import HelpScreen, TextScreen

        if not isinstance(self.screen, TextScreen):
            self.push_screen(HelpScreen(self.keys))

    def action_picture(self) -> None:
        """Save a screenshot as SVG."""
        if self.host.screenshot_dir is None:
            self.notify("There is no folder for screenshots", markup=False)
            return
        try:
            self.host.screenshot_dir.mkdir(parents=True, exist_ok=True)
            path = self.save_screenshot(path=str(self.host.screenshot_dir))
        except OSError as error:
            self.notify(f"Cannot save the screenshot: {error}", severity="error", markup=False)
        else:
            self.notify(f"Saved as {path}", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text by the program of the host or by OSC 52, and say which; no terminal confirms OSC 52."""
        if self.host.copy is None:
            super().copy_to_clipboard(text)
            self.notify(f"Sent {len(text):,} characters to the terminal (OSC 52)", markup=False)
            return
        error = self.host.copy(text)
        if error is None:
            self.notify(f"Copied {len(text):,} characters", markup=False)
        else:
            self.notify(f"Not copied: {show_line(error, 200)}", severity="error", markup=False)
