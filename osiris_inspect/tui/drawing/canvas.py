"""Grid of terminal cells with text, boxes, and lines that join where they meet."""

from dataclasses import dataclass, field
from itertools import groupby, pairwise

from rich.cells import cell_len
from textual.content import Content

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
_HEAVY = " ╹╻┃╸┛┓┫╺┗┏┣━┻┳╋"
_LIGHT = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"
_SPILLED = "".join({UP | DOWN: "╏", LEFT | RIGHT: "╍"}.get(mask, sign) for mask, sign in enumerate(_HEAVY))
_BROKEN = "".join({UP | DOWN: "┊", LEFT | RIGHT: "┈"}.get(mask, sign) for mask, sign in enumerate(_LIGHT))
_ORDER = "".join({UP | DOWN: "┆", LEFT | RIGHT: "┄"}.get(mask, sign) for mask, sign in enumerate(_LIGHT))
_SIGNS = {"━": _HEAVY, "╍": _SPILLED, "┈": _BROKEN, "┄": _ORDER}

Point = tuple[int, int]


@dataclass
class Canvas:
    """Cells by ``(x, y)``. Cells of lines remember their directions, so that crossings are drawn correctly."""

    cells: dict[Point, tuple[str, str]] = field(default_factory=dict)
    _directions: dict[Point, int] = field(default_factory=dict)

    def put_text(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write text from ``(x, y)`` to the right; a wide character takes two cells."""
        for character in text:
            width = cell_len(character)
            if width:
                self.cells[x, y] = (character, style)
                if width > 1:
                    self.cells[x + 1, y] = ("", style)
                x += width

    def box(self, x: int, y: int, size: tuple[int, int], signs: str, style: str) -> None:
        """Draw a box; ``signs`` are its corners and sides: ``╭─╮│╰╯``."""
        width, height = size
        top_left, across, top_right, side, bottom_left, bottom_right = tuple(signs)
        self.put_text(x, y, top_left + across * (width - 2) + top_right, style)
        for row in range(y + 1, y + height - 1):
            self.put_text(x, row, side, style)
            self.put_text(x + width - 1, row, side, style)
        self.put_text(x, y + height - 1, bottom_left + across * (width - 2) + bottom_right, style)

    def line(self, corners: list[Point], across: str, style: str) -> None:
        """Draw a line through corners; each two neighbours share a row or a column."""
        for start, end in pairwise(corners):
            self._segment(start, end, across, style)

    def _segment(self, start: Point, end: Point, across: str, style: str) -> None:
        (x, y), (far_x, far_y) = start, end
        step_x, step_y = (far_x > x) - (far_x < x), (far_y > y) - (far_y < y)
        ahead = {(1, 0): RIGHT, (-1, 0): LEFT, (0, 1): DOWN, (0, -1): UP}.get((step_x, step_y), 0)
        behind = {RIGHT: LEFT, LEFT: RIGHT, DOWN: UP, UP: DOWN}.get(ahead, 0)
        while (x, y) != end:
            self._join((x, y), ahead, across, style)
            x, y = x + step_x, y + step_y
            self._join((x, y), behind, across, style)

    def _join(self, point: Point, direction: int, across: str, style: str) -> None:
        directions = self._directions[point] = self._directions.get(point, 0) | direction
        self.cells[point] = (_SIGNS[across][directions], style)

    def lines(self) -> list[Content]:
        """Return the drawing line by line."""
        width = max((x for x, _ in self.cells), default=-1) + 1
        height = max((y for _, y in self.cells), default=-1) + 1
        return [self._line(y, width) for y in range(height)]

    def _line(self, y: int, width: int) -> Content:
        cells = [self.cells.get((x, y), (" ", "")) for x in range(width)]
        runs = groupby(cells, key=lambda cell: cell[1])
        return Content.assemble(*(("".join(sign for sign, _ in run), style) for style, run in runs)).rstrip()
