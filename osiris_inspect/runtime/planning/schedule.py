"""Order of the steps of a run with several workers: which earlier steps each one waits for, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from osiris_inspect.model import manifest
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.planning.touched import TouchIndex, touches_of_step

EdgeKind = Literal["needs", "after", "shared"]


@dataclass(frozen=True, slots=True)
class OrderEdge:
    """A step that another one waits for.

    Attributes:
        earlier: the step that must end first; for ``needs`` and ``after`` it must succeed.
        kind: ``shared`` for a file or connection that both touch.
        reason: why, for messages.
    """

    earlier: str
    kind: EdgeKind
    reason: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps of a run in the order of the manifest, and what each one waits for.

    Attributes:
        edges: the edges of each step; those of ``needs`` and ``after`` first.
        alone: steps that run only while no other step runs.
        connection: name of the connection with a limit that a step uses, for steps that use one.
        max_parallel: largest number of steps at a time, by the name of the connection.
        rights: what the worker of a step may access, for steps whose workers have rights.
        memory: bytes that the worker of a step may use, for steps with a worker of their own.
        worker_bytes: bytes that each other worker may use; None without a limit.
        run_bytes: bytes that all workers together may use; None without a limit.
        sharing: the steps whose rights the worker of a step has, for those steps.
    """

    steps: tuple[Step, ...]
    edges: Mapping[str, tuple[OrderEdge, ...]]
    alone: frozenset[str] = frozenset()
    connection: Mapping[str, str] = field(default_factory=dict)
    max_parallel: Mapping[str, int] = field(default_factory=dict)
    rights: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sharing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    worker_bytes: int | None = None
    run_bytes: int | None = None

    def rights_of(self, step: str | None) -> frozenset[str]:
        """Return the rights that the worker of a step needs."""
        return self.rights.get(step, frozenset()) if step is not None else frozenset()

    @property
    def width(self) -> int:
        """Estimate of the steps that can run at one time: the most that are equally far from the start."""
        together = (step.id for step in self.steps if step.id not in self.alone)
        depth: dict[str, int] = {}
        for step in self.steps:
            depth[step.id] = max((depth[edge.earlier] + 1 for edge in self.edges[step.id]), default=0)
        return max(Counter(depth[step] for step in together).values(), default=1)

    def limit_of(self, step: str) -> tuple[str, int] | None:
        """Return the connection with a limit that a step uses, and the limit; None if it uses none."""
        name = self.connection.get(step)
        return None if name is None else (name, self.max_parallel[name])


def build_schedule(
    compiled: Compiled,
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
    max_parallel: Mapping[str, int] | None = None,
) -> Schedule:
    """Return the order of the steps; ``connections`` are the resolved ones by step, as far as they are known."""
    index = TouchIndex()
    edges: dict[str, tuple[OrderEdge, ...]] = {}
    limits = max_parallel or {}
    limited: dict[str, str] = {}
    running = {step.id for step in compiled.manifest.steps}  # not those taken over from an earlier run
    for step in compiled.manifest.steps:
        connection = connections.get(step.id, {})
        touches = touches_of_step(components.get(step.driver), compiled.configs[step.id], base, connection)
        reasons = index.add(step.id, touches)
        edges[step.id] = (
            *(
                OrderEdge(name, "needs", "this step takes its frame")
                for name in step.needs
                if name in running
            ),
            *(OrderEdge(name, "after", "after") for name in step.after if name in running),
            *(
                OrderEdge(name, "shared", reason)
                for name, reason in reasons.items()
                if name not in step.upstream
            ),
        )
        if touches and touches[0].name in limits:
            limited[step.id] = touches[0].name
    return Schedule(compiled.manifest.steps, edges, frozenset(), limited, limits)


def one_at_a_time(schedule: Schedule) -> Schedule:
    """Return a schedule in which each step also waits for the one before it in the manifest."""
    edges = dict(schedule.edges)
    for before, step in pairwise(schedule.steps):
        if before.id not in {edge.earlier for edge in edges[step.id]}:
            edges[step.id] = (*edges[step.id], OrderEdge(before.id, "shared", "one step at a time"))
    return replace(schedule, edges=edges)


def bound_steps(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """Return, for each step, the steps that run on the same worker, because one takes a result that no file has."""
    groups = {step.id: frozenset({step.id}) for step in steps}
    for step in steps:
        for source, needs_result in frames_of(step).items():
            if needs_result and source in groups:
                group = groups[step.id] | groups[source]
                groups |= dict.fromkeys(group, group)
    return groups


def frames_of(step: Step) -> dict[str, bool]:
    """Return the steps whose results a step takes; True if it takes more than the frame, which no file holds."""
    inputs: dict[str, bool] = {}
    for ref in manifest.bind_inputs(step).values():
        inputs[ref.from_step] = inputs.get(ref.from_step, False) or ref.key != "df"
    return inputs
