"""Lineage as JSON. Keys are added, never renamed; unknown values are null."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from osiris_inspect.inspector.export.lineage.diagram import LineageDiagram
from osiris_inspect.inspector.text.sanitize import masked_text

SCHEMA_VERSION = 1
_KEYS = {"role": "part", "was_released": "released"}
"""Keys of the format that differ from the names of the fields."""


def lines(graph: LineageDiagram) -> Iterator[str]:
    """Yield the lines of the document."""
    import json

    yield from json.dumps(document(graph), indent=2, allow_nan=False).split("\n")


def document(graph: LineageDiagram) -> dict[str, Any]:
    """Return the document as plain values, secrets masked."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": masked_text(graph.run),
        "pipeline": None if graph.pipeline is None else masked_text(graph.pipeline),
        "status": graph.status,
        "steps": [_masked(asdict(node)) for node in graph.nodes],
        "frames": [_without_order(_masked(asdict(link))) for link in graph.links if not link.is_order],
        "orders": [
            {"before": masked_text(link.producer), "after": masked_text(link.consumer)}
            for link in graph.links
            if link.is_order
        ],
    }


def _without_order(frame: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in frame.items() if key != "is_order"}


def _masked(values: dict[str, Any]) -> dict[str, Any]:
    return {
        _KEYS.get(key, key): masked_text(value) if isinstance(value, str) else value
        for key, value in values.items()
    }
