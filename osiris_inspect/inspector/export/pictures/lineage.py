"""The lineage as a picture: a box per step that lists its inputs, and a line per frame.

Boxes stand in layers from left to right, or from top to bottom if that is less wide. Of a large run the cause of the failure
and the steps nearest to it are drawn.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from textwrap import wrap
from typing import Final, NamedTuple

from osiris_inspect.inspector.export.lineage.diagram import DiagramEdge, DiagramNode, LineageDiagram
from osiris_inspect.inspector.export.lineage.labels import GLYPHS, node_label
from osiris_inspect.inspector.export.lineage.layers import EdgeSegment, LayeredGraph, assign_layers
from osiris_inspect.inspector.export.pictures.svg import (
    CELL,
    MARGIN,
    MAX_STEPS,
    Picture,
    hidden,
    safe,
    text_line,
)
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.inspector.text.display_width import cut_to_width, display_width
from osiris_inspect.inspector.text.units import format_bytes, pluralize

CELLS: Final = 38
"""Cells of a line of text in a box."""
MAX_INPUTS: Final = 16
"""Inputs that a box lists."""
MAX_MESSAGE_LINES: Final = 4
MAX_SEGMENTS: Final = 800
MIN_WIDTH: Final = 440
PAGE_WIDTH: Final = 1100
"""Width in pixels up to which layers are drawn from left to right."""
_PADDING: Final = 12
_WIDTH: Final = round(CELLS * CELL) + 2 * _PADDING
_LINE: Final = 17
_GAP: Final = 18
_LAYER_GAP: Final = 52
_WAYPOINT: Final = 10
_SIZE: Final = re.compile(r"\((\S+) (\S+)\)")
_LEGEND: Final = {
    "memory": "in memory",
    "spill": "spilled to disk",
    "order": "order only",
    "bad": "failing path, lost rows or not received",
}


class _Line(NamedTuple):
    """Text on the left and on the right of a line in a box; ``edge`` if the line of a frame ends here."""

    left: str
    kind: str = ""
    right: str = ""
    edge: DiagramEdge | None = None


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def lineage_picture(graph: LineageDiagram) -> Picture:
    """Return the picture of a lineage."""
    nodes = _drawn_nodes(graph)
    names = [node.id for node in nodes]
    inputs = _inputs(graph, names)
    texts = {node.id: _lines(node, inputs[node.id]) for node in nodes}
    links = [line.edge for lines in texts.values() for line in lines if line.edge is not None]
    layered = _layered(names, links)
    layout = _Layout(layered, texts, is_down=_is_down(layered))
    right = max((box.x + box.width for box in layout.boxes.values()), default=0.0)
    bottom = max((box.y + box.height for box in layout.boxes.values()), default=0.0)
    body = [
        *(line for segment in layered.segments for line in layout.edge(segment)),
        *(line for node in nodes for line in _node(node, layout.boxes[node.id], texts[node.id])),
        *_legend(links, bottom + 30),
    ]
    notes = _notes(len(nodes), len(graph.nodes), len(links) - sum(part.is_last for part in layered.segments))
    if notes:
        body.append(text_line(MARGIN, bottom + 52, notes, "warn"))
    name = safe(graph.pipeline or graph.run, 60)
    status = STATUS_WORDS[graph.status]
    return Picture(
        f"{name} · {safe(graph.run, 60)} · {status}" if graph.pipeline else f"{name} · {status}",
        f"Lineage of {name}: {status}",
        " ".join(f"{safe(node.id, 60)}: {_result(node)}." for node in nodes),
        max(right + MARGIN, MIN_WIDTH),
        bottom + (64 if notes else 42),
        body,
    )


def _drawn_nodes(graph: LineageDiagram) -> Sequence[DiagramNode]:
    """Return the steps to draw, in order: all, or the cause, else the first that failed, and those nearest to it."""
    if len(graph.nodes) <= MAX_STEPS:
        return graph.nodes
    neighbours: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for link in graph.links:
        neighbours[link.producer].append(link.consumer)
        neighbours[link.consumer].append(link.producer)
    causes = [node.id for node in graph.nodes if node.role == "cause"]
    failed = [node.id for node in graph.nodes if node.status == "failed"]
    order = dict.fromkeys((causes or failed)[:1])
    front = [*order]
    while front and len(order) < MAX_STEPS:
        front = [other for name in front for other in neighbours[name] if other not in order]
        order.update(dict.fromkeys(front))
    order.update(dict.fromkeys(neighbours))
    chosen = set(islice(order, MAX_STEPS))
    return [node for node in graph.nodes if node.id in chosen]


def _layered(names: Sequence[str], links: Sequence[DiagramEdge]) -> LayeredGraph[DiagramEdge]:
    """Return the layers; lines that close a circle are left out, and those over several layers if there are too many."""
    place = {name: number for number, name in enumerate(names)}
    forward = [link for link in links if place[link.producer] < place[link.consumer]]
    graph = assign_layers(names, links) or assign_layers(names, forward)
    assert graph is not None  # noqa: S101  lines that lead forward form no circle
    if len(graph.segments) <= MAX_SEGMENTS:
        return graph
    layers = tuple(tuple(node for node in layer if node in place) for layer in graph.layers)
    short = tuple(part for part in graph.segments if part.start in place and part.end in place)
    return LayeredGraph(layers, short, frozenset())


def _is_down(graph: LayeredGraph[DiagramEdge]) -> bool:
    """Return True if layers are drawn from top to bottom: if they do not fit a page beside each other."""
    longest = max((sum(node not in graph.waypoints for node in layer) for layer in graph.layers), default=0)
    across = len(graph.layers) * (_WIDTH + _LAYER_GAP)
    return across > max(PAGE_WIDTH, longest * (_WIDTH + _GAP))


def _inputs(graph: LineageDiagram, names: Sequence[str]) -> Mapping[str, list[DiagramEdge]]:
    inputs: dict[str, list[DiagramEdge]] = {name: [] for name in names}
    for link in graph.links:
        if link.consumer in inputs and link.producer in inputs:
            inputs[link.consumer].append(link)
    return inputs


def _lines(node: DiagramNode, links: Sequence[DiagramEdge]) -> list[_Line]:
    lines = [_Line(safe(f"{GLYPHS[node.status]} {node.id}", CELLS), f"name {node.status}")]
    if node.driver:
        lines.append(_Line(f"  {safe(node.driver, CELLS - 2)}", "faint"))
    for link in links[:MAX_INPUTS]:
        lines += _input_lines(link)
    if len(links) > MAX_INPUTS:
        lines.append(_Line(f"  {len(links) - MAX_INPUTS:,} more inputs", "faint"))
    return [*lines, *_message_lines(node)]


def _input_lines(link: DiagramEdge) -> Iterator[_Line]:
    lost = f"{pluralize(link.lost, 'row')} lost" if link.lost is not None and link.lost > 0 else ""
    rows = "" if link.rows is None else pluralize(link.rows, "row")
    size = format_bytes(link.bytes) if link.bytes else ""
    figures = ", ".join(filter(None, (rows, link.place, size, lost)))
    kind = _kind(link)
    producer = safe(link.producer, CELLS - 2)
    if display_width(producer) + display_width(figures) + 4 <= CELLS:
        yield _Line(f"→ {producer}", kind, figures, link)
    else:
        yield _Line(f"→ {producer}", kind, edge=link)
        yield _Line(f"  {cut_to_width(figures, CELLS - 2)}", kind)


def _kind(link: DiagramEdge) -> str:
    if link.is_failing or link.lost:
        return "bad"
    return "order" if link.is_order else link.place if link.place in _LEGEND else "bad"


def _message_lines(node: DiagramNode) -> Iterator[_Line]:
    kind = {"succeeded": "", "reused": "", "skipped": "faint", "not_started": "faint"}.get(
        node.status, node.status
    )
    result = _SIZE.sub("(\\1\u00a0\\2)", _result(node))  # keeps a number and its unit on one line
    lines = wrap(result, CELLS, initial_indent="  ", subsequent_indent="  ")
    yield from (_Line(line.replace("\u00a0", " "), kind) for line in lines)
    why = wrap(
        safe(node.why, CELLS * MAX_MESSAGE_LINES), CELLS - 2, max_lines=MAX_MESSAGE_LINES, placeholder=" …"
    )
    yield from (_Line(f"  {cut_to_width(line, CELLS - 2)}", "bad") for line in why)


def _result(node: DiagramNode) -> str:
    role = {"cause": "; this is the cause", "consequence": " because of the cause", "": ""}[node.role]
    return f"{node_label(node)}{role}"


class _Layout:
    """The boxes of the nodes, and the lines between them.

    A point is computed as its distance along the layers and its distance across them.
    """

    def __init__(
        self, graph: LayeredGraph[DiagramEdge], texts: Mapping[str, Sequence[_Line]], *, is_down: bool
    ) -> None:
        self._graph, self._texts, self._is_down = graph, texts, is_down
        self.boxes = dict(self._place())

    def _place(self) -> Iterator[tuple[str, _Box]]:
        sizes = {node: self._size(node) for layer in self._graph.layers for node in layer}
        totals = [sum(sizes[node][1] + _GAP for node in layer) - _GAP for layer in self._graph.layers]
        along = float(MARGIN)
        for layer, total in zip(self._graph.layers, totals, strict=True):
            across = MARGIN + (max(totals) - total) / 2
            depth = max(sizes[node][0] for node in layer)
            for node in layer:
                size = (depth if node in self._graph.waypoints else sizes[node][0], sizes[node][1])
                yield node, _Box(*self._point(along, across), *self._point(*size))
                across += sizes[node][1] + _GAP
            along += depth + _LAYER_GAP

    def _size(self, node: str) -> tuple[float, float]:
        """Return the size of a node along and across the layers."""
        if node in self._graph.waypoints:
            return 0, _WAYPOINT
        height = len(self._texts[node]) * _LINE + _PADDING
        return self._point(_WIDTH, height)

    def _point(self, along: float, across: float) -> tuple[float, float]:
        """Return x and y of a point, or along and across of x and y."""
        return (across, along) if self._is_down else (along, across)

    def edge(self, segment: EdgeSegment[DiagramEdge]) -> Iterator[str]:
        """Yield the line of a segment, with a tip if it ends at a step."""
        start, end = self.boxes[segment.start], self.boxes[segment.end]
        begin, across = self._point(start.x, start.y)
        depth, breadth = self._point(start.width, start.height)
        x1, y1 = begin + depth, across + breadth / 2
        x2, y2 = self._entry(segment, end)
        bend = (x2 - x1) / 2
        through = f"M{self._text(begin, y1)}L" if segment.start in self._graph.waypoints else "M"
        curve = " ".join((self._text(x1 + bend, y1), self._text(x2 - bend, y2), self._text(x2, y2)))
        kind = _kind(segment.edge)
        yield f'<path class="edge {kind}" d="{through}{self._text(x1, y1)}C{curve}"/>'
        if segment.is_last:
            wings = " ".join((self._text(x2 - 8, y2 - 4), self._text(x2 - 8, y2 + 4)))
            yield f'<path class="tip {kind}" d="M{self._text(x2, y2)}L{wings}z"/>'

    def _entry(self, segment: EdgeSegment[DiagramEdge], box: _Box) -> tuple[float, float]:
        """Return where a segment enters a node: at the line of the input, or spread over the top of the box."""
        along, across = self._point(box.x, box.y)
        if segment.end in self._graph.waypoints:
            return along, across + _WAYPOINT / 2
        lines = self._texts[segment.end]
        number = next(number for number, line in enumerate(lines) if line.edge is segment.edge)
        if not self._is_down:
            return along, across + _PADDING / 2 + (number + 0.5) * _LINE
        inputs = [line.edge for line in lines if line.edge is not None]
        return along, across + _WIDTH * (inputs.index(segment.edge) + 1) / (len(inputs) + 1)

    def _text(self, along: float, across: float) -> str:
        x, y = self._point(along, across)
        return f"{x:.1f} {y:.1f}"


def _node(node: DiagramNode, box: _Box, lines: Sequence[_Line]) -> Iterator[str]:
    kind = "cause" if node.role == "cause" else node.status
    yield f"<g>{hidden(node.id)}"
    yield (
        f'<rect class="node {kind}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width}" height="{box.height}" rx="6"/>'
    )
    for number, line in enumerate(lines):
        y = box.y + _PADDING / 2 + (number + 0.72) * _LINE
        text = line.left.lstrip()  # a reader of SVG drops the spaces of an indent
        yield text_line(box.x + _PADDING + (len(line.left) - len(text)) * CELL, y, text, line.kind)
        if line.right:
            yield text_line(box.x + _WIDTH - _PADDING, y, line.right, line.kind, "end")
    yield "</g>"


def _legend(links: Sequence[DiagramEdge], y: float) -> Iterator[str]:
    x = float(MARGIN)
    kinds = set(map(_kind, links))
    for kind, words in _LEGEND.items():
        if kind in kinds:
            yield f'<path class="edge {kind}" d="M{x:.1f} {y - 4:.1f}h24"/>'
            yield text_line(x + 30, y, words, "faint")
            x += 30 + (display_width(words) + 3) * CELL


def _notes(drawn: int, total: int, omitted: int) -> str:
    """Return what is not drawn, in words."""
    notes = [f"{drawn} of {total:,} steps are drawn"] if drawn < total else []
    notes += [f"{pluralize(omitted, 'line')} not drawn; each box lists its inputs"] if omitted else []
    return "; ".join(notes)
