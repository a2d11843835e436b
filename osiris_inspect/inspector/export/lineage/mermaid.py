"""A Mermaid flowchart, for Markdown on GitHub and GitLab.

Characters with a meaning in Mermaid or HTML are escaped as entities, so that a step name cannot end its label.
"""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.export.lineage.diagram import DiagramNode, LineageDiagram
from osiris_inspect.inspector.export.lineage.labels import GLYPHS, edge_label, node_label
from osiris_inspect.inspector.text.sanitize import one_line, truncate

_MAX_LABEL = 200
_SPECIAL = re.compile(r"[^\w \-.,:/()→✓✗⊘·~…↺]", re.ASCII)
_STYLES = (
    "classDef cause fill:#b00020,stroke:#7f0015,color:#ffffff",
    "classDef failed fill:#fde7e9,stroke:#b00020,color:#5f0010",
    "classDef idle fill:#f2f2f2,stroke:#8a8a8a,color:#555555,stroke-dasharray:4 3",
)


def lines(graph: LineageDiagram) -> Iterator[str]:
    """Yield the lines of the chart."""
    yield "flowchart LR"
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        yield f'  {names[node.id]}["{_label(node)}"]{_style(node)}'
    for link in graph.links:
        arrow = "-.->" if link.is_failing or link.is_order else "-->"
        label = escaped(edge_label(link))
        yield f'  {names[link.producer]} {arrow}|"{label}"| {names[link.consumer]}'
    failing = [str(number) for number, link in enumerate(graph.links) if link.is_failing]
    if failing:
        yield f"  linkStyle {','.join(failing)} stroke:#b00020"
    yield from (f"  {style}" for style in _STYLES)


def escaped(text: str) -> str:
    """Return text escaped for a quoted label."""
    return _SPECIAL.sub(lambda sign: f"#{ord(sign[0])};", truncate(one_line(text), _MAX_LABEL))


def _label(node: DiagramNode) -> str:
    return f"{escaped(f'{GLYPHS[node.status]} {node.id}')}<br/>{escaped(node_label(node))}"


def _style(node: DiagramNode) -> str:
    if node.role == "cause":
        return ":::cause"
    if node.status in ("failed", "interrupted", "running"):
        return ":::failed"
    return ":::idle" if node.status in ("skipped", "not_started") else ""
