"""Layered layout of a lineage: steps in columns from left to right, each right of the steps it reads from."""

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Generic, NamedTuple, Protocol, TypeVar


class StepLink(Protocol):
    """A frame between two steps, with their ids."""

    @property
    def producer(self) -> str:
        """Return the step that produces the frame."""

    @property
    def consumer(self) -> str:
        """Return the step that receives it."""


E = TypeVar("E", bound=StepLink)


class EdgeSegment(NamedTuple, Generic[E]):
    """Part of an edge between two neighbouring layers. ``start`` and ``end`` are steps or waypoints."""

    start: str
    end: str
    edge: E
    is_last: bool


class LayeredGraph(NamedTuple, Generic[E]):
    """Nodes (steps and waypoints) of each layer from top to bottom, and the segments between the layers."""

    layers: tuple[tuple[str, ...], ...]
    segments: tuple[EdgeSegment[E], ...]
    waypoints: frozenset[str]

    def segments_into(self, node: str) -> list[EdgeSegment[E]]:
        """Return the segments that end at a node."""
        return [segment for segment in self.segments if segment.end == node]


def assign_layers(steps: Sequence[str], edges: Iterable[E]) -> LayeredGraph[E] | None:
    """Return the layers of steps and the edges between them; None if the edges form a cycle."""
    edges = list(edges)
    depth = _depths(steps, edges)
    if depth is None:
        return None
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for step in steps:
        layers[depth[step]].append(step)
    segments: list[EdgeSegment[E]] = []
    for number, edge in enumerate(edges):
        segments += _segments(edge, number, depth, layers)
    waypoints = {node for layer in layers for node in layer} - set(steps)
    return LayeredGraph(_ordered(layers, segments), tuple(segments), frozenset(waypoints))


def _depths(steps: Sequence[str], edges: Sequence[StepLink]) -> dict[str, int] | None:
    producers: dict[str, list[str]] = {step: [] for step in steps}
    for edge in edges:
        producers[edge.consumer].append(edge.producer)
    depth: dict[str, int] = {}
    try:
        for step in TopologicalSorter(producers).static_order():
            depth[step] = max((depth[producer] + 1 for producer in producers[step]), default=0)
    except CycleError:
        return None
    return depth


def _segments(edge: E, number: int, depth: dict[str, int], layers: list[list[str]]) -> list[EdgeSegment[E]]:
    """Return the segments of an edge, and add a waypoint to each layer that the edge passes."""
    between = range(depth[edge.producer] + 1, depth[edge.consumer])
    waypoints = [f"\0{number}:{layer}" for layer in between]
    for layer, waypoint in zip(between, waypoints, strict=True):
        layers[layer].append(waypoint)
    path = [edge.producer, *waypoints, edge.consumer]
    return [EdgeSegment(start, end, edge, is_last=end == edge.consumer) for start, end in pairwise(path)]


def _ordered(layers: list[list[str]], segments: Sequence[EdgeSegment[E]]) -> tuple[tuple[str, ...], ...]:
    """Sort each layer by the average position of the nodes it reads from, so that few edges cross."""
    rank: dict[str, float] = {}
    starts: dict[str, list[str]] = {}
    for segment in segments:
        starts.setdefault(segment.end, []).append(segment.start)
    for layer in layers:
        for index, node in enumerate(layer):
            producers = [rank[start] for start in starts.get(node, ())]
            rank[node] = sum(producers) / len(producers) if producers else float(index)
        layer.sort(key=rank.__getitem__)
        rank |= {node: float(index) for index, node in enumerate(layer)}
    return tuple(tuple(layer) for layer in layers)
