"""Lineage as text: each step, and below it the consumers of its frame and the steps that only run after it."""

from collections.abc import Iterator

from osiris_inspect.inspector.export.lineage.diagram import DiagramNode, LineageDiagram
from osiris_inspect.inspector.export.lineage.labels import GLYPHS, edge_label, node_label
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.wrap import wrap_labelled


def lines(graph: LineageDiagram, width: int = 100) -> Iterator[str]:
    """Yield the lines of the diagram."""
    title = f"{one_line(graph.pipeline or '')}  {one_line(graph.run)}  {STATUS_WORDS[graph.status]}".strip()
    yield from wrap_labelled(title, width)
    for node in graph.nodes:
        yield ""
        yield from wrap_labelled(
            f"{one_line(node.id)}  {node_label(node)}{_role(node)}", width, f"{GLYPHS[node.status]} "
        )
        if node.why:
            yield from wrap_labelled(one_line(node.why), width, "    ")
        for link in graph.outgoing(node.id):
            lead = "    ✗▶ " if link.is_failing else "    ┄▶ " if link.is_order else "    └▶ "
            yield from wrap_labelled(f"{one_line(link.consumer)}  {edge_label(link)}", width, lead)


def _role(node: DiagramNode) -> str:
    return {"cause": "  ◀ the cause", "consequence": "  (because of the cause)", "": ""}[node.role]
