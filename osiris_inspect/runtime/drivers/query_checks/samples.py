"""Parts of a query that read only some of the rows: a sample, or a LIMIT inside of it without an order."""

from collections.abc import Iterator
from typing import Any

from osiris_inspect.runtime.drivers.query_checks.tree import Node, Select, as_node, walk


def find_samples(tree: Node) -> Iterator[dict[str, Any]]:
    """Yield the samples of a query."""
    for node in walk(tree):
        sample = as_node(node.get("sample"))
        size = as_node(sample.get("sample_size")).get("value")
        if size is not None:
            unit = "%" if sample.get("is_percentage") else " rows"
            yield {"check": "rows-sampled", "part": f"USING SAMPLE {size:g}{unit}"}


def find_inner_limit(select: Select, *, is_outer: bool) -> Iterator[dict[str, Any]]:
    """Yield the LIMIT of a SELECT that another one reads, if its rows have no order."""
    modifiers = {as_node(part).get("type"): as_node(part) for part in select.node.get("modifiers", ())}
    limit = as_node(as_node(modifiers.get("LIMIT_MODIFIER")).get("limit"))
    text = as_node(limit.get("literal")).get("text")
    if not is_outer and "ORDER_MODIFIER" not in modifiers and text is not None and text not in ("0", "1"):
        yield {"check": "rows-sampled", "part": f"LIMIT {text}"}
