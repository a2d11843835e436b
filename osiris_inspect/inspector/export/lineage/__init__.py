"""The lineage of a run: steps and their storage, frames with rows and bytes, the failing path.

Each format is a module with ``lines(graph, ...)``: ``text``, ``mermaid``, ``dot`` and ``json``.
"""

from osiris_inspect.inspector.export.lineage.diagram import (
    DiagramEdge,
    DiagramNode,
    LineageDiagram,
    build_diagram,
)

__all__ = ["DiagramEdge", "DiagramNode", "LineageDiagram", "build_diagram"]
