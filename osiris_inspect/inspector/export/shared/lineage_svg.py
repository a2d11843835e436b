"""Lineage as SVG: steps in columns from left to right, frames as labelled lines."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from osiris_inspect.inspector.run.lineage import Edge, Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.summary import location_label
from osiris_inspect.inspector.text.sanitize import one_line, truncate

MAX_STEPS: Final = 150
"""A larger graph is not drawn."""
NODE_WIDTH: Final = 212
NODE_HEIGHT: Final = 62
GAP_X: Final = 124
GAP_Y: Final = 26
EDGE: Final = 12
_GLYPHS: Final = {
    "succeeded": "✓",
    "failed": "✗",
    "interrupted": "!",
    "skipped": "⊘",
    "not_started": "·",
    "running": "…",
}


@dataclass(frozen=True, slots=True)
class _Position:
    x: float
    y: float


def lineage_svg(lineage: Lineage, run: Run, name: str) -> str:
    """Return the SVG element, its ids prefixed with ``name``; empty without steps or with too many."""
    if not lineage.steps or len(lineage.steps) > MAX_STEPS:
        return ""
    positions = _positions(lineage)
    wide = max(position.x for position in positions.values()) + NODE_WIDTH + EDGE
    high = max(position.y for position in positions.values()) + NODE_HEIGHT + EDGE
    parts = [
        f'<svg class="lineage" role="img" aria-label="lineage" viewBox="0 0 {wide:g} {high:g}" '
        f'width="{wide:g}" height="{high:g}">',
        f'<defs><marker id="{name}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
        *(
            line
            for edge in lineage.edges
            for line in _edge(edge, positions, location_label(edge, run), f"{name}-tip")
        ),
        *(line for step in lineage.steps for line in _node(step, positions[step.id])),
        "</svg>",
    ]
    return "\n".join(parts)


def _positions(lineage: Lineage) -> Mapping[str, _Position]:
    columns: dict[int, list[str]] = defaultdict(list)
    for step, depth in _depths(lineage).items():
        columns[depth].append(step)
    rows: dict[str, float] = {}
    for depth in sorted(columns):
        # order each step by the mean row of its inputs, so that fewer lines cross
        ordered = sorted(columns[depth], key=lambda step: _middle(step, lineage.edges, rows))
        rows |= {step: float(row) for row, step in enumerate(ordered)}
    tallest = max(map(len, columns.values()))
    return {
        step: _Position(
            EDGE + depth * (NODE_WIDTH + GAP_X),
            EDGE + (rows[step] + (tallest - len(steps)) / 2) * (NODE_HEIGHT + GAP_Y),
        )
        for depth, steps in columns.items()
        for step in steps
    }


def _depths(lineage: Lineage) -> dict[str, int]:
    """Return the longest path to each step from one without inputs; a cycle ends after one round per step."""
    depths = {step.id: 0 for step in lineage.steps}
    for _ in lineage.steps:
        deeper = {
            edge.consumer: depths[edge.producer] + 1
            for edge in lineage.edges
            if len(depths) > depths[edge.producer] >= depths[edge.consumer]
        }
        if not deeper:
            break
        depths |= {step: max(depth, depths[step]) for step, depth in deeper.items()}
    ranks = {depth: rank for rank, depth in enumerate(sorted(set(depths.values())))}
    return {step: ranks[depth] for step, depth in depths.items()}


def _middle(step: str, edges: Sequence[Edge], rows: Mapping[str, float]) -> float:
    above = [rows[edge.producer] for edge in edges if edge.consumer == step and edge.producer in rows]
    return sum(above) / len(above) if above else 0.0


def _node(step: StepState, position: _Position) -> Iterator[str]:
    rows = "? rows" if step.rows_out is None else f"{step.rows_out:,} row{'' if step.rows_out == 1 else 's'}"
    where = "" if step.is_writer or step.storage in ("none", "unknown") else f" · {step.storage}"
    label = rows + where if step.status == "succeeded" else step.status.replace("_", " ")
    yield f'<g class="node {step.status}"><title>{_text(step.id, 200)}</title>'
    yield f'<rect x="{position.x:g}" y="{position.y:g}" width="{NODE_WIDTH}" height="{NODE_HEIGHT}" rx="6"/>'
    lines = (
        (f"{_GLYPHS[step.status]} {_text(step.id, 24)}", "name"),
        (_text(step.driver or "", 25), "faint"),
        (label, ""),
    )
    for number, (text, kind) in enumerate(lines):
        yield f'<text class="{kind}" x="{position.x + 10:g}" y="{position.y + 19 + number * 17:g}">{text}</text>'
    yield "</g>"


def _edge(edge: Edge, positions: Mapping[str, _Position], where: str, tip: str) -> Iterator[str]:
    start, end = positions[edge.producer], positions[edge.consumer]
    x1, y1 = start.x + NODE_WIDTH, start.y + NODE_HEIGHT / 2
    x2, y2 = end.x, end.y + NODE_HEIGHT / 2
    bend = max(40.0, abs(x2 - x1) / 2)
    path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
    yield f'<path class="edge {edge.location}" d="{path}" marker-end="url(#{tip})"/>'
    rows = "" if edge.rows_in is None else f"{edge.rows_in:,} · "
    yield (
        f'<text class="label" x="{(x1 + x2) / 2:g}" y="{(y1 + y2) / 2 - 6:g}" text-anchor="middle">'
        f"<title>{_text(edge.name, 200)}</title>{rows}{where}</text>"
    )


def _text(text: str, longest: int) -> str:
    return escape(truncate(one_line(text), longest))
