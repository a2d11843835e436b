"""Graphviz: ``osiris-inspect lineage RUN --format dot | dot -Tsvg``.

Every text is a quoted string in which quotes and backslashes are escaped, so none of it is read as an attribute.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.export.lineage.diagram import Graph, Link, Node
from osiris_inspect.inspector.export.lineage.labels import GLYPHS, of_link, of_node
from osiris_inspect.inspector.text.sanitize import cut, plain

_LONGEST = 200


def lines(graph: Graph) -> Iterator[str]:
    """The graph, line by line."""
    yield "digraph lineage {"
    yield '  graph [rankdir=LR, fontname="sans-serif"];'
    yield '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize=10];'
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        label = quoted(f"{GLYPHS[node.status]} {plain(node.id)}", of_node(node))
        yield f"  {names[node.id]} [label={label}{_style(node)}];"
    for link in graph.links:
        label = quoted(of_link(link))
        yield f"  {names[link.producer]} -> {names[link.consumer]} [label={label}{_line(link)}];"
    yield "}"


def quoted(*texts: str) -> str:
    """The texts as one string of Graphviz, a line each."""
    safe = (cut(plain(text), _LONGEST).replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '"' + "\\n".join(safe) + '"'


def _style(node: Node) -> str:
    if node.part == "cause":
        return ', fillcolor="#b00020", fontcolor="#ffffff"'
    if node.status in ("failed", "running"):
        return ', fillcolor="#fde7e9", color="#b00020"'
    return ', style="rounded,dashed", color="#8a8a8a"' if node.status in ("skipped", "not_started") else ""


def _line(link: Link) -> str:
    return ', color="#b00020", style=dashed' if link.is_failing else ""
