"""Files that a step's ``path`` refers to, as drivers open them and as the host grants access to them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.component import Component

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

FILES: Final = "filesystem"
SQLITE: Final = "sqlite"
FILE_FAMILIES: Final = (FILES, SQLITE)
"""Families of the components whose ``path`` names files of the host."""
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite keeps beside a database while it is in use."""
_WILDCARDS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """Files of the host that a pipeline names.

    Attributes:
        read: existing input files.
        listable: directories that input patterns are matched in.
        written: output files; they need not exist.
        updated: those of them of which a step changes a part, so that it needs the old file.
    """

    read: tuple[Path, ...] = ()
    listable: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()
    updated: tuple[Path, ...] = ()


def files_of_pipeline(
    compiled: "Compiled",
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
) -> PipelineFiles:
    """Return the files named by the ``path`` of each step."""
    read: list[Path] = []
    listable: list[Path] = []
    written: list[Path] = []
    updated: list[Path] = []
    for step in compiled.manifest.steps:
        component = components.get(step.driver)
        if component is None or component.family not in (None, *FILE_FAMILIES):
            continue  # its path does not name a file
        config, connection = compiled.configs[step.id], connections.get(step.id)
        start = folder(base, connection)
        if "write" in component.modes:
            outputs = outputs_of_step(component, config, base, connection)
            written += outputs
            updated += outputs if component.family == SQLITE else ()
        elif component.family == SQLITE:
            for path in _database_paths(config, base, connection):
                read += (path, *files_beside(path))
        else:
            texts = list(_texts(config.get("path")))
            read += (path for text in texts for path in matching_files(start, text))
            listable += (_literal_prefix(start, text) for text in texts if is_pattern(start, text))
    return PipelineFiles(tuple(read), tuple(listable), tuple(written), tuple(updated))


def check_start(
    compiled: "Compiled",
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
) -> None:
    """Check that no relative path starts at the working directory instead of ``base``.

    Raises:
        SettingsError: an input, or the folder of an output, exists below the working directory only.
    """
    cwd = Path.cwd()
    written = set(files_of_pipeline(compiled, components, base, connections).written)
    for step in compiled.manifest.steps:
        component, config = components.get(step.driver), compiled.configs[step.id]
        if component is None or component.family not in (None, *FILE_FAMILIES):
            continue
        connection = connections.get(step.id)
        start, other_start = (folder(each, connection) for each in (base, cwd))
        is_output = "write" in component.modes
        is_database = component.family == SQLITE
        for text in _texts(database_path(config, connection) if is_database else config.get("path")):
            name = str(Path(text).parent) if is_output else text
            if start / text in written and not is_output:
                continue  # an earlier step writes it
            if not _names_a_file(start, name) and _names_a_file(other_start, name):
                raise _starts_at_cwd(step.id, start / name, other_start / name, is_output=is_output)


def _names_a_file(start: Path, text: str) -> bool:
    try:
        return any(os.path.lexists(path) for path in matching_files(start, text))
    except OSError:  # a name that is too long, or a folder without permission
        return False


def _starts_at_cwd(step: str, path: Path, elsewhere: Path, *, is_output: bool) -> SettingsError:
    way_out = f"create {path}" if is_output else "correct the path"
    return SettingsError(
        f"path of step {step!r} not found: {path}, because relative paths start at the folder of the pipeline; "
        f"{elsewhere} exists",
        kind="file-missing",
        fix=f"use --base . to start relative paths at the working directory, or {way_out}",
        path=str(path),
        exists_at=str(elsewhere),
        step=step,
        option="--base",
    )


