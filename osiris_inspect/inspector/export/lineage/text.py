"""For people: each step, and under it where its frame went."""

from collections.abc import Iterator

from osiris_inspect.inspector.export.lineage.diagram import Graph, Node
from osiris_inspect.inspector.export.lineage.labels import GLYPHS, of_link, of_node
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.inspector.text.sanitize import plain
from osiris_inspect.inspector.text.wrap import wrapped


def lines(graph: Graph, width: int = 100) -> Iterator[str]:
    """The picture, line by line."""
    title = f"{plain(graph.pipeline or '')}  {plain(graph.run)}  {STATUS_WORDS[graph.status]}".strip()
    yield from wrapped(title, width)
    for node in graph.nodes:
        yield ""
        yield from wrapped(
            f"{plain(node.id)}  {of_node(node)}{_part(node)}", width, f"{GLYPHS[node.status]} "
        )
        if node.why:
            yield from wrapped(plain(node.why), width, "    ")
        for link in graph.after(node.id):
            lead = "    ✗▶ " if link.is_failing else "    └▶ "
            yield from wrapped(f"{plain(link.consumer)}  {of_link(link)}", width, lead)


def _part(node: Node) -> str:
    return {"cause": "  ◀ the cause", "consequence": "  (because of the cause)", "": ""}[node.part]
