"""Tables: cells laid out in columns that fit a width. What does not fit is left out by rank, then shortened."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

GAP = "  "


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column.

    Attributes:
        title: its heading.
        right: whether its cells stand at the right, as figures do.
        rank: 0 for one that always stays; of the others the highest goes first where room is short.
        least: cells it may be shortened to once nothing can be left out.
        enough: cells it may be shortened to before another is left out.
    """

    title: str
    right: bool = False
    priority: int = 0
    min_width: int = 8
    max_width: int = 1_000


def layout_table(
    columns: Sequence[TableColumn], table: Sequence[Sequence[Content]], width: int
) -> tuple[Content, list[Content]]:
    """The heading and the lines of a table in ``width`` cells."""
    widths = _widths(columns, table, width)
    heading = _line(columns, [Content(column.title) for column in columns], widths)
    return heading, [_line(columns, cells, widths) for cells in table]


def _widths(columns: Sequence[TableColumn], table: Sequence[Sequence[Content]], width: int) -> list[int]:
    """The width of each column, 0 for one that is left out."""
    natural = [
        max([len(column.title), *(cells[place].cell_length for cells in table)])
        for place, column in enumerate(columns)
    ]
    widths = [min(cells, column.max_width) for cells, column in zip(natural, columns, strict=True)]
    for rank in sorted({column.priority for column in columns if column.priority}, reverse=True):
        if _total(widths) > width:
            widths = [
                0 if column.priority == rank else old for column, old in zip(columns, widths, strict=True)
            ]
    _shorten(widths, [column.min_width for column in columns], width)
    return _lengthen(widths, natural, width)


def _shorten(widths: list[int], min_width: Sequence[int], width: int) -> None:
    """Take what is too much from the column that can spare most, again and again."""
    while _total(widths) > width:
        spare = [old - end if old else 0 for old, end in zip(widths, min_width, strict=True)]
        widest = spare.index(max(spare))
        if spare[widest] <= 0:
            return
        widths[widest] -= min(spare[widest], _total(widths) - width)


def _lengthen(widths: Sequence[int], natural: Sequence[int], width: int) -> list[int]:
    """Give what is left over to the columns that were shortened, the most shortened one first."""
    longer = list(widths)
    lacking = {place: natural[place] - old for place, old in enumerate(widths) if old}
    for place in sorted(lacking, key=lambda place: -lacking[place]):
        longer[place] += max(0, min(lacking[place], width - _total(longer)))
    return longer


def _total(widths: Sequence[int]) -> int:
    kept = [one for one in widths if one]
    return sum(kept) + len(GAP) * max(0, len(kept) - 1)


def _line(columns: Sequence[TableColumn], cells: Sequence[Content], widths: Sequence[int]) -> Content:
    parts = [
        _cell(cell, width, right=column.right)
        for column, cell, width in zip(columns, cells, widths, strict=True)
        if width
    ]
    return Content(GAP).join(parts).rstrip()


def _cell(cell: Content, width: int, *, right: bool) -> Content:
    if cell.cell_length > width:
        return cell.truncate(width, ellipsis=True)
    blank = Content(" " * (width - cell.cell_length))
    return blank + cell if right else cell + blank
