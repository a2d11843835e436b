"""FrameList: the rows of a frame, read page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import overload

from rich.cells import cell_len
from textual.content import Content

from osiris_inspect.inspector.run.frame_info import Cell, FrameColumn, FrameReader
from osiris_inspect.inspector.text.sanitize import multi_line, show_line
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.model.redaction import MASK, is_secret_key
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.widgets.line_list import COPY_LIMIT, LineList
from osiris_inspect.tui.widgets.list_rows import ListContent, Row

PAGE = 500
"""Rows that are turned into text together."""


AT_ONCE = 32
"""Columns up to which all are read; of a wider frame, so many from the first one that is shown."""


_WIDEST = 40


_NULL = "null"


_NUMERIC_TYPES = (
    "int",
    "uint",
    "float",
    "double",
    "halffloat",
    "decimal",
    "bigint",
    "hugeint",
    "smallint",
    "tinyint",
    "ubigint",
)
"""How the types of columns begin that hold figures, as Parquet and DuckDB name them; an ``interval`` is none."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One row of a frame; its cells from the first column that is shown on."""

    number: int
    cells: Sequence[Cell]
    names: Sequence[str]
    widths: Sequence[int]
    """Cells of each column; of one that holds figures, which stand at the right, below 0."""
    digits: int

    @property
    def key(self) -> int:
        """Its number."""
        return self.number

    @property
    def fields(self) -> dict[str, object]:
        """Its cells by the names of their columns."""
        return dict(zip(self.names, map(safe_cell, self.names, self.cells), strict=True))

    @property
    def text(self) -> str:
        """Its cells with tabs between them, as a table calculation takes them."""
        return "\t".join(map(safe_cell, self.names, self.cells))

    is_failure = is_warning = False

    @property
    def content(self) -> Content:
        """Its number and its cells from the first column shown on."""
        parts = [Content.styled(f"{self.number + 1:>{self.digits},}", MUTED)]
        for name, cell, width in zip(self.names, self.cells, self.widths, strict=True):
            shown = Content.styled(_NULL, MUTED) if cell is None else Content(safe_cell(name, cell))
            parts.append(_fitted(shown, width))
        return Content("  ").join(parts)


def _width(column: FrameColumn, cells: Sequence[Cell]) -> int:
    """Cells of a column, as ``FrameRow`` has them."""
    longest = max(
        [cell_len(show_line(column.name, 60)), *(cell_len(safe_cell(column.name, cell)) for cell in cells)]
    )
    width = min(_WIDEST, longest)
    kind = column.type.lower()
    return (
        -width if kind.startswith(_NUMERIC_TYPES) and not kind.endswith("]") and kind != "interval" else width
    )


def _fitted(cell: Content, width: int) -> Content:
    if width >= 0:
        return cell.truncate(width, ellipsis=True, pad=True)
    return cell.truncate(-width, ellipsis=True).pad_left(max(0, -width - cell.cell_length))


def safe_cell(name: str, cell: Cell) -> str:
    """A cell as it may be shown: secrets masked, control characters inert."""
    if cell is None:
        return _NULL
    return MASK if is_secret_key(name) and cell else show_line(cell, 400)


class FrameRows(Sequence[Row]):
    """The rows of an open frame, read when they are looked at; the last pages are kept."""

    def __init__(self, frame: FrameReader, lock: Lock, first: int) -> None:
        self.frame, self.first = frame, first
        names = [column.name for column in frame.info.columns]
        is_narrow = len(names) <= AT_ONCE or len(set(names)) < len(
            names
        )  # equal names cannot be asked for one by one
        self._columns = None if is_narrow else names[first : first + AT_ONCE]
        self.names = names[first:] if self._columns is None else self._columns
        self._lock = lock
        self._page = lru_cache(maxsize=16)(self._read)
        self._digits = max(3, len(f"{len(self):,}"))
        ends = [*self._page(0)[:100], *self._page((len(self) - 1) // PAGE)[-100:]] if len(self) else []
        sample = [row[-len(self.names) :] for row in ends]
        shown = frame.info.columns[first : first + len(self.names)]
        self._widths = [_width(column, [row[place] for row in sample]) for place, column in enumerate(shown)]

    def __len__(self) -> int:
        return self.frame.info.rows

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        cells = self._page(index // PAGE)[index % PAGE][-len(self.names) :] if self.names else ()
        return FrameRow(index, cells, self.names, self._widths, self._digits)

    def heading(self) -> Content:
        """The names of the columns that are shown."""
        names = (
            _fitted(Content(show_line(name, 60)), width)
            for name, width in zip(self.names, self._widths, strict=True)
        )
        return Content("  ").join([Content(" " * self._digits), *names])

    def _read(self, number: int) -> list[tuple[Cell, ...]]:
        begin = number * PAGE
        count = min(PAGE, len(self) - begin)
        try:
            with self._lock:
                return self.frame.read_page(begin, count, self._columns)
        except SpillCorrupt as damage:
            return [(f"✗ {damage}",) * len(self.names)] * count


class FrameList(LineList):
    """The rows of a frame, moved sideways column by column."""

    BINDINGS = keys.bindings("frame")
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
        at = self.cursor
        self.show(lambda _width: ListContent(rows, rows.heading()))
        self.cursor = at

    def action_shift(self, by: int) -> None:
        """Show the columns from the next or the previous one on."""
        rows = self.sheet.rows
        if isinstance(rows, FrameRows):
            self.scroll_to_column(rows.first + (1 if by > 0 else -1))

    def action_copy_cell(self) -> None:
        """Put the first cell that is shown on the clipboard."""
        if isinstance(self.row, FrameRow) and self.row.cells:
            text = safe_cell(self.row.names[0], self.row.cells[0])[:COPY_LIMIT]
            self.app.copy_to_clipboard(text)
            self.notify(f"copied {show_line(self.row.names[0], 60)}", markup=False)


def row_details(row: FrameRow) -> list[Content]:
    """A row of a frame, a cell under the name of its column."""
    lines: list[Content] = []
    for name, cell in zip(row.names, row.cells, strict=True):
        lines.append(Content.styled(show_line(name, 120), "bold $state-link"))
        if cell is None:
            lines.append(Content.styled(f"  {_NULL}", MUTED))
        elif is_secret_key(name) and cell:
            lines.append(Content(f"  {MASK}"))
        else:
            lines += [Content(f"  {part}") for part in multi_line(cell)]
    return lines