def overwritten_files(compiled: "Compiled", components: Mapping[str, Component]) -> Iterator[tuple[str, str]]:
    """Yield each step that writes a file of another step, and a message about it.

    It is a file that a step before it writes, or one that a step reads whose rows it writes.
    """
    upstream: dict[str, set[str]] = {}
    writers: dict[tuple[str, str], str] = {}
    readers: dict[tuple[str, str], set[str]] = {}
    for step in compiled.manifest.steps:  # in the order of their needs
        upstream[step.id] = {each for need in step.needs for each in (need, *upstream.get(need, ()))}
        component, config = components.get(step.driver), compiled.configs[step.id]
        if component is None or component.family not in (None, FILES):
            continue
        is_output = "write" in component.modes
        for text in _texts(config.get("path")):
            file = (str(config.get("connection") or ""), os.path.normpath(text))
            if not is_output:
                readers.setdefault(file, set()).add(step.id)
                continue
            if config.get("write_mode") == "append":
                continue
            sources = sorted(readers.get(file, set()) & upstream[step.id])
            if file in writers:
                yield (
                    step.id,
                    f"step {step.id!r} overwrites {text}, which step {writers[file]!r} writes; give it another path",
                )
            elif sources:
                yield (
                    step.id,
                    f"step {step.id!r} overwrites {text}, which step {sources[0]!r} reads, so a second run reads other "
                    "rows; write to another path",
                )
            writers.setdefault(file, step.id)


def outputs_of_step(
    component: Component | None,
    config: Mapping[str, Any],
    base: Path,
    connection: Mapping[str, Any] | None,
) -> tuple[Path, ...]:
    """Return the files that a step writes: those of its ``path``, or the database of its connection."""
    if component is None or "write" not in component.modes:
        return ()
    if component.family == SQLITE:
        return _database_paths(config, base, connection)
    if component.family not in (None, FILES):
        return ()
    return tuple(folder(base, connection) / text for text in _texts(config.get("path")))


def touched_paths(
    component: Component, config: Mapping[str, Any], base: Path, connection: Mapping[str, Any] | None
) -> tuple[Path, ...]:
    """Return the files that a step reads or writes; of a pattern, the folder that it is matched in."""
    if component.family == SQLITE:
        return _database_paths(config, base, connection)
    if component.family not in (None, FILES):
        return ()
    start = folder(base, connection)
    is_output = "write" in component.modes
    return tuple(
        _literal_prefix(start, text) if not is_output and is_pattern(start, text) else start / text
        for text in _texts(config.get("path"))
    )


def database_path(config: Mapping[str, Any], connection: Mapping[str, Any] | None) -> str | None:
    """Return the ``path`` of a step with a SQLite database: its own, or that of its connection."""
    path = config.get("path") or (connection or {}).get("path")
    return str(path) if path else None


def files_beside(path: Path) -> tuple[Path, ...]:
    """Return the existing files that belong to a SQLite database."""
    files = (path.with_name(path.name + suffix) for suffix in _BESIDE)
    return tuple(file for file in files if os.path.exists(file))  # noqa: PTH110  False if the directory cannot be read


def unfinished_file(path: Path) -> Path | None:
    """Return a file beside a SQLite database that has changes which the database lacks; None without one."""
    logs = (file for file in files_beside(path) if not file.name.endswith("-shm"))
    return next((file for file in logs if file.stat().st_size), None)


def _database_paths(
    config: Mapping[str, Any], base: Path, connection: Mapping[str, Any] | None
) -> tuple[Path, ...]:
    path = database_path(config, connection)
    return () if path is None else (folder(base, connection) / path,)


def folder(base: Path, connection: Mapping[str, Any] | None) -> Path:
    """Return the directory that paths are relative to: the connection's ``base_dir``, otherwise the run's."""
    return base / str((connection or {}).get("base_dir") or "")


def is_pattern(start: Path, text: str) -> bool:
    """Return True if ``text`` contains a wildcard and is not the name of an existing file."""
    return bool(_WILDCARDS.intersection(text)) and not os.path.exists(start / text)  # noqa: PTH110  False if the directory cannot be read


def matching_files(start: Path, text: str) -> list[Path]:
    """Return the file with this name, existing or not, or the files that match a pattern, sorted by name."""
    if not is_pattern(start, text):
        return [start / text]
    root = Path(text).anchor
    paths = Path(root).glob(text.removeprefix(root)) if root else start.glob(text)
    return sorted(path for path in paths if path.is_file())


def _literal_prefix(start: Path, pattern: str) -> Path:
    """Return the deepest directory of a pattern that is named without a wildcard."""
    literal = takewhile(lambda name: not _WILDCARDS.intersection(name), Path(pattern).parts)
    return start.joinpath(*literal)


def _texts(value: Any) -> Iterator[str]:
    return (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
