"""Permissions that an isolated worker needs: named files, driver packages and the network."""

import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.files.atomic_replace import is_special
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.pipeline_files import FILES
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.sandbox.isolation import SandboxPermissions

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

_SYSTEM_FOLDERS: Final = frozenset(map(Path, ("/dev", "/proc", "/sys")))


def permissions_for(
    compiled: "Compiled", components: Mapping[str, Component], bundle: Bundle, connections: Mapping[str, Any]
) -> SandboxPermissions:
    """Return the permissions of a worker beyond the pipeline's folder: only files that the pipeline names."""
    used = [components[step.driver] for step in compiled.manifest.steps if step.driver in components]
    named = bundle.named_files
    return SandboxPermissions(
        _existing([*named.read, *_driver_packages(used), *_connection_paths(connections)]),
        _existing(_written_paths(named.written)),
        _needs_network(used, compiled),
        listable=_existing(named.listable),
        to_create=tuple(sorted({path for path in named.to_create if not os.path.exists(path)})),  # noqa: PTH110  as below
    )


def _written_paths(files: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders of files that are replaced, both as named and resolved; a pipe or device itself."""
    for path in files:
        if is_special(path):
            yield path
        else:
            yield from (path.parent, resolved(path).parent)


def config_secrets(compiled: "Compiled", components: Mapping[str, Component]) -> tuple[str, ...]:
    """Return the secrets in the configurations, recognized by their keys."""
    secrets: dict[str, None] = {}
    for step in compiled.manifest.steps:
        component = components.get(step.driver)
        for name, value in compiled.configs[step.id].items():
            key = component.key(name) if component else None
            if isinstance(value, str) and value and (key.is_secret if key else is_secret_key(name)):
                secrets[value] = None
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


def _needs_network(used: Iterable[Component], compiled: "Compiled") -> bool:
    allowed = any(config.get("allow_external") for config in compiled.configs.values())
    return allowed or any(component.family not in (None, FILES) for component in used)
