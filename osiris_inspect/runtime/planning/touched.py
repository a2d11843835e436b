"""Files and connections that steps touch, and the earlier steps that a step waits for because of them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.connection_server import connection_server
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.component import Component

_ROOT: Final = Path("/")


@dataclass(frozen=True, slots=True)
class Touch:
    """A file, folder or connection that a step reads or writes.

    Attributes:
        key: equal for the same database; a path with symbolic links resolved, or a text.
        name: the file or connection, for messages.
        writes: True if the step may change it.
    """

    key: Path | str
    name: str
    writes: bool


def touches_of_step(
    component: Component | None,
    config: Mapping[str, Any],
    base: Path,
    connection: Mapping[str, Any],
) -> tuple[Touch, ...]:
    """Return what a step touches. Of a component without ``path`` and connection nothing is known.

    ``connection`` is the resolved connection; without one, the reference in the configuration counts.
    """
    if component is None:
        return ()
    writes = "write" in component.modes
    if component.family not in (None, *pipeline_files.FILE_FAMILIES):
        key, name = _database(component.family or "", config, connection)
        return (Touch(key, name, writes),)
    if config.get("allow_external"):
        return (Touch(_ROOT, "any file (allow_external)", writes=True),)
    return tuple(
        Touch(resolved(path), _shown(path, base), writes)
        for path in pipeline_files.touched_paths(component, config, base, connection)
    )


def _database(family: str, config: Mapping[str, Any], connection: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key of the database of a step, and the name of its connection."""
    reference = str(config.get("connection") or f"@{family}").removeprefix("@")
    name = f"{connection['family']}.{connection['alias']}" if "alias" in connection else reference
    server = connection_server(connection)
    return f"{family} {sorted(server.items())}" if server else name, name


def _shown(path: Path, base: Path) -> str:
    return os.path.relpath(path, base) if path.is_relative_to(base) else str(path)


@dataclass(slots=True)
class _Access:
    """Steps that touched a key since the last write, which is the first of ``writers``."""

    writers: list[tuple[str, Touch]] = field(default_factory=list)
    readers: list[tuple[str, Touch]] = field(default_factory=list)


class TouchIndex:
    """Touches of the steps so far, in the order of the manifest. A folder includes what is below it."""

    def __init__(self) -> None:
        self._at: dict[Path | str, _Access] = {}
        self._below: dict[Path, _Access] = {}

    def add(self, step: str, touches: Sequence[Touch]) -> dict[str, str]:
        """Add a step; return the earlier steps that it waits for, each with the reason.

        A step waits for the last one that writes what it touches, and before it writes, for those that read it since.
        """
        reasons: dict[str, str] = {}
        for touch in touches:
            for earlier, other in self._conflicts(touch):
                if earlier != step:
                    reasons.setdefault(earlier, _reason(touch, other))
        for touch in touches:
            self._record(step, touch)
        return reasons

    def _conflicts(self, touch: Touch) -> Iterator[tuple[str, Touch]]:
        accesses = [self._at.get(touch.key)]
        if isinstance(touch.key, Path):
            accesses += [self._at.get(parent) for parent in touch.key.parents]
            accesses.append(self._below.get(touch.key))
        for access in filter(None, accesses):
            yield from chain(access.writers, access.readers if touch.writes else ())

    def _record(self, step: str, touch: Touch) -> None:
        access = self._at.setdefault(touch.key, _Access())
        if touch.writes:
            access.writers, access.readers = [(step, touch)], []
        else:
            access.readers.append((step, touch))
        if isinstance(touch.key, Path):
            for parent in touch.key.parents:
                below = self._below.setdefault(parent, _Access())
                (below.writers if touch.writes else below.readers).append((step, touch))


def _reason(touch: Touch, other: Touch) -> str:
    if touch.writes and other.writes:
        return f"both write {other.name}"
    return f"it {'writes' if other.writes else 'reads'} {other.name}, which this step {'writes' if touch.writes else 'reads'}"
