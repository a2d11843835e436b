"""Replay of an untrusted run, such as one in a zip: isolated, and on nothing but what the run has."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import ReplayPlace
from osiris_inspect.runtime.replay.replay import FOREIGN, Replay, ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.repro.component_specs import described_components
from osiris_inspect.runtime.sandbox import isolation
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.sandbox.guarantees import YES, guarantees
from osiris_inspect.runtime.settings import Settings

REPRO: Final = "repro.json"
"""File of a bundle that describes it; a run directory with it is untrusted."""
CODE: Final = "code"
"""Folder of a bundle with the code of its driver."""
EXTERNAL: Final = "allow_external"


def is_bundle(path: Path) -> bool:
    """Return True if a run directory is the content of a repro bundle."""
    return (path / REPRO).exists()


class ForeignReplay(Replay):
    """A step of an untrusted run that is ready to run again.

    It runs under bubblewrap or Landlock, without connections, network and files of this machine. Code of this run is
    imported only from the folder that ``options.code`` names.
    """

    is_foreign = True
    _why: ClassVar = "its run is untrusted"
    _fix: ClassVar = "run its pipeline yourself, if you trust it"

    def __init__(self, path: Path, step: str, options: ReplayOptions, host: ReplayHost) -> None:
        """Read the run and check that its step needs nothing else.

        Raises:
            SettingsError: an option or the step needs more than that, or there is no isolation on this machine.
            OsirisError: see ``Replay``.
        """
        _check_options(options)
        self._level = strongest_isolation()
        if options.code is not None and options.code == path / CODE:
            installed = host.components if host.components is not None else all_components()
            host = replace(host, components={**described_components(path), **installed})
        super().__init__(path, step, replace(options, target="sandbox", place=None), host)

    @cached_property
    def base(self) -> Path:
        """Folder that relative paths of the step start from: the run itself."""
        return self.earlier.path

    @cached_property
    def _current(self) -> Compiled | None:
        return None  # no pipeline file of this machine

    def _check_effects(self) -> None:
        component = self.component
        needs_more = (
            component.inputs == "none" or not component.produces_frame or component.family is not None
        )
        needs_more |= self.config.get("mode") == "write" or bool(self.config.get("connection"))
        if needs_more or any(map(_leads_out, _texts(self.config.get("path")))):
            raise SettingsError(
                f"step {self.step.id!r} ({component.name}) reads or writes outside of its run, and {self._why}",
                fix=self._fix,
                step=self.step.id,
            )

    def _config(
        self, step: Step, changes: Mapping[str, Any], removed: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        config = super()._config(step, changes, removed)
        if config.get(EXTERNAL):
            raise SettingsError(
                f"step {step.id!r} sets {EXTERNAL}, and {self._why}",
                fix=f"add --set {EXTERNAL}=false, or {self._fix}",
                step=step.id,
                setting=EXTERNAL,
            )
        return config

    def _recorded(self, step: str) -> dict[str, Any]:
        del step  # only names of files and servers are in it
        return {}

    def _resolve_connections(self) -> Connections:
        return Connections()

    def _chosen_place(self) -> ReplayPlace:
        memory = self.earlier.options.get("memory_limit")
        return ReplayPlace("sandbox", self._level, memory if isinstance(memory, str) else None)

    def _pipeline_file(self) -> Path:
        return self.base / (Path(str(self.earlier.plan.get("file") or "")).name or "pipeline.yaml")

    def _recorded_options(self) -> dict[str, Any]:
        memory = self._chosen_place().memory_limit
        return {FOREIGN: "yes", "isolation": self._level, **({"memory_limit": memory} if memory else {})}

    def _settings(self) -> Settings:
        """Return the settings of the run, each checked as one of the command line."""
        recorded = self.earlier.start["settings"]
        values = {name: entry.get("value") for name, entry in recorded.items() if isinstance(entry, Mapping)}
        flags = {name: str(value) for name, value in values.items() if value is not None}
        return replace(settings.read({}, flags), keep="frames")


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []


def _leads_out(path: str) -> bool:
    """Return True if a path, which a worker may read, is not in the folder of the run."""
    return path.startswith(("/", "~")) or ".." in Path(path).parts


def strongest_isolation() -> isolation.Level:
    """Return the isolation of the replay of an untrusted run.

    Raises:
        SettingsError: none on this machine closes files and network.
    """
    chosen = isolation.choose("auto")
    if guarantees(chosen.level, SandboxPermissions(network=False))["network"] == YES:
        return chosen.level
    reasons = "; ".join(f"{level}: {reason.partition('; ')[0]}" for level, reason in chosen.unavailable)
    raise SettingsError(
        f"an untrusted run is replayed in isolation only, and none is available ({reasons or chosen.level})",
        kind="isolation-unavailable",
        fix="install bubblewrap; osiris-inspect doctor shows the levels",
        level=chosen.level,
    )


def _check_options(options: ReplayOptions) -> None:
    """Check that no option gives the step more than its run.

    Raises:
        SettingsError: one does.
    """
    given = {
        "--on": options.target not in (None, "sandbox"),
        "--pdb": options.on_error is not None,
        "--recompute": options.recompute,
        "--allow-writes": options.allow_writes,
        "--connections": options.connections is not None,
        "--env-file": options.env_file is not None,
    }
    refused = [name for name, is_given in given.items() if is_given]
    if refused:
        raise SettingsError(
            f"{', '.join(refused)} cannot be used on an untrusted run, which is replayed in isolation",
            fix="leave out the option",
        )
