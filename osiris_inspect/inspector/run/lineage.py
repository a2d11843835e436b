"""Lineage: steps as nodes, frames as edges, with rows and where each frame was."""

from typing import NamedTuple

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.run_types import InputLocation


class Edge(NamedTuple):
    """A frame on its way from one step to another.

    Attributes:
        name: the input's name at the consumer.
        place: where the consumer found it.
        rows_out: the rows the producer gave; None where not told.
        rows_in: the rows the consumer got; None where not told.
    """

    producer: str
    consumer: str
    name: str
    location: InputLocation
    rows_out: int | None = None
    rows_in: int | None = None

    @property
    def lost_rows(self) -> int | None:
        """How many rows were given and not got; None where one end is not known."""
        if self.rows_out is None or self.rows_in is None:
            return None
        return self.rows_out - self.rows_in


class Lineage(NamedTuple):
    """The graph of a run. Both ends of each edge are in ``steps``, which stand in the order of the manifest."""

    steps: tuple[StepState, ...]
    edges: tuple[Edge, ...]

    def upstream(self, step: str) -> tuple[str, ...]:
        """Every step that ``step`` depends on, directly or not, nearest first; ends on a cycle."""
        return self._walk(step, {edge.consumer: [] for edge in self.edges}, forward=False)

    def downstream(self, step: str) -> tuple[str, ...]:
        """Every step that depends on ``step``, directly or not, nearest first; ends on a cycle."""
        return self._walk(step, {edge.producer: [] for edge in self.edges}, forward=True)

    def _walk(self, start: str, neighbours: dict[str, list[str]], *, forward: bool) -> tuple[str, ...]:
        for edge in self.edges:
            near, far = (edge.producer, edge.consumer) if forward else (edge.consumer, edge.producer)
            neighbours[near].append(far)
        reached: dict[str, None] = {}
        front = [start]
        while front:
            front = [far for near in front for far in neighbours.get(near, ()) if far not in reached]
            reached.update(dict.fromkeys(front))
        return tuple(step for step in reached if step != start)


def build_lineage(run: Run) -> Lineage:
    """The lineage of a run: one edge an input, and one for each need that no input accounts for."""
    known = {step.id for step in run.steps}
    rows_out = {step.id: step.rows_out for step in run.steps}
    edges: list[Edge] = []
    for step in run.steps:
        for entry in step.inputs:
            if entry.from_step in known and entry.from_step is not None:
                edges.append(
                    Edge(
                        entry.from_step,
                        step.id,
                        entry.name,
                        entry.location,
                        rows_out[entry.from_step],
                        entry.rows,
                    )
                )
        bound = {entry.from_step for entry in step.inputs}
        edges += [
            Edge(need, step.id, "", "unresolved", rows_out[need])
            for need in step.needs
            if need in known and need not in bound
        ]
    return Lineage(run.steps, tuple(edges))
