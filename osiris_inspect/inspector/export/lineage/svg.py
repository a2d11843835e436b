"""Lineage as an SVG document."""

from collections.abc import Iterator

from osiris_inspect.inspector.export.lineage.diagram import LineageDiagram
from osiris_inspect.inspector.export.pictures import lineage, svg


def lines(graph: LineageDiagram) -> Iterator[str]:
    """Yield the lines of the document."""
    yield from svg.document(lineage.lineage_picture(graph)).splitlines()
