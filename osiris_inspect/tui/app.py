"""The terminal UI's front door: it wires screens to what they show, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from osiris_inspect.tui import inert, keys, themes
from osiris_inspect.tui.messages import RunOpened
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.runs import RunsScreen
from osiris_inspect.tui.screens.text import TextScreen, help_lines
from osiris_inspect.tui.source import Disk, Source


def run_app(path: Path, *, clock: Callable[[], float]) -> None:
    """Show a run, or the runs of a folder, until the user quits."""
    InspectorApp(path, Disk(), clock=clock).run()


class InspectorApp(App[None]):
    """A run directory opens as a run, a folder as a table of its runs."""

    TITLE = "osiris-inspect"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("app")
    CSS = """
    #opening { padding: 1 2; color: $state-beside; }
    """

    def __init__(self, path: Path, source: Source, *, clock: Callable[[], float]) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._clock = clock
        for theme in themes.OWN:
            self.register_theme(theme)

    def get_css_variables(self) -> dict[str, str]:
        """The variables of the theme, with colours for states that can be read on it."""
        variables = super().get_css_variables()
        return variables | themes.state_colours(variables)

    def compose(self) -> ComposeResult:
        """What is seen before the first screen is up."""
        yield Static(f"opening {inert.line(str(self._path), 300)} …", id="opening", markup=False)

    def on_mount(self) -> None:
        """Find out what was given."""
        self._open()

    @work(thread=True)
    def _open(self) -> None:
        screen = RunScreen if self._source.is_run(self._path) else RunsScreen
        self.call_from_thread(self.push_screen, screen(self._path, self._source, self._clock))

    def on_run_opened(self, message: RunOpened) -> None:
        """Open a run of the table."""
        self.push_screen(RunScreen(message.path, self._source, self._clock))

    def action_next_theme(self) -> None:
        """Go to the next theme."""
        self.theme = themes.after(self.theme)
        self.notify(f"theme: {self.theme}", timeout=1.5, markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, TextScreen):
            self.push_screen(TextScreen("keys", help_lines()))
