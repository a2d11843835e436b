"""Context of a run: its request, its log and its progress, shared by the parts that carry it out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.proxy.run_finish import RunProgress
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class RunContext:
    """Request, log and progress of a run.

    Attributes:
        components: components of the pipeline.
        secrets: masked in everything that is written.
        worker_settings: settings of one worker, which has its part of the run's memory.
    """

    request: RunRequest
    recorder: RunRecorder
    progress: RunProgress
    signals: SignalFlag
    components: Mapping[str, Component]
    secrets: tuple[str, ...]
    worker_settings: Settings

    @property
    def emit(self) -> Callable[..., None]:
        """Write an event of the host: name, fields, and the step if it has one."""
        return self.recorder.record_host_event

    @property
    def steps(self) -> tuple[Step, ...]:
        """Steps that run, in the order of their needs; those that are taken over from an earlier run do not."""
        return self.request.running.manifest.steps

    def connection_of(self, step: Step) -> Mapping[str, Any]:
        """Return the resolved connection of a step; empty without one."""
        return self.request.connections.by_step.get(step.id, {})
