"""A spilled frame: its rows page by page from the file, its columns, and one row or cell of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import overload

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.frame_facts import Cell, Frame, FrameColumn, FrameFacts
from osiris_inspect.inspector.plain import multi_line, show_line
from osiris_inspect.model.errors import SpillDamaged
from osiris_inspect.model.redact import MASK, is_secret_key
from osiris_inspect.tui import figures, keys
from osiris_inspect.tui.columns import Column, lay_out
from osiris_inspect.tui.lines import COPY_LIMIT, LineList
from osiris_inspect.tui.marks import MUTED
from osiris_inspect.tui.messages import RowOpened
from osiris_inspect.tui.panes.foot import Foot
from osiris_inspect.tui.rows import MadeRow, Row, Sheet, wrapped
from osiris_inspect.tui.screens.listing import ListScreen
from osiris_inspect.tui.screens.text import TextScreen

PAGE = 500
"""Rows that are turned into text together."""

AT_ONCE = 32
"""Columns up to which all are read; of a wider frame, so many from the first one that is shown."""

_WIDEST = 40
_NULL = "null"
_FIGURES = (
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
_COLUMNS = (
    Column("column", least=8),
    Column("type", least=6),
    Column("was", rank=1),
    Column("null", right=True, rank=2),
    Column("from", least=6, rank=3, enough=30),
    Column("to", least=6, rank=3, enough=30),
)


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
        return dict(zip(self.names, map(safe, self.names, self.cells), strict=True))

    @property
    def text(self) -> str:
        """Its cells with tabs between them, as a table calculation takes them."""
        return "\t".join(map(safe, self.names, self.cells))

    is_failure = is_warning = False

    @property
    def content(self) -> Content:
        """Its number and its cells from the first column shown on."""
        parts = [Content.styled(f"{self.number + 1:>{self.digits},}", MUTED)]
        for name, cell, width in zip(self.names, self.cells, self.widths, strict=True):
            shown = Content.styled(_NULL, MUTED) if cell is None else Content(safe(name, cell))
            parts.append(_fitted(shown, width))
        return Content("  ").join(parts)


def _width(column: FrameColumn, cells: Sequence[Cell]) -> int:
    """Cells of a column, as ``FrameRow`` has them."""
    longest = max(
        [cell_len(show_line(column.name, 60)), *(cell_len(safe(column.name, cell)) for cell in cells)]
    )
    width = min(_WIDEST, longest)
    kind = column.type.lower()
    return -width if kind.startswith(_FIGURES) and not kind.endswith("]") and kind != "interval" else width


def _fitted(cell: Content, width: int) -> Content:
    if width >= 0:
        return cell.truncate(width, ellipsis=True, pad=True)
    return cell.truncate(-width, ellipsis=True).pad_left(max(0, -width - cell.cell_length))


def safe(name: str, cell: Cell) -> str:
    """A cell as it may be shown: secrets masked, control characters inert."""
    if cell is None:
        return _NULL
    return MASK if is_secret_key(name) and cell else show_line(cell, 400)


class FrameRows(Sequence[Row]):
    """The rows of an open frame, read when they are looked at; the last pages are kept."""

    def __init__(self, frame: Frame, lock: Lock, first: int) -> None:
        self.frame, self.first = frame, first
        names = [column.name for column in frame.facts.columns]
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
        shown = frame.facts.columns[first : first + len(self.names)]
        self._widths = [_width(column, [row[place] for row in sample]) for place, column in enumerate(shown)]

    def __len__(self) -> int:
        return self.frame.facts.rows

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
                return self.frame.page(begin, count, self._columns)
        except SpillDamaged as damage:
            return [(f"✗ {damage}",) * len(self.names)] * count


class FrameList(LineList):
    """The rows of a frame, moved sideways column by column."""

    BINDINGS = keys.bindings("frame")
    _frame: Frame | None = None

    def open_frame(self, frame: Frame) -> None:
        """Show the rows of a frame."""
        self._frame, self._lock = frame, Lock()
        self.show_from(0)

    def show_from(self, column: int) -> None:
        """Show the columns from this one on."""
        if self._frame is None:
            return
        rows = FrameRows(self._frame, self._lock, max(0, min(column, len(self._frame.facts.columns) - 1)))
        at = self.cursor
        self.show(lambda _width: Sheet(rows, rows.heading()))
        self.cursor = at

    def action_shift(self, by: int) -> None:
        """Show the columns from the next or the previous one on."""
        rows = self.sheet.rows
        if isinstance(rows, FrameRows):
            self.show_from(rows.first + (1 if by > 0 else -1))

    def action_copy_cell(self) -> None:
        """Put the first cell that is shown on the clipboard."""
        if isinstance(self.row, FrameRow) and self.row.cells:
            text = safe(self.row.names[0], self.row.cells[0])[:COPY_LIMIT]
            self.app.copy_to_clipboard(text)
            self.notify(f"copied {show_line(self.row.names[0], 60)}", markup=False)


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


def in_full(row: FrameRow) -> list[Content]:
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
