"""What of the host a pipeline needs: the files it names, the code of its drivers, and the network or not."""

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

_OF_THE_SYSTEM: Final = frozenset(map(Path, ("/dev", "/proc", "/sys")))


def permissions_for(
    compiled: "Compiled", components: Mapping[str, Component], parcel: Bundle, connections: Mapping[str, Any]
) -> SandboxPermissions:
    """What an isolated worker gets beside the pipeline's own folder: no file that the pipeline does not name."""
    used = [components[step.driver] for step in compiled.manifest.steps if step.driver in components]
    named = parcel.input_files
    read = [*named.read, *_driver_packages(used), *_connection_paths(connections)]
    return SandboxPermissions(
        _existing(read),
        _existing(_to_write(named.written)),
        _needs_network(used, compiled),
        listable=_existing(named.listable),
        to_create=tuple(sorted({path for path in named.to_create if not os.path.exists(path)})),  # noqa: PTH110  as below
    )


def _to_write(files: Iterable[Path]) -> Iterator[Path]:
    """The folders of files that are replaced, as named and as linked to; a pipe itself."""
    for path in files:
        if is_special(path):
            yield path
        else:
            yield from (path.parent, resolved(path).parent)


def config_secrets(compiled: "Compiled", components: Mapping[str, Component]) -> tuple[str, ...]:
    """The secrets that stand in the configurations themselves, by the names of their keys."""
    found: dict[str, None] = {}
    for step in compiled.manifest.steps:
        component = components.get(step.driver)
        for name, value in compiled.configs[step.id].items():
            key = component.key(name) if component else None
            if isinstance(value, str) and value and (key.is_secret if key else is_secret_key(name)):
                found[value] = None
    return tuple(found)


def _existing(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those that are there and can be given: the root would be all of the host, and a sandbox has devices of its own."""
    there = {path.absolute() for path in paths if os.path.exists(path)}  # noqa: PTH110  a closed folder is no error here
    return tuple(sorted(path for path in there if not _is_system_path(path)))


def _is_system_path(path: Path) -> bool:
    lies = Path(os.path.normpath(path))
    around = {lies, *lies.parents}
    in_memory = Path("/dev/shm") in around  # noqa: S108  a folder of files like others
    return lies == Path("/") or (not in_memory and not _OF_THE_SYSTEM.isdisjoint(around))


def _driver_packages(used: Iterable[Component]) -> Iterator[Path]:
    """The packages the drivers lie in; those of this package and of the interpreter are granted anyway."""
    for name in {component.driver.partition(".")[0].partition(":")[0] for component in used}:
        found = importlib.util.find_spec(name)
        yield from map(Path, (found.submodule_search_locations or []) if found else [])


def _connection_paths(value: Any) -> Iterator[Path]:
    """Sockets and certificates that a connection names."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _connection_paths(item)
    elif isinstance(value, str) and value.startswith("/") and len(value) > 1 and "\0" not in value:
        yield Path(value)


def _needs_network(used: Iterable[Component], compiled: "Compiled") -> bool:
    allowed = any(config.get("allow_external") for config in compiled.configs.values())
    return allowed or any(component.family not in (None, FILES) for component in used)
