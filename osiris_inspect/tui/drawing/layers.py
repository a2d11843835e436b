"""Layered layout of a lineage: steps in columns from left to right, each right of the steps it reads from."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from osiris_inspect.inspector.run.lineage import Edge, Lineage


class EdgeSegment(NamedTuple):
    """Part of an edge between two neighbouring layers. ``start`` and ``end`` are steps or waypoints."""

    start: str
    end: str
    edge: Edge
    is_last: bool


class LayeredGraph(NamedTuple):
    """Nodes (steps and waypoints) of each layer from top to bottom, and the segments between the layers."""

    layers: tuple[tuple[str, ...], ...]
    segments: tuple[EdgeSegment, ...]
    waypoints: frozenset[str]

    def segments_into(self, node: str) -> list[EdgeSegment]:
        """Return the segments that end at a node."""
        return [segment for segment in self.segments if segment.end == node]


def assign_layers(lineage: Lineage) -> LayeredGraph | None:
    """Return the layers of a lineage; None if its edges form a cycle."""
    steps = [step.id for step in lineage.steps]
    depth = _depths(steps, lineage.edges)
    if depth is None:
        return None
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for step in steps:
        layers[depth[step]].append(step)
    segments: list[EdgeSegment] = []
    for number, edge in enumerate(lineage.edges):
        segments += _segments(edge, number, depth, layers)
    waypoints = {node for layer in layers for node in layer} - set(steps)
    return LayeredGraph(_ordered(layers, segments), tuple(segments), frozenset(waypoints))


def _depths(steps: Sequence[str], edges: Sequence[Edge]) -> dict[str, int] | None:
    producers = {step: [edge.producer for edge in edges if edge.consumer == step] for step in steps}
    depth: dict[str, int] = {}
    try:
        for step in TopologicalSorter(producers).static_order():
            depth[step] = max((depth[producer] + 1 for producer in producers[step]), default=0)
    except CycleError:
        return None
    return depth


def _segments(edge: Edge, number: int, depth: dict[str, int], layers: list[list[str]]) -> list[EdgeSegment]:
    """Return the segments of an edge, and add a waypoint to each layer that the edge passes."""
    between = range(depth[edge.producer] + 1, depth[edge.consumer])
    waypoints = [f"\0{number}:{layer}" for layer in between]
    for layer, waypoint in zip(between, waypoints, strict=True):
        layers[layer].append(waypoint)
    path = [edge.producer, *waypoints, edge.consumer]
    return [EdgeSegment(start, end, edge, is_last=end == edge.consumer) for start, end in pairwise(path)]


def _ordered(layers: list[list[str]], segments: list[EdgeSegment]) -> tuple[tuple[str, ...], ...]:
    """Sort each layer by the average position of the nodes it reads from, so that few edges cross."""
    rank: dict[str, float] = {}
    for layer in layers:
        for index, node in enumerate(layer):
            producers = [rank[segment.start] for segment in segments if segment.end == node]
            rank[node] = sum(producers) / len(producers) if producers else float(index)
        layer.sort(key=rank.__getitem__)
        rank |= {node: float(index) for index, node in enumerate(layer)}
    return tuple(tuple(layer) for layer in layers)
