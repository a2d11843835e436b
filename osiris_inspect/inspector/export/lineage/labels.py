"""What stands at a node and at a link, in words that every form uses."""

from osiris_inspect.inspector.export.lineage.diagram import DiagramEdge, DiagramNode
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import format_bytes, pluralize

GLYPHS = {"succeeded": "✓", "failed": "✗", "skipped": "-", "not_started": "·", "running": "~"}


def node_label(node: DiagramNode) -> str:
    """What a step gave and where its frame was kept."""
    if node.status in ("skipped", "not_started"):
        return "was never run"
    if node.status == "failed":
        return "failed"
    if node.status == "running":
        return "has no end"
    did = "wrote" if node.is_writer else "gave"
    rows = "rows not told" if node.rows is None else f"{did} {pluralize(node.rows, 'row')}"
    return rows if node.is_writer else f"{rows}, {_kept(node)}"


def _kept(node: DiagramNode) -> str:
    size = {"memory": node.memory_bytes, "spill": node.spill_bytes}.get(node.storage)
    words = {
        "memory": "kept in memory",
        "spill": "spilled",
        "none": "kept nowhere",
        "unknown": "where it was kept is not told",
    }
    told = words[node.storage] + (f" ({format_bytes(size)})" if size else "")
    if node.storage == "memory" and node.spill_bytes:
        told += f" and on disk ({format_bytes(node.spill_bytes)})"
    return told + (", let go of after its last use" if node.was_released else "")


def edge_label(link: DiagramEdge) -> str:
    """What travelled, and what of it was lost."""
    rows = "" if link.rows is None else f"{pluralize(link.rows, 'row')}, "
    lost = f", {pluralize(link.lost, 'row')} lost" if link.lost is not None and link.lost > 0 else ""
    gained = (
        f", {pluralize(-link.lost, 'row')} more than given" if link.lost is not None and link.lost < 0 else ""
    )
    size = f" ({format_bytes(link.bytes)})" if link.bytes else ""
    name = f" as {one_line(link.name)}" if link.name else ""
    return f"{rows}{link.place}{size}{lost}{gained}{name}"
