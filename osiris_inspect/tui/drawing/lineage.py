"""Text drawing of a lineage: boxes from left to right if they fit the width, else one line per step and edge.

The location of a frame is shown by a letter (``M``, ``S``, ``✗``), by the line (``━``, ``╍``, ``┈``) and by colour.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from textual.content import Content

from osiris_inspect.inspector.export.lineage.layers import EdgeSegment, LayeredGraph, assign_layers
from osiris_inspect.inspector.run.lineage import Edge, Lineage
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_duration, format_int, format_rows
from osiris_inspect.tui.drawing.canvas import Canvas
from osiris_inspect.tui.drawing.symbols import IN_MEMORY, MUTED, ON_DISK, STEP, edge_style

MAX_BOXES = 60
"""Steps of the largest run that is drawn as boxes."""

_MAX_BOX_TEXT = 30
_MIN_BOX_LINES = 3
_BOX = "╭─╮│╰╯"
_STATUS_BOXES = {"failed": "┏━┓┃┗┛", "skipped": "┌╌┐╎└┘", "not_started": "┌╌┐╎└┘"}
_SELECTED_BOX = "╔═╗║╚╝"


class LineageDrawing(NamedTuple):
    """Lines of a drawing, and the first line and the line count of each step."""

    lines: Sequence[Content]
    line_spans: Mapping[str, tuple[int, int]] = MappingProxyType({})
    boxed: bool = False


def draw(lineage: Lineage, width: int, selected: str | None = None) -> LineageDrawing:
    """Draw a lineage in ``width`` cells, with the selected step highlighted."""
    boxes = _draw_boxes(lineage, width, selected) if len(lineage.steps) <= MAX_BOXES else None
    return boxes or _draw_vertical(lineage, width)


def edge_label(edge: Edge, consumer: StepState) -> str:
    """Return the label of an edge: ``M 14 rows``, ``S 14 → 12 rows``, ``✗ missing``."""
    style = edge_style(edge.location, consumer)
    if style not in (IN_MEMORY, ON_DISK):
        return f"{style.letter} {style.word}"
    if edge.lost_rows:
        return f"{style.letter} {format_int(edge.rows_out)} → {format_rows(edge.rows_in)}"
    rows = edge.rows_in if edge.rows_in is not None else edge.rows_out
    return style.letter if rows is None else f"{style.letter} {format_rows(rows)}"


def legend(lineage: Lineage) -> Content:
    """Return the line styles that occur in the drawing, with their meaning."""
    states = {step.id: step for step in lineage.steps}
    styles = dict.fromkeys(edge_style(edge.location, states[edge.consumer]) for edge in lineage.all_edges)
    entries = [
        Content.assemble((style.across * 2, style.style), (f" {style.letter} {style.word}", MUTED))
        for style in styles
    ]
    return Content("   ").join(entries)


def step_result(step: StepState) -> str:
    """Return the result of a step in a few words: ``14 rows · 0.4 s``, ``failed · 20 ms``, ``skipped``."""
    shows_rows = step.rows_out is not None and step.status not in ("failed", "skipped")
    result = format_rows(step.rows_out) if shows_rows else STEP[step.status].word
    return result if step.duration_s is None else f"{result} · {format_duration(step.duration_s)}"


# ── one line per step, one line per edge ──


def _draw_vertical(lineage: Lineage, width: int) -> LineageDrawing:
    lines: list[Content] = []
    line_spans: dict[str, tuple[int, int]] = {}
    longest = max((len(show_line(step.id, 60)) for step in lineage.steps), default=0)
    above: str | None = None
    for step in lineage.steps:
        edges = [edge for edge in lineage.all_edges if edge.consumer == step.id]
        lines += [_edge_line(edge, step, above) for edge in edges]
        line_spans[step.id] = (len(lines), 1)
        lines.append(_step_line(step, min(longest, max(12, width // 3)), width))
        above = step.id
    return LineageDrawing(lines, line_spans)


def _edge_line(edge: Edge, consumer: StepState, above: str | None) -> Content:
    style = edge_style(edge.location, consumer)
    origin = "" if edge.producer == above else f"  from {show_line(edge.producer, 60)}"
    name = f"  {show_line(edge.name, 40)}" if edge.name else ""
    return Content.assemble(
        (f"{style.down} {edge_label(edge, consumer)}", style.style), (name + origin, MUTED)
    )


def _step_line(step: StepState, id_width: int, width: int) -> Content:
    symbol = STEP[step.status]
    name = Content.styled(show_line(step.id, 60), "bold").truncate(id_width, ellipsis=True, pad=True)
    driver = Content.styled(show_line(step.driver or "", 40), MUTED).truncate(19, ellipsis=True, pad=True)
    result = (step_result(step), _style(step))
    line = Content.assemble((symbol.symbol, symbol.style), " ", name, "  ", driver, "  ", result)
    if step.reused_from:
        line += Content.styled(f"  of {show_line(step.reused_from, 60)}", MUTED)
    if step.skipped_because:
        line += Content.styled(f"  because of {show_line(step.skipped_because, 60)}", MUTED)
    return line.truncate(width, ellipsis=True)


def _style(step: StepState) -> str:
    return "" if step.status in ("succeeded", "reused") else STEP[step.status].style


# ── boxes ──


class _Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


def _draw_boxes(lineage: Lineage, width: int, selected: str | None) -> LineageDrawing | None:
    graph = assign_layers([step.id for step in lineage.steps], lineage.all_edges)
    if graph is None or not graph.layers:
        return None
    states = {step.id: step for step in lineage.steps}
    boxes = _place_boxes(graph, states)
    if max(box.x + box.width for box in boxes.values()) > width:
        return None
    canvas = Canvas()
    for segment in graph.segments:
        _draw_segment(canvas, segment, graph, boxes, states[segment.edge.consumer])
    for step in lineage.steps:
        _draw_box(canvas, step, boxes[step.id], is_selected=step.id == selected)
    line_spans = {step.id: (boxes[step.id].y, boxes[step.id].height) for step in lineage.steps}
    return LineageDrawing(canvas.lines(), line_spans, boxed=True)


def _box_lines(step: StepState) -> list[tuple[str, str]]:
    symbol = STEP[step.status]
    return [
        (f"{symbol.symbol} {show_line(step.id, 60)}", symbol.style if step.status == "failed" else "bold"),
        (f"  {show_line(step.driver or '', 60)}", MUTED),
        (f"  {step_result(step)}", _style(step)),
    ]


def _place_boxes(graph: LayeredGraph[Edge], states: Mapping[str, StepState]) -> dict[str, _Box]:
    """Return the box of each node: layers side by side, centred vertically."""
    sizes = {node: _size(node, graph, states) for layer in graph.layers for node in layer}
    heights = [sum(sizes[node][1] + 1 for node in layer) - 1 for layer in graph.layers]
    boxes: dict[str, _Box] = {}
    x = 0
    for number, layer in enumerate(graph.layers):
        y = (max(heights) - heights[number]) // 2
        width = max(sizes[node][0] for node in layer)
        for node in layer:
            boxes[node] = _Box(x, y, width, sizes[node][1])
            y += sizes[node][1] + 1
        x += width + _column_gap(number, graph, states)
    return boxes


def _size(node: str, graph: LayeredGraph[Edge], states: Mapping[str, StepState]) -> tuple[int, int]:
    if node in graph.waypoints:
        return 1, 1
    longest = max(Content(text).cell_length for text, _ in _box_lines(states[node]))
    return min(longest, _MAX_BOX_TEXT) + 4, max(_MIN_BOX_LINES, len(graph.segments_into(node))) + 2


def _column_gap(layer: int, graph: LayeredGraph[Edge], states: Mapping[str, StepState]) -> int:
    labels = [
        len(edge_label(segment.edge, states[segment.edge.consumer]))
        for segment in graph.segments
        if segment.is_last and segment.start in graph.layers[layer]
    ]
    lanes = len(graph.layers[layer])  # each node has its own lane for the vertical part of its lines
    return lanes + max(labels, default=0) + 6


def _draw_segment(
    canvas: Canvas,
    segment: EdgeSegment[Edge],
    graph: LayeredGraph[Edge],
    boxes: Mapping[str, _Box],
    consumer: StepState,
) -> None:
    style = edge_style(segment.edge.location, consumer)
    start, end = boxes[segment.start], boxes[segment.end]
    siblings = graph.segments_into(segment.end)
    row = end.middle - len(siblings) // 2 + siblings.index(segment) if len(siblings) > 1 else end.middle
    from_x = start.x if segment.start in graph.waypoints else start.x + start.width
    layer = next(layer for layer in graph.layers if segment.start in layer)
    lane = start.x + start.width + 1 + layer.index(segment.start)
    to_x = end.x - 1 if segment.is_last else end.x
    corners = [(from_x, start.middle), (lane, start.middle), (lane, row), (to_x, row)]
    canvas.line(corners, style.across, style.style)
    if segment.is_last:
        label = f" {edge_label(segment.edge, consumer)} "
        canvas.put_text(end.x - 2 - len(label), row, label, style.style)
        canvas.put_text(end.x - 1, row, "▶", style.style)


def _draw_box(canvas: Canvas, step: StepState, box: _Box, *, is_selected: bool) -> None:
    style = "bold $state-link" if is_selected else _style(step) or MUTED
    signs = _SELECTED_BOX if is_selected else _STATUS_BOXES.get(step.status, _BOX)
    canvas.box(box.x, box.y, (box.width, box.height), signs, style)
    top = box.y + 1 + (box.height - 2 - _MIN_BOX_LINES) // 2
    for row, (text, line_style) in enumerate(_box_lines(step)):
        content = Content(text).truncate(box.width - 4, ellipsis=True)
        canvas.put_text(box.x + 2, top + row, content.plain, line_style)
    symbol = STEP[step.status]
    canvas.put_text(box.x + 2, top, symbol.symbol, symbol.style)
