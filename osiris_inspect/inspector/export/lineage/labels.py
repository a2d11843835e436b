"""Labels of nodes and edges for every format."""

from osiris_inspect.inspector.export.lineage.diagram import DiagramEdge, DiagramNode
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import format_bytes, pluralize

GLYPHS = {
    "succeeded": "✓",
    "reused": "↺",
    "failed": "✗",
    "interrupted": "!",
    "skipped": "⊘",
    "not_started": "·",
    "running": "~",
}


def node_label(node: DiagramNode) -> str:
    """Return what a step produced and where its frame is stored."""
    if node.status in ("skipped", "not_started"):
        return "did not run"
    if node.status in ("failed", "interrupted"):
        return node.status
    if node.status == "running":
        return "did not end"
    verb = "wrote" if node.is_writer else "produced"
    if node.status == "reused":
        rows = "rows unknown" if node.rows is None else pluralize(node.rows, "row")
        return f"reused: {'wrote ' if node.is_writer else ''}{rows}"
    rows = "rows unknown" if node.rows is None else f"{verb} {pluralize(node.rows, 'row')}"
    return rows if node.is_writer else f"{rows}, {_storage(node)}"


def _storage(node: DiagramNode) -> str:
    size = {"memory": node.memory_bytes, "spill": node.spill_bytes}.get(node.storage)
    words = {
        "memory": "in memory",
        "spill": "spilled",
        "none": "not stored",
        "unknown": "storage unknown",
    }
    text = words[node.storage] + (f" ({size_words(size)})" if size else "")
    if node.storage == "memory" and node.spill_bytes:
        text += f" and on disk ({size_words(node.spill_bytes)})"
    return text + (", released after its last use" if node.was_released else "")


def edge_label(link: DiagramEdge) -> str:
    """Return the rows, the storage and the lost rows of a frame; of an order, that there is no frame."""
    if link.is_order:
        return link.place
    rows = "" if link.rows is None else f"{pluralize(link.rows, 'row')}, "
    lost = f", {pluralize(link.lost, 'row')} lost" if link.lost is not None and link.lost > 0 else ""
    gained = (
        f", {pluralize(-link.lost, 'row')} more than produced"
        if link.lost is not None and link.lost < 0
        else ""
    )
    size = f" ({format_bytes(link.bytes)})" if link.bytes else ""
    name = f" as {one_line(link.name)}" if link.name else ""
    return f"{rows}{link.place}{size}{lost}{gained}{name}"


def size_words(size: int) -> str:
    """Return bytes in a readable unit."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
