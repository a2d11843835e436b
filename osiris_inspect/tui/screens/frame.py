"""Preview of a spilled frame: its rows, its columns, and one row in full."""

from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.content import Content

from osiris_inspect.inspector.run.frame_info import FrameColumn, FrameInfo, FrameReader
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import UNKNOWN, format_bytes, format_rows, pluralize
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.screens.list_screen import TitledScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.widgets.frame_list import FrameList, FrameRow, row_details, safe_cell
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import StaticRow, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, table_rows

_COLUMNS = (
    TableColumn("column", min_width=8),
    TableColumn("type", min_width=6),
    TableColumn("dtype", priority=1),
    TableColumn("null", right=True, priority=2),
    TableColumn("min", min_width=6, priority=3, max_width=30),
    TableColumn("max", min_width=6, priority=3, max_width=30),
)


class FrameScreen(TitledScreen):
    """Frame of a step: rows above, columns below."""

    DEFAULT_CSS = """
    FrameScreen FrameList { height: 2fr; }
    FrameScreen #columns { height: 1fr; background: $surface; }
    """

    def __init__(self, step: str, path: Path, open_frame: Callable[[Path], FrameReader]) -> None:
        super().__init__()
        self._step, self._path, self._open_frame = step, path, open_frame
        self._frame: FrameReader | None = None

    def create_lists(self) -> list[LineList]:
        """Return the rows and the columns."""
        return [FrameList(), LineList(id="columns")]

    def start(self) -> None:
        """Start reading."""
        self._set_status("reading …")
        self.main_list.focus()
        self._load()

    def on_unmount(self) -> None:
        """Close the file."""
        if self._frame is not None:
            self._frame.__exit__(None, None, None)

    @work(thread=True)
    def _load(self) -> None:
        try:
            frame = self._open_frame(self._path)
        except SpillCorrupt as error:
            self.app.call_from_thread(self._show_unreadable, str(error))
        else:
            self.app.call_from_thread(self._show, frame)

    def _set_status(self, status: str) -> None:
        step = (show_line(self._step, 120), "bold")
        self.set_title(Content.assemble(("frame of ", MUTED), step, (f"  {status}", MUTED)))

    def _show_unreadable(self, error: str) -> None:
        self._set_status("unreadable")
        path = Content.styled(show_line(str(self._path), 300), MUTED)
        self.main_list.show(text_layout([Content.styled(f"✗ {show_line(error, 400)}", "$state-bad"), path]))

    def _show(self, frame: FrameReader) -> None:
        self._frame, info = frame, frame.info
        size = (
            format_rows(info.rows),
            pluralize(len(info.columns), "column"),
            format_bytes(info.bytes),
            pluralize(info.row_groups, "row group"),
        )
        self._set_status(" · ".join(size))
        if info.recorded_rows not in (None, info.rows):
            text = f"schema.json records {format_rows(info.recorded_rows)}, the file has {info.rows:,}"
            self.notify(text, severity="warning", markup=False)
        columns = [_column(column, info.rows) for column in info.columns]
        self.query_one("#columns", LineList).show(
            table_rows(_COLUMNS, columns, lambda number, line: _row(number, line, info))
        )
        self.query_one(FrameList).open_frame(frame)

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a row in full, or scroll to a column."""
        message.stop()
        row = message.lines.row
        if message.lines.id == "columns" and row is not None and isinstance(row.key, int):
            self.query_one(FrameList).scroll_to_column(row.key)
        elif isinstance(row, FrameRow) and self._frame is not None:
            self.app.push_screen(TextScreen(f"row {row.number + 1:,}", row_details(row)))


def _row(number: int, line: Content, info: FrameInfo) -> StaticRow:
    column = info.columns[number]
    return StaticRow(line, f"{show_line(column.name, 120)} {column.type}", number)


def _column(column: FrameColumn, rows: int) -> list[Content]:
    share = UNKNOWN if column.nulls is None else f"{100 * column.nulls / max(rows, 1):.0f} %"
    if column.nulls and share == "0 %":
        share = "< 1 %"
    bounds = (
        UNKNOWN if bound is None else safe_cell(column.name, bound) for bound in (column.low, column.high)
    )
    return [
        Content.styled(show_line(column.name, 80), "bold"),
        Content(show_line(column.type, 60)),
        Content.styled(show_line(column.dtype or UNKNOWN, 40), MUTED),
        Content(share),
        *map(Content, bounds),
    ]
