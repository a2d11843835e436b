"""The lineage of a run as a picture: each step with what it kept, each frame with its rows and bytes, the failing path.

A form is a module with ``lines(graph, ...)``: ``text``, ``mermaid``, ``dot`` and ``json``.
"""

from osiris_inspect.inspector.export.lineage.diagram import (
    DiagramEdge,
    DiagramNode,
    LineageDiagram,
    build_diagram,
)

__all__ = ["DiagramEdge", "DiagramNode", "LineageDiagram", "build_diagram"]
