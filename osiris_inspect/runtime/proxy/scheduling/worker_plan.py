"""Order of the steps with several workers, and the rights of the worker of each step."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.pipeline_files import files_of_pipeline
from osiris_inspect.runtime.planning.schedule import (
    Schedule,
    bound_steps,
    build_schedule,
    one_at_a_time,
)
from osiris_inspect.runtime.proxy.failures import memory_above_run, memory_not_limited
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.sandbox.permissions import access_of
from osiris_inspect.runtime.transport.transport import Transport


def schedule_of(request: RunRequest, components: Mapping[str, Component], transport: Transport) -> Schedule:
    """Return the order of the steps with several workers; in a thread, a step runs alone unless it is safe there."""
    connections = request.connections
    schedule = build_schedule(
        request.running, components, request.base, connections.by_step, connections.max_parallel
    )
    memory = {step.id: step.memory_bytes for step in schedule.steps if step.memory_bytes is not None}
    if request.jobs == 1:
        schedule = one_at_a_time(schedule)
    if transport.memory_bytes is not None:
        run_bytes = transport.memory_bytes * request.jobs
        schedule = replace(schedule, worker_bytes=transport.memory_bytes, run_bytes=run_bytes)
    schedule = replace(schedule, memory=memory)
    if transport.mode == "local":
        safe = {name for name, component in components.items() if component.thread_safe}
        alone = frozenset(step.id for step in schedule.steps if step.driver not in safe)
        return replace(schedule, alone=alone)
    if not transport.stages_outputs:
        return schedule
    sharing = bound_steps(schedule.steps)
    if request.jobs == 1:  # one worker for all steps without a limit of memory
        shared = frozenset(step for step in sharing if step not in memory)
        sharing |= dict.fromkeys(shared, shared)
    access = StepAccess(request, components)
    rights = {group: access.of_steps(group).rights() for group in set(sharing.values())}
    return replace(schedule, sharing=sharing, rights={step: rights[group] for step, group in sharing.items()})


def check_step_memory(request: RunRequest, transport: Transport) -> None:
    """Check that the limits of memory of single steps can be applied.

    Raises:
        SettingsError: the transport cannot, or a limit is above that of the run.
    """
    limited = {step.id: step.memory_bytes for step in request.running.manifest.steps}
    run_bytes = None if transport.memory_bytes is None else transport.memory_bytes * request.jobs
    for step, size in limited.items():
        if size is not None and not transport.limits_memory:
            raise memory_not_limited(step, transport.mode)
        if size is not None and run_bytes is not None and size > run_bytes:
            raise memory_above_run(step, size, run_bytes)


class StepAccess:
    """Files, connections and network that steps of a run need in a sandbox, beyond what every worker has."""

    def __init__(self, request: RunRequest, components: Mapping[str, Component]) -> None:
        self._compiled, self._components = request.running, components
        self._base, self._connections = request.base, request.connections.by_step
        self._written = files_of_pipeline(self._compiled, components, self._base, self._connections).written

    def of_steps(self, steps: Collection[str]) -> SandboxPermissions:
        """Return what these steps need."""
        return access_of(
            _restricted(self._compiled, steps), self._components, self._connections, self._base, self._written
        )


def _restricted(compiled: Compiled, steps: Collection[str]) -> Compiled:
    """Return a pipeline of these steps only; needs of other steps stay."""
    return replace(
        compiled,
        manifest=replace(
            compiled.manifest, steps=tuple(step for step in compiled.manifest.steps if step.id in steps)
        ),
        configs={step: config for step, config in compiled.configs.items() if step in steps},
    )
