"""A spilled frame: its rows page by page from the file, its columns, and one row or cell of it."""

from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.run.frame_info import Frame, FrameColumn, FrameFacts
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.model.errors import SpillDamaged
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.widgets.footer import Foot
from osiris_inspect.tui.widgets.frame_list import FrameList, FrameRow, in_full, safe
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import MadeRow, Sheet, wrapped
from osiris_inspect.tui.widgets.table_layout import Column, lay_out

_COLUMNS = (
    Column("column", least=8),
    Column("type", least=6),
    Column("was", rank=1),
    Column("null", right=True, rank=2),
    Column("from", least=6, rank=3, enough=30),
    Column("to", least=6, rank=3, enough=30),
)


class FrameScreen(ListScreen):
    """The frame of a step: rows above, columns below."""

    DEFAULT_CSS = """
    FrameScreen #title { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    FrameScreen FrameList { height: 2fr; }
    FrameScreen #columns { height: 1fr; background: $surface; }
    """

    def __init__(self, step: str, path: Path, open_frame: Callable[[Path], Frame]) -> None:
        super().__init__()
        self._step, self._path, self._open = step, path, open_frame
        self._frame: Frame | None = None

    def compose(self) -> ComposeResult:
        """Title, rows, columns, foot."""
        yield Static(_title(self._step, "reading …"), id="title", markup=False)
        yield FrameList()
        yield LineList(id="columns")
        yield Foot(("screen", "list", "app"))

    @property
    def main_list(self) -> LineList:
        """The rows."""
        return self.query_one(FrameList)

    def on_mount(self) -> None:
        """Begin to read."""
        self.main_list.focus()
        self._load()

    def on_unmount(self) -> None:
        """Let go of the file."""
        if self._frame is not None:
            self._frame.__exit__(None, None, None)

    @work(thread=True)
    def _load(self) -> None:
        try:
            frame = self._open(self._path)
        except SpillDamaged as damage:
            self.app.call_from_thread(self._refuse, str(damage))
        else:
            self.app.call_from_thread(self._show, frame)

    def _refuse(self, damage: str) -> None:
        self.query_one("#title", Static).update(_title(self._step, "cannot be read"))
        place = Content.styled(show_line(str(self._path), 300), MUTED)
        self.main_list.show(wrapped([Content.styled(f"✗ {show_line(damage, 400)}", "$state-bad"), place]))

    def _show(self, frame: Frame) -> None:
        self._frame = frame
        self.query_one("#title", Static).update(_title(self._step, _size(frame.facts)))
        if frame.facts.told_rows not in (None, frame.facts.rows):
            self.notify(
                f"schema.json says {figures.rows(frame.facts.told_rows)}", severity="warning", markup=False
            )
        self.query_one("#columns", LineList).show(lambda width: _columns(frame.facts, width))
        self.query_one(FrameList).open_frame(frame)

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a row in full; of a column, go to it."""
        message.stop()
        row = message.lines.row
        if message.lines.id == "columns" and row is not None and isinstance(row.key, int):
            self.query_one(FrameList).show_from(row.key)
        elif isinstance(row, FrameRow) and self._frame is not None:
            self.app.push_screen(TextScreen(f"row {row.number + 1:,}", in_full(row)))


def _title(step: str, words: str) -> Content:
    return Content.assemble(("frame of ", MUTED), (show_line(step, 120), "bold"), (f"  {words}", MUTED))


def _size(facts: FrameFacts) -> str:
    parts = (
        figures.rows(facts.rows),
        figures.plural(len(facts.columns), "column"),
        figures.size(facts.bytes),
        figures.plural(facts.row_groups, "row group"),
    )
    return " · ".join(parts)


def _columns(facts: FrameFacts, width: int) -> Sheet:
    cells = [_column(column, facts.rows) for column in facts.columns]
    heading, lines = lay_out(_COLUMNS, cells, width)
    rows = [
        MadeRow(line, f"{show_line(column.name, 120)} {column.type}", number)
        for number, (line, column) in enumerate(zip(lines, facts.columns, strict=True))
    ]
    return Sheet(rows, heading)


def _column(column: FrameColumn, rows: int) -> list[Content]:
    share = (
        figures.UNKNOWN if column.nulls is None else f"{100 * column.nulls / rows:.0f} %" if rows else "0 %"
    )
    if column.nulls and share == "0 %":
        share = "< 1 %"
    bounds = (
        figures.UNKNOWN if bound is None else safe(column.name, bound) for bound in (column.low, column.high)
    )
    return [
        Content.styled(show_line(column.name, 80), "bold"),
        Content(show_line(column.type, 60)),
        Content.styled(show_line(column.dtype or figures.UNKNOWN, 40), MUTED),
        Content(share),
        *map(Content, bounds),
    ]
