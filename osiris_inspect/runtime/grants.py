"""What of the host a pipeline needs: the files it names, the code of its drivers, and the network or not."""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.model.redact import is_secret_key
from osiris_inspect.runtime.components import Component
from osiris_inspect.runtime.isolation import Grants
from osiris_inspect.runtime.parcel import FILES, Parcel

if TYPE_CHECKING:
    from osiris_inspect.runtime.compile import Compiled


def of(
    compiled: "Compiled", components: Mapping[str, Component], parcel: Parcel, connections: Mapping[str, Any]
) -> Grants:
    """What an isolated worker gets beside the pipeline's own folder: no file that the pipeline does not name."""
    used = [components[step.driver] for step in compiled.manifest.steps if step.driver in components]
    read = [*parcel.read, *_code(used), *_paths_in(connections)]
    write = (path.parent for path in parcel.written)
    return Grants(_there(read), _there(write), _needs_network(used, compiled))


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
    return tuple(sorted({path.absolute() for path in paths if path.exists()}))


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
