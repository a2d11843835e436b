"""The runs of a folder, newest first."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.tui import figures, inert, marks
from osiris_inspect.tui.columns import Column, lay_out
from osiris_inspect.tui.lines import LineList
from osiris_inspect.tui.marks import MUTED
from osiris_inspect.tui.messages import RowOpened, RunOpened
from osiris_inspect.tui.panes.foot import Foot
from osiris_inspect.tui.rows import Layout, MadeRow, Sheet, wrapped
from osiris_inspect.tui.screens.listing import ListScreen
from osiris_inspect.tui.source import Source

if TYPE_CHECKING:
    from osiris_inspect.inspector.catalog import RunEntry

COLUMNS = (
    Column("ended", least=3),
    Column("pipeline", least=8, enough=20),
    Column("cause", least=30, enough=60),
    Column("rows", right=True, rank=3),
    Column("time", right=True, rank=2),
    Column("mode", rank=4),
    Column("started (UTC)", rank=1),
    Column("run", rank=5, enough=20),
)


class RunsScreen(ListScreen):
    """A table of runs; enter opens one."""

    DEFAULT_CSS = """
    RunsScreen #title { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    RunsScreen LineList { height: 1fr; }
    """

    def __init__(self, path: Path, source: Source, clock: Callable[[], float]) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._clock = clock

    def compose(self) -> ComposeResult:
        """Title, table, foot."""
        yield Static(_title(self._path, "reading …"), id="title", markup=False)
        yield LineList()
        yield Foot(("screen", "list", "app"))

    @property
    def main_list(self) -> LineList:
        """The table."""
        return self.query_one(LineList)

    def on_mount(self) -> None:
        """Begin to read."""
        self.main_list.focus()
        self.load()

    def on_screen_resume(self) -> None:
        """Read again when a run was looked at: it may have ended meanwhile."""
        if len(self.main_list):
            self.load()

    @work(thread=True, exclusive=True, group="load")
    def load(self) -> None:
        """Read the folder off the event loop."""
        try:
            entries = self._source.entries(self._path, self._clock())
        except Exception as error:  # noqa: BLE001  whatever the disk holds, it is said on the screen
            self.app.call_from_thread(self._refuse, error)
        else:
            self.app.call_from_thread(self._show, entries)

    def _show(self, entries: Sequence["RunEntry"]) -> None:
        failed = sum(entry.status not in ("success", "running") for entry in entries)
        self.query_one("#title", Static).update(
            _title(self._path, f"{figures.plural(len(entries), 'run')}, {failed:,} failed")
        )
        self.main_list.show(_layout(entries))

    def _refuse(self, error: Exception) -> None:
        self.query_one("#title", Static).update(_title(self._path, "cannot be read"))
        text = inert.line(f"{type(error).__name__}: {error}", 300)
        self.main_list.show(wrapped([Content.styled(text, "$state-bad")]))

    def on_row_opened(self, message: RowOpened) -> None:
        """Ask for the run under the cursor."""
        message.stop()
        if message.lines.row is not None and isinstance(message.lines.row.key, Path):
            self.post_message(RunOpened(message.lines.row.key))


def _title(path: Path, words: str) -> Content:
    return Content.assemble((inert.line(str(path), 200), "bold"), (f"  {words}", MUTED))


def _layout(entries: Sequence["RunEntry"]) -> Layout:
    def sheet(width: int) -> Sheet:
        heading, lines = lay_out(COLUMNS, [_cells(entry) for entry in entries], width)
        rows = [_row(entry, line) for entry, line in zip(entries, lines, strict=True)]
        nothing = MadeRow(Content.styled("no run in this folder", MUTED), "")
        return Sheet(rows or [nothing], heading if rows else None)

    return sheet


def _cells(entry: "RunEntry") -> list[Content]:
    mark = marks.RUN[entry.status]
    return [
        mark.content,
        Content.styled(inert.line(entry.pipeline or figures.UNKNOWN, 60), "bold"),
        Content(inert.line(entry.cause or "", 200)),
        Content(figures.count(entry.rows)),
        Content(figures.duration(entry.duration_s)),
        Content(entry.mode or figures.UNKNOWN),
        Content(figures.day_and_time(entry.started)),
        Content.styled(inert.line(entry.id, 80), MUTED),
    ]


def _row(entry: "RunEntry", line: Content) -> MadeRow:
    fields = {"status": entry.status, "pipeline": entry.pipeline, "mode": entry.mode, "run": entry.id}
    is_failure = entry.status not in ("success", "running")
    text = inert.line(
        f"{entry.id} {entry.pipeline or ''} {entry.status} {entry.mode or ''} {entry.cause or ''}", 400
    )
    return MadeRow(line, text, entry.path, fields, is_failure)
