"""Pipeline and options of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.files.run_access import PRIVATE, RunAccess
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin
from osiris_inspect.runtime.planning.take_over import without_reused
from osiris_inspect.runtime.proxy.artifact_download import ArtifactPolicy
from osiris_inspect.runtime.proxy.run_recorder import EventListener
from osiris_inspect.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Pipeline and options of a run.

    Attributes:
        logs: the folder of run directories.
        base: the folder that relative paths of the pipeline start from.
        clock: returns seconds since 1970.
        env_names: the names of the host's environment variables.
        fail_fast: True if the first failed step ends the run; otherwise independent branches continue.
        on_event: called with each event after it is written.
        connections: sent to the worker and written nowhere.
        components: components of the pipeline; empty for the installed ones.
        secrets: secrets beyond those of connections and configurations.
        artifact_policy: the artifacts that are downloaded from a remote worker.
        install_missing: True if missing modules are installed.
        prepare_timeout_s: timeout of the worker's preparation; not applied if it installs modules.
        private: files and folders that an isolated worker cannot read, besides the pipeline and the connections.
        readable: further files and folders that an isolated worker can read.
        access: who may read the run directory.
        jobs: the most steps at a time; a remote worker runs one.
        reused: results of an earlier run by step; these steps do not run.
        origin: the earlier run that this run continues or repeats.
        expected: fingerprints by step of frames that are produced again; a step that returns another one fails.
        allow_mixed: True if such a step does not fail, and the log says that its source has changed.
        options: options of the command line, for the log.
        variable_digests: fields of the host's event ``environment`` about the values of variables.
    """

    compiled: Compiled
    settings: Settings
    logs: Path
    base: Path
    clock: Callable[[], float]
    env_names: tuple[str, ...] = ()
    fail_fast: bool = False
    on_event: EventListener = field(default=lambda _: None)
    connections: Connections = field(default_factory=Connections)
    components: Mapping[str, Component] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    artifact_policy: ArtifactPolicy = "small"
    install_missing: bool = False
    prepare_timeout_s: float = 300.0
    private: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    access: RunAccess = PRIVATE
    reused: Mapping[str, ReusedStep] = field(default_factory=dict)
    origin: RunOrigin | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    allow_mixed: bool = False
    jobs: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    variable_digests: Mapping[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> Compiled:
        """The pipeline without the steps whose results are taken over."""
        return without_reused(self.compiled, self.reused)
