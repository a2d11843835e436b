"""Chains: steps that follow one another and run on one machine, so that their frames stay there."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from osiris_inspect.model import manifest
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.planning.schedule import OrderEdge, Schedule, frames_of
from osiris_inspect.runtime.planning.touched import TouchIndex, touches_of_step


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that run one after another on one machine; its id is that of the first one.

    Attributes:
        cut: why the first step does not continue another chain.
        frames: steps of other chains whose frames it takes.
        gives: steps whose frames other chains take.
    """

    steps: tuple[str, ...]
    cut: str
    frames: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the chain."""
        return self.steps[0]


def chains_of(schedule: Schedule, not_repeatable: Collection[str]) -> tuple[Chain, ...]:
    """Return the chains of a run, in the order of the manifest.

    A step of ``not_repeatable``, one with retries, a limit of memory or a machine, and one whose connection has a limit is a chain
    of its own.

    Raises:
        SettingsError: a step takes a result other than a frame from another chain, which cannot cross machines.
    """
    steps = {step.id: step for step in schedule.steps}
    earlier = {name: {edge.earlier for edge in schedule.edges[name]} for name in steps}
    later: dict[str, set[str]] = {name: set() for name in steps}
    for name, sources in earlier.items():
        for source in sources:
            later[source].add(name)
    chains: list[list[str]] = []
    cuts: list[str] = []
    chain_of: dict[str, int] = {}
    for name in steps:
        cut = _cut(name, earlier[name], later, schedule, not_repeatable)
        if cut is None:
            (source,) = earlier[name]
            chain_of[name] = chain_of[source]
            chains[chain_of[name]].append(name)
        else:
            chain_of[name] = len(chains)
            chains.append([name])
            cuts.append(cut)
    crossing = list(_crossing_frames(steps, chain_of))
    return tuple(
        Chain(
            tuple(members),
            cut,
            tuple(dict.fromkeys(source for source, taker in crossing if chain_of[taker] == number)),
            tuple(dict.fromkeys(source for source, _ in crossing if chain_of.get(source) == number)),
        )
        for number, (members, cut) in enumerate(zip(chains, cuts, strict=True))
    )


def _cut(
    name: str,
    earlier: Collection[str],
    later: Mapping[str, Collection[str]],
    schedule: Schedule,
    not_repeatable: Collection[str],
) -> str | None:
    """Return why a step starts a chain; None if it continues that of the step before it."""
    if len(earlier) != 1:
        return f"it waits for {len(earlier) or 'no'} step{'s' if earlier else ''}"
    (source,) = earlier
    shared = next((edge for edge in schedule.edges[name] if edge.kind == "shared"), None)
    if shared is not None:
        return f"it waits for {source}, but needs nothing of it: {shared.reason}"
    if len(later[source]) > 1:
        return f"{len(later[source])} steps wait for {source}"
    reasons = (_reason_to_be_alone(step, schedule, not_repeatable) for step in (name, source))
    return next(filter(None, reasons), None)


def _reason_to_be_alone(name: str, schedule: Schedule, not_repeatable: Collection[str]) -> str | None:
    """Return why a step is a chain of its own; None if it need not be one."""
    if name in not_repeatable:
        return f"{name} may write rows twice if it runs again"
    step = next(step for step in schedule.steps if step.id == name)
    if step.retry:
        return f"{name} is retried"
    if step.memory_bytes is not None:
        return f"{name} has a limit of memory"
    if step.machine:
        return f"{name} names its machine"
    return f"the connection of {name} has a limit" if name in schedule.connection else None


def _crossing_frames(steps: Mapping[str, Step], chain_of: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the steps whose frame a step of another chain takes, each with that step."""
    for name, step in steps.items():
        for source, needs_result in frames_of(step).items():
            if chain_of.get(source) == chain_of[name]:
                continue
            if needs_result and source in steps:
                key = next(ref.key for ref in manifest.bind_inputs(step).values() if ref.from_step == source)
                raise SettingsError(
                    f"step {name!r} takes the result {key!r} of step {source!r}, which may run on another machine",
                    fix="use its frame df, or run without --on dask",
                    step=name,
                )
            yield source, name


def chain_schedule(chains: Collection[Chain], schedule: Schedule) -> Schedule:
    """Return the order of the chains, each as a step with the id of the chain; it has the limits of ``schedule``."""
    chain_of = {step: chain.id for chain in chains for step in chain.steps}
    steps = {step.id: step for step in schedule.steps}
    edges: dict[str, tuple[OrderEdge, ...]] = {}
    nodes: list[Step] = []
    for chain in chains:
        own = {
            chain_of[edge.earlier]: OrderEdge(chain_of[edge.earlier], edge.kind, edge.reason)
            for name in chain.steps
            for edge in reversed(schedule.edges[name])
            if chain_of[edge.earlier] != chain.id
        }
        edges[chain.id] = tuple(own.values())
        waits_for = tuple(edge.earlier for edge in own.values() if edge.kind != "shared")
        nodes.append(replace(steps[chain.id], needs=(), inputs={}, after=waits_for))
    return Schedule(tuple(nodes), edges, frozenset(), schedule.connection, schedule.max_parallel)


def check_shared_files(
    chains: Collection[Chain],
    compiled: Compiled,
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
) -> None:
    """Check that no step uses a file that a step of another chain writes: files do not cross machines.

    Raises:
        SettingsError: one does; the message names both steps.
    """
    chain_of = {step: chain.id for chain in chains for step in chain.steps}
    index = TouchIndex()
    for step in compiled.manifest.steps:
        touches = touches_of_step(
            components.get(step.driver), compiled.configs[step.id], base, connections.get(step.id, {})
        )
        files = [touch for touch in touches if isinstance(touch.key, Path)]
        for earlier, reason in index.add(step.id, files).items():
            if chain_of[earlier] != chain_of[step.id]:
                raise SettingsError(
                    f"step {step.id!r} must run on the machine of step {earlier!r}: {reason}",
                    fix="pass the rows on as a frame (needs), or run without --on dask",
                    step=step.id,
                )
