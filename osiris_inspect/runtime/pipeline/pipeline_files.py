"""Which files a step's ``path`` means: one rule for the step that opens them and for the host that grants them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline.component import Component

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

FILES: Final = "filesystem"
"""The family of components whose ``path`` names files of the host."""
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """The host's files that a pipeline names.

    Attributes:
        read: its input, as far as it is there.
        listed: the folders whose names its patterns are compared with.
        written: its output; it need not be there yet.
        made: folders of its output that it wants made where they are missing.
    """

    read: tuple[Path, ...] = ()
    listable: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()
    to_create: tuple[Path, ...] = ()


def files_of_pipeline(
    compiled: "Compiled",
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
) -> PipelineFiles:
    """The files that the steps of a pipeline name as their ``path``."""
    read: list[Path] = []
    listed: list[Path] = []
    written: list[Path] = []
    made: list[Path] = []
    for step in compiled.manifest.steps:
        component = components.get(step.driver)
        if component is None or component.family not in (None, FILES):
            continue  # what it calls a path is none of a file
        config = compiled.configs[step.id]
        start = folder(base, connections.get(step.id))
        texts = list(_texts(config.get("path")))
        if "write" in component.modes:
            written += (start / text for text in texts)
            made += (resolved(start / text).parent for text in texts if config.get("create_dirs"))
        else:
            read += (path for text in texts for path in matching_files(start, text))
            listed += (_literal_prefix(start, text) for text in texts if is_pattern(start, text))
    return PipelineFiles(tuple(read), tuple(listed), tuple(written), tuple(made))


def folder(base: Path, connection: Mapping[str, Any] | None) -> Path:
    """The folder that paths start from: the connection's ``base_dir``, else the run's."""
    return base / str((connection or {}).get("base_dir") or "")


def is_pattern(start: Path, text: str) -> bool:
    """Whether ``text`` is to be compared with names: it has a wildcard, and no file is called just so."""
    return bool(_WILD.intersection(text)) and not os.path.exists(start / text)  # noqa: PTH110  no error of a closed folder


def matching_files(start: Path, text: str) -> list[Path]:
    """The file of that name, there or not; a pattern's files in the order of their names, none where none matches."""
    if not is_pattern(start, text):
        return [start / text]
    root = Path(text).anchor
    found = Path(root).glob(text.removeprefix(root)) if root else start.glob(text)
    return sorted(path for path in found if path.is_file())


def _literal_prefix(start: Path, pattern: str) -> Path:
    """The last folder on the way of a pattern that is named without a wildcard."""
    parts = Path(pattern).parts
    wild = next(place for place, part in enumerate(parts) if _WILD.intersection(part))
    return start.joinpath(*parts[:wild])


def _texts(value: Any) -> Iterator[str]:
    return (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
