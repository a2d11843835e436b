"""The lineage as text: boxes from left to right where there is room, rails from top to bottom where there is not.

Where a frame was is told three times: by a letter (``M``, ``S``, ``✗``), by the line (``━``, ``╍``, ``┈``), by colour.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from textual.content import Content

from osiris_inspect.inspector.run.lineage import Edge, Lineage
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.canvas import Canvas
from osiris_inspect.tui.drawing.layers import EdgeSegment, LayeredGraph, assign_layers
from osiris_inspect.tui.drawing.symbols import MUTED, EdgeStyle

MOST_BOXES = 60
"""Steps that are drawn as boxes; a larger run is read from top to bottom."""

_WIDEST_BOX = 30
_LEAST_INNER = 3
_FRAMES = {
    "succeeded": "╭─╮│╰╯",
    "failed": "┏━┓┃┗┛",
    "running": "╭─╮│╰╯",
    "skipped": "┌╌┐╎└┘",
    "not_started": "┌╌┐╎└┘",
}
_SELECTED = "╔═╗║╚╝"


class LineageDrawing(NamedTuple):
    """Lines, and where each step stands among them: its first line and how many it has."""

    lines: Sequence[Content]
    places: Mapping[str, tuple[int, int]] = MappingProxyType({})
    boxed: bool = False


def draw(lineage: Lineage, width: int, selected: str | None = None) -> LineageDrawing:
    """The lineage in ``width`` cells."""
    boxes = _boxes(lineage, width, selected) if len(lineage.steps) <= MOST_BOXES else None
    return boxes or _draw_vertical(lineage, width)


def edge_label(edge: Edge, consumer: StepState) -> str:
    """What stands on an edge: ``M 14 rows``, ``S 14 → 12 rows``, ``✗ none``."""
    wire = marks.edge_style(edge, consumer)
    if wire not in (marks.IN_MEMORY, marks.ON_DISK):
        return f"{wire.letter} {wire.word}"
    if edge.lost_rows:
        return f"{wire.letter} {figures.format_int(edge.rows_out)} → {figures.format_rows(edge.rows_in)}"
    known = edge.rows_in if edge.rows_in is not None else edge.rows_out
    return wire.letter if known is None else f"{wire.letter} {figures.format_rows(known)}"


def legend(lineage: Lineage) -> Content:
    """The lines that occur, with their meaning."""
    states = {step.id: step for step in lineage.steps}
    wires = dict.fromkeys(marks.edge_style(edge, states[edge.consumer]) for edge in lineage.edges)
    parts = [
        Content.assemble((wire.across * 2, wire.style), (f" {wire.letter} {wire.word}", MUTED))
        for wire in wires
    ]
    return Content("   ").join(parts)


def step_result(step: StepState) -> str:
    """How a step ended, in a few words: ``14 rows · 0.4 s``, ``failed · 20 ms``, ``skipped``."""
    what = figures.format_rows(step.rows_out) if step.rows_out is not None else marks.STEP[step.status].word
    if step.status in ("failed", "skipped"):
        what = marks.STEP[step.status].word
    return what if step.duration_s is None else f"{what} · {figures.format_duration(step.duration_s)}"


# ── rails: one line a step, one line an edge ──


def _draw_vertical(lineage: Lineage, width: int) -> LineageDrawing:
    lines: list[Content] = []
    places: dict[str, tuple[int, int]] = {}
    longest = max((len(show_line(step.id, 60)) for step in lineage.steps), default=0)
    above: str | None = None
    for step in lineage.steps:
        edges = [edge for edge in lineage.edges if edge.consumer == step.id]
        lines += [_rail(edge, step, above) for edge in edges] or ([Content("")] if lines and edges else [])
        places[step.id] = (len(lines), 1)
        lines.append(_step_line(step, min(longest, max(12, width // 3)), width))
        above = step.id
    return LineageDrawing(lines, places)


def _rail(edge: Edge, consumer: StepState, above: str | None) -> Content:
    wire = marks.edge_style(edge, consumer)
    origin = "" if edge.producer == above else f"  from {show_line(edge.producer, 60)}"
    name = f"  {show_line(edge.name, 40)}" if edge.name else ""
    return Content.assemble((f"{wire.down} {edge_label(edge, consumer)}", wire.style), (name + origin, MUTED))


def _step_line(step: StepState, longest: int, width: int) -> Content:
    mark = marks.STEP[step.status]
    name = Content.styled(show_line(step.id, 60), "bold").truncate(longest, ellipsis=True, pad=True)
    driver = Content.styled(show_line(step.driver or "", 40), MUTED).truncate(19, ellipsis=True, pad=True)
    line = Content.assemble(
        (mark.symbol, mark.style), " ", name, "  ", driver, "  ", (step_result(step), _tone(step))
    )
    if step.skipped_because:
        line += Content.styled(f"  because of {show_line(step.skipped_because, 60)}", MUTED)
    return line.truncate(width, ellipsis=True)


def _tone(step: StepState) -> str:
    return "" if step.status == "succeeded" else marks.STEP[step.status].style


# ── boxes ──


class _Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


def _boxes(lineage: Lineage, width: int, selected: str | None) -> LineageDrawing | None:
    layers = assign_layers(lineage)
    if layers is None or not layers.layers:
        return None
    states = {step.id: step for step in lineage.steps}
    boxes = _place_boxes(layers, states)
    if max(box.x + box.width for box in boxes.values()) > width:
        return None
    canvas = Canvas()
    for hop in layers.hops:
        _draw_hop(canvas, hop, layers, boxes, states)
    for step in lineage.steps:
        _draw_box(canvas, step, boxes[step.id], is_selected=step.id == selected)
    places = {step.id: (boxes[step.id].y, boxes[step.id].height) for step in lineage.steps}
    return LineageDrawing(canvas.lines(), places, boxed=True)


def _words(step: StepState) -> list[tuple[str, str]]:
    mark = marks.STEP[step.status]
    return [
        (f"{mark.symbol} {show_line(step.id, 60)}", mark.style if step.status == "failed" else "bold"),
        (f"  {show_line(step.driver or '', 60)}", MUTED),
        (f"  {step_result(step)}", _tone(step)),
    ]


def _place_boxes(layers: LayeredGraph, states: Mapping[str, StepState]) -> dict[str, _Box]:
    """Where each box stands: layers side by side, each in the middle of the height."""
    sizes = {place: _size(place, layers, states) for layer in layers.layers for place in layer}
    heights = [sum(sizes[place][1] + 1 for place in layer) - 1 for layer in layers.layers]
    boxes: dict[str, _Box] = {}
    x = 0
    for number, layer in enumerate(layers.layers):
        y = (max(heights) - heights[number]) // 2
        width = max(sizes[place][0] for place in layer)
        for place in layer:
            boxes[place] = _Box(x, y, width, sizes[place][1])
            y += sizes[place][1] + 1
        x += width + _column_gap(number, layers, states)
    return boxes


def _size(place: str, layers: LayeredGraph, states: Mapping[str, StepState]) -> tuple[int, int]:
    if place in layers.waypoints:
        return 1, 1
    words = max(Content(text).cell_length for text, _ in _words(states[place]))
    return min(words, _WIDEST_BOX) + 4, max(_LEAST_INNER, len(layers.segments_into(place))) + 2


def _column_gap(layer: int, layers: LayeredGraph, states: Mapping[str, StepState]) -> int:
    hops = [hop for hop in layers.hops if hop.start in layers.layers[layer]]
    labels = [len(edge_label(hop.edge, states[hop.edge.consumer])) for hop in hops if hop.is_last]
    lanes = len(layers.layers[layer])  # a place whose line goes up or down does so in a lane of its own
    return lanes + max(labels, default=0) + 6


def _draw_hop(
    canvas: Canvas,
    hop: EdgeSegment,
    layers: LayeredGraph,
    boxes: Mapping[str, _Box],
    states: Mapping[str, StepState],
) -> None:
    wire = marks.edge_style(hop.edge, states[hop.edge.consumer])
    start, end = boxes[hop.start], boxes[hop.end]
    into = layers.segments_into(hop.end)
    row = end.middle - len(into) // 2 + into.index(hop) if len(into) > 1 else end.middle
    from_x = start.x if hop.start in layers.waypoints else start.x + start.width
    side_by_side = next(layer for layer in layers.layers if hop.start in layer)
    lane = start.x + start.width + 1 + side_by_side.index(hop.start)
    corners = [
        (from_x, start.middle),
        (lane, start.middle),
        (lane, row),
        (end.x if not hop.is_last else end.x - 1, row),
    ]
    canvas.line(corners, wire.across, wire.style)
    if hop.is_last:
        _draw_label(canvas, hop, wire, (end.x, row), states[hop.edge.consumer])


def _draw_label(
    canvas: Canvas, hop: EdgeSegment, wire: EdgeStyle, at: tuple[int, int], consumer: StepState
) -> None:
    x, y = at
    text = f" {edge_label(hop.edge, consumer)} "
    canvas.put_text(x - 2 - len(text), y, text, wire.style)
    canvas.put_text(x - 1, y, "▶", wire.style)


def _draw_box(canvas: Canvas, step: StepState, box: _Box, *, is_selected: bool) -> None:
    style = "bold $state-link" if is_selected else _tone(step) or MUTED
    signs = _SELECTED if is_selected else _FRAMES[step.status]
    canvas.box(box.x, box.y, (box.width, box.height), signs, style)
    top = box.y + 1 + (box.height - 2 - _LEAST_INNER) // 2
    for row, (text, tone) in enumerate(_words(step)):
        content = Content(text).truncate(box.width - 4, ellipsis=True)
        canvas.put_text(box.x + 2, top + row, content.plain, tone)
    mark = marks.STEP[step.status]
    canvas.put_text(box.x + 2, top, mark.symbol, mark.style)
