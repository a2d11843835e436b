"""Table layout: if a table is too wide, columns are dropped by priority and then shortened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

from rich.cells import cell_len
from textual.content import Content

from osiris_inspect.inspector.text.reasons import MIDDLE, kept_ends, shorten_finding
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, StaticRow, static_row

GAP = "  "


@dataclass(frozen=True, slots=True)
class TableColumn:
    """Column of a table.

    Attributes:
        title: Heading.
        right: True to align cells to the right, as numbers are.
        priority: 0 for a column that is always shown; of the others, the highest number is dropped first.
        min_width: Smallest width in cells, used when no more columns can be dropped.
        max_width: Largest width in cells while other columns could be dropped.
        middle: True for findings: a long one keeps the words that state its reason.
    """

    title: str
    right: bool = False
    priority: int = 0
    min_width: int = 8
    max_width: int = 1_000
    middle: bool = False


def table_rows(
    columns: Sequence[TableColumn],
    cells: Sequence[Sequence[Content]],
    build_row: Callable[[int, Content], StaticRow],
    empty: str = "",
) -> Layout:
    """Return the layout of a table. ``build_row`` gets the number and the line of a row; ``empty`` replaces no rows."""

    def layout(width: int) -> ListContent:
        if empty and not cells:
            return ListContent([static_row(Content.styled(empty, MUTED))])
        heading, lines = layout_table(columns, cells, width)
        return ListContent([build_row(number, line) for number, line in enumerate(lines)], heading)

    return layout


def layout_table(
    columns: Sequence[TableColumn], table: Sequence[Sequence[Content]], width: int
) -> tuple[Content, list[Content]]:
    """Return the heading and the lines of a table in ``width`` cells."""
    natural = [
        max([len(column.title), *(cells[number].cell_length for cells in table)])
        for number, column in enumerate(columns)
    ]
    widths = _widths(columns, natural, width)
    heading = _line(columns, [Content(column.title) for column in columns], widths)
    return heading, [_line(columns, cells, widths) for cells in table]


class _LazyTable(Sequence[StaticRow]):
    """Rows of a table, created on access."""

    def __init__(self, count: int, create: Callable[[int], StaticRow]) -> None:
        self._count, self._create = count, create

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> StaticRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StaticRow]: ...
    def __getitem__(self, index: int | slice) -> StaticRow | Sequence[StaticRow]:
        if isinstance(index, slice):
            return [self._create(number) for number in range(self._count)[index]]
        return self._create(range(self._count)[index])


def lazy_table_rows(
    columns: Sequence[TableColumn],
    texts: Sequence[Sequence[str]],
    build_cells: Callable[[int], Sequence[Content]],
    build_row: Callable[[int, Content], StaticRow],
    empty: str = "",
) -> Layout:
    """Return the layout of a table of many rows, whose cells have these ``texts`` and are built on access."""

    def layout(width: int) -> ListContent:
        if empty and not texts:
            return ListContent([static_row(Content.styled(empty, MUTED))])
        natural = [
            max([len(column.title), *(cell_len(cells[number]) for cells in texts)])
            for number, column in enumerate(columns)
        ]
        widths = _widths(columns, natural, width)
        heading = _line(columns, [Content(column.title) for column in columns], widths)
        return ListContent(
            _LazyTable(
                len(texts), lambda number: build_row(number, _line(columns, build_cells(number), widths))
            ),
            heading,
        )

    return layout


def _widths(columns: Sequence[TableColumn], natural: Sequence[int], width: int) -> list[int]:
    """Return the width of each column, 0 for one that is dropped, from the widths of their longest cells."""
    widths = [min(cells, column.max_width) for cells, column in zip(natural, columns, strict=True)]
    for priority in sorted({column.priority for column in columns if column.priority}, reverse=True):
        if _total(widths) > width:
            widths = [
                0 if column.priority == priority else old for column, old in zip(columns, widths, strict=True)
            ]
    _shorten(widths, [column.min_width for column in columns], width)
    return _lengthen(widths, natural, width)


def _shorten(widths: list[int], min_width: Sequence[int], width: int) -> None:
    """Shorten the column with the most spare cells until the table fits."""
    while _total(widths) > width:
        spare = [old - least if old else 0 for old, least in zip(widths, min_width, strict=True)]
        widest = spare.index(max(spare))
        if spare[widest] <= 0:
            return
        widths[widest] -= min(spare[widest], _total(widths) - width)


def _lengthen(widths: Sequence[int], natural: Sequence[int], width: int) -> list[int]:
    """Give the remaining cells to the shortened columns, the most shortened one first."""
    longer = list(widths)
    missing = {number: natural[number] - old for number, old in enumerate(widths) if old}
    for number in sorted(missing, key=lambda number: -missing[number]):
        longer[number] += max(0, min(missing[number], width - _total(longer)))
    return longer


def _total(widths: Sequence[int]) -> int:
    visible = [width for width in widths if width]
    return sum(visible) + len(GAP) * max(0, len(visible) - 1)


def _line(columns: Sequence[TableColumn], cells: Sequence[Content], widths: Sequence[int]) -> Content:
    fitted = [
        fit_cell(_shortened(cell, width) if column.middle else cell, width, right=column.right)
        for column, cell, width in zip(columns, cells, widths, strict=True)
        if width
    ]
    return Content(GAP).join(fitted).rstrip()


def _shortened(cell: Content, width: int) -> Content:
    """Return a cell with a finding in ``width`` characters; one of several styles loses its middle and keeps them."""
    if cell.cell_length <= width:
        return cell
    if not cell.spans:
        return Content(shorten_finding(cell.plain, width))
    start, end = kept_ends(cell.plain, width)
    return cell[: len(start)] + Content(MIDDLE) + cell[len(cell) - len(end) :] if end else cell


def fit_cell(cell: Content, width: int, *, right: bool = False) -> Content:
    """Return a cell padded or truncated to ``width`` cells."""
    if right:
        return cell.truncate(width, ellipsis=True).pad_left(max(0, width - cell.cell_length))
    return cell.truncate(width, ellipsis=True, pad=True)
