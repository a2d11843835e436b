"""Graphviz: ``osiris-inspect lineage RUN --format dot | dot -Tsvg``.

Quotes and backslashes are escaped, so text cannot become an attribute.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.export.lineage.diagram import DiagramEdge, DiagramNode, LineageDiagram
from osiris_inspect.inspector.export.lineage.labels import GLYPHS, edge_label, node_label
from osiris_inspect.inspector.text.sanitize import one_line, truncate

_MAX_LABEL = 200


def lines(graph: LineageDiagram) -> Iterator[str]:
    """Yield the lines of the graph."""
    yield "digraph lineage {"
    yield '  graph [rankdir=LR, fontname="sans-serif"];'
    yield '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize=10];'
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        label = quoted(f"{GLYPHS[node.status]} {one_line(node.id)}", node_label(node))
        yield f"  {names[node.id]} [label={label}{_style(node)}];"
    for link in graph.links:
        label = quoted(edge_label(link))
        yield f"  {names[link.producer]} -> {names[link.consumer]} [label={label}{_line(link)}];"
    yield "}"


def quoted(*texts: str) -> str:
    """Return texts as one quoted Graphviz string, one line each."""
    safe = (truncate(one_line(text), _MAX_LABEL).replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '"' + "\\n".join(safe) + '"'


def _style(node: DiagramNode) -> str:
    if node.role == "cause":
        return ', fillcolor="#b00020", fontcolor="#ffffff"'
    if node.status in ("failed", "interrupted", "running"):
        return ', fillcolor="#fde7e9", color="#b00020"'
    return ', style="rounded,dashed", color="#8a8a8a"' if node.status in ("skipped", "not_started") else ""


def _line(link: DiagramEdge) -> str:
    if link.is_failing:
        return ', color="#b00020", style=dashed'
    return ', color="#8a8a8a", style=dotted' if link.is_order else ""
