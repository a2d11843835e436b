"""A spilled frame: its rows page by page from the file, its columns, and one row or cell of it."""

from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.run.frame_info import FrameColumn, FrameInfo, FrameReader
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.frame_list import FrameList, FrameRow, row_details, safe_cell
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import ListContent, StaticRow, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

_COLUMNS = (
    TableColumn("column", min_width=8),
    TableColumn("type", min_width=6),
    TableColumn("was", priority=1),
    TableColumn("null", right=True, priority=2),
    TableColumn("from", min_width=6, priority=3, max_width=30),
    TableColumn("to", min_width=6, priority=3, max_width=30),
)


class FrameScreen(ListScreen):
    """The frame of a step: rows above, columns below."""

    DEFAULT_CSS = """
    FrameScreen #title { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    FrameScreen FrameList { height: 2fr; }
    FrameScreen #columns { height: 1fr; background: $surface; }
    """

    def __init__(self, step: str, path: Path, open_frame: Callable[[Path], FrameReader]) -> None:
        super().__init__()
        self._step, self._path, self._open = step, path, open_frame
        self._frame: FrameReader | None = None

    def compose(self) -> ComposeResult:
        """Title, rows, columns, foot."""
        yield Static(_title(self._step, "reading …"), id="title", markup=False)
        yield FrameList()
        yield LineList(id="columns")
        yield Footer(("screen", "list", "app"))

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
        except SpillCorrupt as damage:
            self.app.call_from_thread(self._refuse, str(damage))
        else:
            self.app.call_from_thread(self._show, frame)

    def _refuse(self, damage: str) -> None:
        self.query_one("#title", Static).update(_title(self._step, "cannot be read"))
        place = Content.styled(show_line(str(self._path), 300), MUTED)
        self.main_list.show(text_layout([Content.styled(f"✗ {show_line(damage, 400)}", "$state-bad"), place]))

    def _show(self, frame: FrameReader) -> None:
        self._frame = frame
        self.query_one("#title", Static).update(_title(self._step, _size(frame.info)))
        if frame.info.recorded_rows not in (None, frame.info.rows):
            self.notify(
                f"schema.json says {figures.format_rows(frame.info.recorded_rows)}",
                severity="warning",
                markup=False,
            )
        self.query_one("#columns", LineList).show(lambda width: _columns(frame.info, width))
        self.query_one(FrameList).open_frame(frame)

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a row in full; of a column, go to it."""
        message.stop()
        row = message.lines.row
        if message.lines.id == "columns" and row is not None and isinstance(row.key, int):
            self.query_one(FrameList).scroll_to_column(row.key)
        elif isinstance(row, FrameRow) and self._frame is not None:
            self.app.push_screen(TextScreen(f"row {row.number + 1:,}", row_details(row)))


def _title(step: str, words: str) -> Content:
    return Content.assemble(("frame of ", MUTED), (show_line(step, 120), "bold"), (f"  {words}", MUTED))


def _size(facts: FrameInfo) -> str:
    parts = (
        figures.format_rows(facts.rows),
        figures.pluralize(len(facts.columns), "column"),
        figures.format_bytes(facts.bytes),
        figures.pluralize(facts.row_groups, "row group"),
    )
    return " · ".join(parts)


def _columns(facts: FrameInfo, width: int) -> ListContent:
    cells = [_column(column, facts.rows) for column in facts.columns]
    heading, lines = layout_table(_COLUMNS, cells, width)
    rows = [
        StaticRow(line, f"{show_line(column.name, 120)} {column.type}", number)
        for number, (line, column) in enumerate(zip(lines, facts.columns, strict=True))
    ]
    return ListContent(rows, heading)


def _column(column: FrameColumn, rows: int) -> list[Content]:
    share = (
        figures.UNKNOWN if column.nulls is None else f"{100 * column.nulls / rows:.0f} %" if rows else "0 %"
    )
    if column.nulls and share == "0 %":
        share = "< 1 %"
    bounds = (
        figures.UNKNOWN if bound is None else safe_cell(column.name, bound)
        for bound in (column.low, column.high)
    )
    return [
        Content.styled(show_line(column.name, 80), "bold"),
        Content(show_line(column.type, 60)),
        Content.styled(show_line(column.dtype or figures.UNKNOWN, 40), MUTED),
        Content(share),
        *map(Content, bounds),
    ]
