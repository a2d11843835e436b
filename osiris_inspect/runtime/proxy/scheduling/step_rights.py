"""Order of the steps with several workers, and the rights of the worker of each step."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.pipeline_files import files_of_pipeline
from osiris_inspect.runtime.planning.schedule import Schedule, bound_steps, build_schedule
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
    if transport.mode == "local":
        safe = {name for name, component in components.items() if component.thread_safe}
        alone = frozenset(step.id for step in schedule.steps if step.driver not in safe)
        return replace(schedule, alone=alone)
    if not transport.stages_outputs:
        return schedule
    sharing = bound_steps(schedule.steps)
    access = StepAccess(request, components)
    rights = {group: access.of_steps(group).rights() for group in set(sharing.values())}
    return replace(schedule, sharing=sharing, rights={step: rights[group] for step, group in sharing.items()})


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
