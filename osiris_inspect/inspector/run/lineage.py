"""Lineage: steps as nodes, frames as edges."""

from collections.abc import Sequence
from typing import NamedTuple

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.run_types import InputLocation


class Edge(NamedTuple):
    """A frame that one step passes to another.

    Attributes:
        name: the input's name at the consumer.
        location: where the consumer found it.
        rows_out: the rows the producer returned; None if unknown.
        rows_in: the rows the consumer received; None if unknown.
    """

    producer: str
    consumer: str
    name: str
    location: InputLocation
    rows_out: int | None = None
    rows_in: int | None = None

    @property
    def lost_rows(self) -> int | None:
        """The rows that were returned but not received; None if one number is unknown."""
        if self.rows_out is None or self.rows_in is None:
            return None
        return self.rows_out - self.rows_in


class Lineage(NamedTuple):
    """The graph of a run. Both ends of each edge are in ``steps``, which are in the order of the manifest."""

    steps: tuple[StepState, ...]
    edges: tuple[Edge, ...]

    def upstream(self, step: str) -> tuple[str, ...]:
        """Return every step that ``step`` depends on, nearest first."""
        return self._walk(step, [(edge.consumer, edge.producer) for edge in self.edges])

    def downstream(self, step: str) -> tuple[str, ...]:
        """Return every step that depends on ``step``, nearest first."""
        return self._walk(step, [(edge.producer, edge.consumer) for edge in self.edges])

    @staticmethod
    def _walk(start: str, links: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        neighbours: dict[str, list[str]] = {}
        for near, far in links:
            neighbours.setdefault(near, []).append(far)
        reached: dict[str, None] = {}
        front = [start]
        while front:
            front = [far for near in front for far in neighbours.get(near, ()) if far not in reached]
            reached.update(dict.fromkeys(front))
        return tuple(step for step in reached if step != start)


def build_lineage(run: Run) -> Lineage:
    """Return the lineage of a run: one edge per input, and one per need without an input."""
    rows_out = {step.id: step.rows_out for step in run.steps}
    edges: list[Edge] = []
    for step in run.steps:
        for entry in step.inputs:
            origin = entry.from_step
            if origin is not None and origin in rows_out:
                edges.append(Edge(origin, step.id, entry.name, entry.location, rows_out[origin], entry.rows))
        bound = {entry.from_step for entry in step.inputs}
        edges += [
            Edge(need, step.id, "", "unresolved", rows_out[need])
            for need in step.needs
            if need in rows_out and need not in bound
        ]
    return Lineage(run.steps, tuple(edges))
