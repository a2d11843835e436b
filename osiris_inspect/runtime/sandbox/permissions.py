"""What of the host a pipeline needs: the files it names, the code of its drivers, and the network or not."""

import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.files.atomic_replace import is_special
from osiris_inspect.runtime.files.symlinks import real
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.pipeline_files import FILES
from osiris_inspect.runtime.protocol.bundle import Parcel
from osiris_inspect.runtime.sandbox.isolation import Grants

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

_OF_THE_SYSTEM: Final = frozenset(map(Path, ("/dev", "/proc", "/sys")))


def of(
    compiled: "Compiled", components: Mapping[str, Component], parcel: Parcel, connections: Mapping[str, Any]
) -> Grants:
    """What an isolated worker gets beside the pipeline's own folder: no file that the pipeline does not name."""
    used = [components[step.driver] for step in compiled.manifest.steps if step.driver in components]
    named = parcel.named
    read = [*named.read, *_code(used), *_paths_in(connections)]
    return Grants(
        _there(read),
        _there(_to_write(named.written)),
        _needs_network(used, compiled),
        listed=_there(named.listed),
        made=tuple(sorted({path for path in named.made if not os.path.exists(path)})),  # noqa: PTH110  as below
    )


def _to_write(files: Iterable[Path]) -> Iterator[Path]:
    """The folders of files that are replaced, as named and as linked to; a pipe itself."""
    for path in files:
        if is_special(path):
            yield path
        else:
            yield from (path.parent, real(path).parent)


def secrets_in(compiled: "Compiled", components: Mapping[str, Component]) -> tuple[str, ...]:
    """The secrets that stand in the configurations themselves, by the names of their keys."""
    found: dict[str, None] = {}
    for step in compiled.manifest.steps:
        component = components.get(step.driver)
        for name, value in compiled.configs[step.id].items():
            key = component.key(name) if component else None
            if isinstance(value, str) and value and (key.is_secret if key else is_secret_key(name)):
                found[value] = None
    return tuple(found)


def _there(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those that are there and can be given: the root would be all of the host, and a sandbox has devices of its own."""
    there = {path.absolute() for path in paths if os.path.exists(path)}  # noqa: PTH110  a closed folder is no error here
    return tuple(sorted(path for path in there if not _is_the_systems(path)))


def _is_the_systems(path: Path) -> bool:
    lies = Path(os.path.normpath(path))
    around = {lies, *lies.parents}
    in_memory = Path("/dev/shm") in around  # noqa: S108  a folder of files like others
    return lies == Path("/") or (not in_memory and not _OF_THE_SYSTEM.isdisjoint(around))


def _code(used: Iterable[Component]) -> Iterator[Path]:
    """The packages the drivers lie in; those of this package and of the interpreter are granted anyway."""
    for name in {component.driver.partition(".")[0].partition(":")[0] for component in used}:
        found = importlib.util.find_spec(name)
        yield from map(Path, (found.submodule_search_locations or []) if found else [])


def _paths_in(value: Any) -> Iterator[Path]:
    """Sockets and certificates that a connection names."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _paths_in(item)
    elif isinstance(value, str) and value.startswith("/") and len(value) > 1 and "\0" not in value:
        yield Path(value)


def _needs_network(used: Iterable[Component], compiled: "Compiled") -> bool:
    allowed = any(config.get("allow_external") for config in compiled.configs.values())
    return allowed or any(component.family not in (None, FILES) for component in used)
