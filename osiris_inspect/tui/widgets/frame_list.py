"""List of the rows of a frame, read page by page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from rich.cells import cell_len
from textual.content import Content

from osiris_inspect.inspector.run.frame_info import Cell, FrameColumn, FrameReader
from osiris_inspect.inspector.text.sanitize import multi_line, show_line
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.model.redaction import MASK, is_secret_key
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared.key_bindings import bindings
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.list_rows import ListContent
from osiris_inspect.tui.widgets.table_layout import fit_cell

PAGE_ROWS = 500
"""Rows that are read together."""

MAX_COLUMNS = 32
"""Columns read of a wide frame, starting with the first visible one. Other frames are read whole."""

_MAX_WIDTH = 40
_NULL = "null"
_NUMERIC_TYPE = re.compile(
    r"(u?(big|huge|small|tiny)?int(?!erval)|(half)?float|double|decimal)[^\]]*\Z", re.IGNORECASE
)
"""Numeric types of Parquet and DuckDB. Lists of numbers are not numeric."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """Row of a frame: its cells from the first visible column.

    Attributes:
        widths: Width of each column in cells; negative if its cells are aligned to the right.
        digits: Width of the row number in cells.
    """

    number: int
    cells: Sequence[Cell]
    names: Sequence[str]
    widths: Sequence[int]
    digits: int

    @property
    def key(self) -> int:
        """Row number."""
        return self.number

    @property
    def fields(self) -> dict[str, object]:
        """Cells by column name."""
        return dict(zip(self.names, map(safe_cell, self.names, self.cells), strict=True))

    @property
    def text(self) -> str:
        """Cells separated by tabs, for spreadsheets."""
        return "\t".join(map(safe_cell, self.names, self.cells))

    is_failure = is_warning = False

    @property
    def content(self) -> Content:
        """Row number and cells."""
        cells = [Content.styled(f"{self.number + 1:>{self.digits},}", MUTED)]
        for name, cell, width in zip(self.names, self.cells, self.widths, strict=True):
            content = Content.styled(_NULL, MUTED) if cell is None else Content(safe_cell(name, cell))
            cells.append(fit_cell(content, abs(width), right=width < 0))
        return Content("  ").join(cells)


def _width(column: FrameColumn, cells: Sequence[Cell]) -> int:
    """Return the width of a column, as in ``FrameRow``."""
    texts = [show_line(column.name, 60), *(safe_cell(column.name, cell) for cell in cells)]
    width = min(_MAX_WIDTH, max(map(cell_len, texts)))
    return -width if _NUMERIC_TYPE.match(column.type) else width


def safe_cell(name: str, cell: Cell) -> str:
    """Return a cell with secrets masked and control characters escaped."""
    if cell is None:
        return _NULL
    return MASK if is_secret_key(name) and cell else show_line(cell, 400)


class FrameRows:
    """Rows of an open frame, read on access; the last pages are cached."""

    def __init__(self, frame: FrameReader, lock: Lock, first: int) -> None:
        self.frame, self.first = frame, first
        names = [column.name for column in frame.info.columns]
        is_narrow = len(names) <= MAX_COLUMNS
        has_duplicates = len(set(names)) < len(names)  # such columns cannot be read by name
        self._columns = None if is_narrow or has_duplicates else names[first : first + MAX_COLUMNS]
        self.names = names[first:] if self._columns is None else self._columns
        self._lock = lock
        self._page = lru_cache(maxsize=16)(self._read)
        self._digits = max(3, len(f"{len(self):,}"))
        ends = [*self._page(0)[:100], *self._page((len(self) - 1) // PAGE_ROWS)[-100:]] if len(self) else []
        sample = [row[-len(self.names) :] for row in ends]
        visible = frame.info.columns[first : first + len(self.names)]
        self._widths = [_width(column, [row[n] for row in sample]) for n, column in enumerate(visible)]

    def __len__(self) -> int:
        return self.frame.info.rows

    def __getitem__(self, index: int) -> FrameRow:
        cells = self._page(index // PAGE_ROWS)[index % PAGE_ROWS][-len(self.names) :] if self.names else ()
        return FrameRow(index, cells, self.names, self._widths, self._digits)

    def heading(self) -> Content:
        """Return the names of the visible columns."""
        names = (
            fit_cell(Content(show_line(name, 60)), abs(width), right=width < 0)
            for name, width in zip(self.names, self._widths, strict=True)
        )
        return Content("  ").join([Content(" " * self._digits), *names])

    def _read(self, number: int) -> list[tuple[Cell, ...]]:
        begin = number * PAGE_ROWS
        count = min(PAGE_ROWS, len(self) - begin)
        try:
            with self._lock:
                return self.frame.read_page(begin, count, self._columns)
        except SpillCorrupt as error:
            return [(f"✗ {error}",) * len(self.names)] * count


class FrameList(LineList):
    """Rows of a frame, scrolled sideways column by column."""

    BINDINGS = bindings("frame")
    _frame: FrameReader | None = None

    def open_frame(self, frame: FrameReader) -> None:
        """Show the rows of a frame."""
        self._frame, self._lock = frame, Lock()
        self.scroll_to_column(0)

    def scroll_to_column(self, column: int) -> None:
        """Show the columns from this one on."""
        if self._frame is None:
            return
        rows = FrameRows(self._frame, self._lock, max(0, min(column, len(self._frame.info.columns) - 1)))
        cursor = self.cursor
        self.show(lambda _width: ListContent(rows, rows.heading()))
        self.cursor = cursor

    def action_shift(self, by: int) -> None:
        """Scroll sideways by one column."""
        rows = self.sheet.rows
        if isinstance(rows, FrameRows):
            self.scroll_to_column(rows.first + (1 if by > 0 else -1))

    def action_copy_cell(self) -> None:
        """Copy the first visible cell to the clipboard."""
        if isinstance(self.row, FrameRow) and self.row.cells:
            self.copy_text(safe_cell(self.row.names[0], self.row.cells[0]))


def row_details(row: FrameRow) -> list[Content]:
    """Return a row of a frame with each cell below the name of its column."""
    lines: list[Content] = []
    for name, cell in zip(row.names, row.cells, strict=True):
        lines.append(Content.styled(show_line(name, 120), "bold $state-link"))
        if cell is None:
            lines.append(Content.styled(f"  {_NULL}", MUTED))
        else:
            text = MASK if is_secret_key(name) and cell else cell
            lines += [Content(f"  {line}") for line in multi_line(text)]
    return lines
