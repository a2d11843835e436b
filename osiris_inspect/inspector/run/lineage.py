"""Lineage: steps as nodes, frames as edges."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from osiris_inspect.inspector.run.run import MovedFrame, Run, StepState
from osiris_inspect.model.run_types import InputLocation

EdgeLocation = InputLocation | Literal["order"]
"""Location in which the consumer found a frame; ``order`` if it only runs after the producer and takes no frame."""


class Edge(NamedTuple):
    """A frame that one step passes to another, or the order of two steps.

    Attributes:
        name: the input's name at the consumer.
        location: where the consumer found it.
        rows_out: the rows the producer returned; None if unknown.
        rows_in: the rows the consumer received; None if unknown.
        moved: how it came from another machine of a cluster; None if it did not.
        nodes: the machines of producer and consumer; None if unknown.
    """

    producer: str
    consumer: str
    name: str
    location: EdgeLocation
    rows_out: int | None = None
    rows_in: int | None = None
    moved: MovedFrame | None = None
    nodes: tuple[str | None, str | None] = (None, None)

    @property
    def lost_rows(self) -> int | None:
        """The rows that were returned but not received; None if one number is unknown."""
        if self.rows_out is None or self.rows_in is None:
            return None
        return self.rows_out - self.rows_in


@dataclass(frozen=True)
class Lineage:
    """The graph of a run. Both ends of each edge are in ``steps``, which are in the order of the manifest.

    Attributes:
        edges: the frames.
        orders: the steps that run after another one without a frame of it.
    """

    steps: tuple[StepState, ...]
    edges: tuple[Edge, ...]
    orders: tuple[Edge, ...] = ()

    @property
    def all_edges(self) -> tuple[Edge, ...]:
        """The frames, then the orders."""
        return (*self.edges, *self.orders)

    @cached_property
    def _by_producer(self) -> Mapping[str, Sequence[Edge]]:
        return _grouped(self.edges, lambda edge: edge.producer)

    @cached_property
    def _by_consumer(self) -> Mapping[str, Sequence[Edge]]:
        return _grouped(self.edges, lambda edge: edge.consumer)

    def edges_from(self, step: str) -> Sequence[Edge]:
        """Return the frames that a step passes on."""
        return self._by_producer.get(step, ())

    def edges_to(self, step: str) -> Sequence[Edge]:
        """Return the frames that a step receives."""
        return self._by_consumer.get(step, ())

    def upstream(self, step: str) -> tuple[str, ...]:
        """Return every step whose frame reaches ``step``, nearest first."""
        return _walk(step, lambda near: [edge.producer for edge in self.edges_to(near)])

    def downstream(self, step: str) -> tuple[str, ...]:
        """Return every step that the frame of ``step`` reaches, nearest first."""
        return _walk(step, lambda near: [edge.consumer for edge in self.edges_from(near)])

    def predecessors(self, step: str) -> tuple[str, ...]:
        """Return every step that must succeed before ``step`` runs, nearest first."""
        before = _grouped(self.all_edges, lambda edge: edge.consumer)
        return _walk(step, lambda near: [edge.producer for edge in before.get(near, ())])

    def successors(self, step: str) -> tuple[str, ...]:
        """Return every step that runs only if ``step`` succeeds, nearest first."""
        after = _grouped(self.all_edges, lambda edge: edge.producer)
        return _walk(step, lambda near: [edge.consumer for edge in after.get(near, ())])


def _grouped(edges: Iterable[Edge], key: Callable[[Edge], str]) -> dict[str, list[Edge]]:
    groups: dict[str, list[Edge]] = {}
    for edge in edges:
        groups.setdefault(key(edge), []).append(edge)
    return groups


def _walk(start: str, neighbours: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    reached: dict[str, None] = {}
    front = [start]
    while front:
        front = [far for near in front for far in neighbours(near) if far not in reached]
        front = list(dict.fromkeys(front))
        reached.update(dict.fromkeys(front))
    return tuple(step for step in reached if step != start)


def build_lineage(run: Run) -> Lineage:
    """Return the lineage of a run: one edge per input, and one per need without an input."""
    rows_out = {step.id: step.rows_out for step in run.steps}
    nodes = {step.id: step.node for step in run.steps}
    edges: list[Edge] = []
    for step in run.steps:
        for entry in step.inputs:
            origin = entry.from_step
            if origin is not None and origin in rows_out:
                edges.append(
                    Edge(
                        origin,
                        step.id,
                        entry.name,
                        entry.location,
                        rows_out[origin],
                        entry.rows,
                        entry.moved,
                        (nodes[origin], step.node),
                    )
                )
        bound = {entry.from_step for entry in step.inputs}
        edges += [
            Edge(need, step.id, "", "unresolved", rows_out[need])
            for need in step.needs
            if need in rows_out and need not in bound
        ]
    orders = (
        Edge(other, step.id, "", "order") for step in run.steps for other in step.after if other in rows_out
    )
    return Lineage(run.steps, tuple(edges), tuple(orders))
