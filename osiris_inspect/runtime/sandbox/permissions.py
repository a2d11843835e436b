"""Permissions that an isolated worker needs: named files, driver packages and the network."""

import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime.connections.connections import FILE as CONNECTIONS
from osiris_inspect.runtime.connections.secret_values import secret_values
from osiris_inspect.runtime.files.atomic_replace import is_special
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.pipeline_files import FILE_FAMILIES, PipelineFiles, files_of_pipeline
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

_SYSTEM_FOLDERS: Final = frozenset(map(Path, ("/dev", "/proc", "/sys")))
_RUNS: Final = ("run_*", "compile_*")


@dataclass(frozen=True, slots=True)
class HostFolders:
    """Folders of the host in which files are hidden from a worker.

    Attributes:
        base: the folder that relative paths of the pipeline start from. Its entries with a name that begins with a dot
            are hidden, above all ``.env`` and ``.git``.
        logs: the folder of run directories.
        run_dir: the run's own directory.
        private: further files and folders: the pipeline, the connections, the cache.
    """

    base: Path
    logs: Path
    run_dir: Path
    private: tuple[Path, ...] = ()

    def hidden(self) -> Iterator[Path]:
        """Yield the existing files and folders that no driver needs."""
        if os.path.isdir(self.base):  # noqa: PTH112  False in a closed folder
            entries = self.base.iterdir()
            yield from (path for path in entries if path.name.startswith(".") or path.name == CONNECTIONS)
        yield from _existing(self.private)
        if resolved(self.logs) not in (resolved(self.base), *resolved(self.base).parents):
            yield self.logs
            return
        own = resolved(self.run_dir)
        yield from (path for pattern in _RUNS for path in self.logs.glob(pattern) if resolved(path) != own)


def access_of(
    compiled: "Compiled",
    components: Mapping[str, Component],
    connections: Mapping[str, Mapping[str, Any]],
    base: Path,
    written: Iterable[Path],
) -> SandboxPermissions:
    """Return what the steps of a pipeline, or of a part of it, need beyond what every worker has.

    ``written`` are the files that the steps of the whole pipeline write.
    """
    named = files_of_pipeline(compiled, components, base, connections)
    steps = compiled.manifest.steps
    used = [components[step.driver] for step in steps if step.driver in components]
    of_connections = _existing(_connection_paths({step.id: connections.get(step.id) for step in steps}))
    return SandboxPermissions(
        read=_existing(named.read) + of_connections,
        write=_existing(filter(is_special, named.written)),
        network=_needs_network(used, compiled),
        listable=_existing(named.listable),
        live=_existing(_folders_read_and_written(named, written)),
        sockets=any(map(_has_socket, of_connections)),
    )


def permissions_for(
    access: SandboxPermissions, used: Iterable[Component], folders: HostFolders
) -> SandboxPermissions:
    """Return the permissions of a worker: what its steps need, and the pipeline's folder without secrets.

    ``used`` are the components of the pipeline, whose code every worker loads.
    """
    run_dir = folders.run_dir
    return replace(
        access,
        read=(*access.read, *_existing([*_driver_packages(used), folders.base, run_dir])),
        write=(*access.write, run_dir / layout.ARTIFACTS),
        hidden=tuple(sorted(set(folders.hidden()))),
    )


def _folders_read_and_written(named: PipelineFiles, written: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders of written files that are also read, by name or by pattern."""
    read = {resolved(path) for path in named.read}
    patterns = {resolved(folder) for folder in named.listable}
    for path in written:
        target = resolved(path)
        if not is_special(path) and (target in read or not patterns.isdisjoint(target.parents)):
            yield target.parent


def config_secrets(compiled: "Compiled", components: Mapping[str, Component]) -> tuple[str, ...]:
    """Return the secrets in the configurations, recognized by their keys and by the places that hold them."""
    secrets: dict[str, None] = {}
    for step in compiled.manifest.steps:
        component = components.get(step.driver)
        for name, value in compiled.configs[step.id].items():
            key = component.key(name) if component else None
            if key is not None and key.secret and not isinstance(value, bool):
                secrets |= dict.fromkeys(secret_values("secret", value))
            else:
                secrets |= dict.fromkeys(secret_values(name, value))
    return tuple(secrets)


def _existing(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the existing paths, without ``/`` and the system's special folders."""
    existing = {path.absolute() for path in paths if os.path.exists(path)}  # noqa: PTH110  False in a closed folder
    return tuple(sorted(path for path in existing if not _is_system_path(path)))


def _is_system_path(path: Path) -> bool:
    normal = Path(os.path.normpath(path))
    ancestors = {normal, *normal.parents}
    in_memory = Path("/dev/shm") in ancestors  # noqa: S108  a folder of ordinary files
    return normal == Path("/") or (not in_memory and not _SYSTEM_FOLDERS.isdisjoint(ancestors))


def _driver_packages(used: Iterable[Component]) -> Iterator[Path]:
    """Yield the package folders of the drivers."""
    for name in {component.driver.partition(".")[0].partition(":")[0] for component in used}:
        spec = importlib.util.find_spec(name)
        yield from map(Path, (spec.submodule_search_locations or []) if spec else [])


def _connection_paths(value: Any) -> Iterator[Path]:
    """Yield the sockets and certificates that a connection names."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _connection_paths(item)
    elif isinstance(value, str) and value.startswith("/") and len(value) > 1 and "\0" not in value:
        yield Path(value)


def _has_socket(path: Path) -> bool:
    """Return True if a path of a connection is a socket, or a folder with one of PostgreSQL."""
    return path.is_socket() or (path.is_dir() and any(path.glob(".s.PGSQL.*")))


def _needs_network(used: Iterable[Component], compiled: "Compiled") -> bool:
    allowed = any(config.get("allow_external") for config in compiled.configs.values())
    return allowed or any(component.family not in (None, *FILE_FAMILIES) for component in used)
