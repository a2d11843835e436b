"""Where the boxes of a drawn lineage stand: steps in layers, left to right, each right of all it reads from."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from osiris_inspect.inspector.run.lineage import Edge, Lineage


class EdgeSegment(NamedTuple):
    """One piece of an edge, from one layer to the next. ``start`` and ``end`` are steps or bends."""

    start: str
    end: str
    edge: Edge
    is_last: bool


class LayeredGraph(NamedTuple):
    """The steps and bends of each layer from top to bottom, and the hops between neighbouring layers."""

    layers: tuple[tuple[str, ...], ...]
    hops: tuple[EdgeSegment, ...]
    waypoints: frozenset[str]

    def segments_into(self, place: str) -> list[EdgeSegment]:
        """The hops that end at a place."""
        return [hop for hop in self.hops if hop.end == place]


def assign_layers(lineage: Lineage) -> LayeredGraph | None:
    """The layers of a lineage; None where its edges run in a circle and no such order exists."""
    depth = _depths([step.id for step in lineage.steps], lineage.edges)
    if depth is None:
        return None
    places: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for step in lineage.steps:
        places[depth[step.id]].append(step.id)
    hops: list[EdgeSegment] = []
    for number, edge in enumerate(lineage.edges):
        hops += _hops(edge, number, depth, places)
    bends = {place for layer in places for place in layer} - {step.id for step in lineage.steps}
    return LayeredGraph(_ordered(places, hops), tuple(hops), frozenset(bends))


def _depths(steps: Sequence[str], edges: Sequence[Edge]) -> dict[str, int] | None:
    depth = dict.fromkeys(steps, 0)
    for _ in range(len(steps) + 1):
        moved = False
        for edge in edges:
            if depth[edge.consumer] <= depth[edge.producer]:
                depth[edge.consumer] = depth[edge.producer] + 1
                moved = True
        if not moved:
            return depth
    return None


def _hops(edge: Edge, number: int, depth: dict[str, int], places: list[list[str]]) -> list[EdgeSegment]:
    """The hops of an edge; where it passes a layer, it bends there and takes up a place."""
    bends = [f"\0{number}:{layer}" for layer in range(depth[edge.producer] + 1, depth[edge.consumer])]
    for layer, bend in enumerate(bends, start=depth[edge.producer] + 1):
        places[layer].append(bend)
    path = [edge.producer, *bends, edge.consumer]
    return [EdgeSegment(start, end, edge, is_last=end == edge.consumer) for start, end in pairwise(path)]


def _ordered(places: list[list[str]], hops: list[EdgeSegment]) -> tuple[tuple[str, ...], ...]:
    """Each layer in the order of what it reads from, so that few edges cross."""
    rank: dict[str, float] = {}
    for layer in places:
        for place in layer:
            above = [rank[hop.start] for hop in hops if hop.end == place]
            rank[place] = sum(above) / len(above) if above else float(layer.index(place))
        layer.sort(key=lambda place: rank[place])
        rank |= {place: float(index) for index, place in enumerate(layer)}
    return tuple(tuple(layer) for layer in places)
