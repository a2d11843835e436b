"""The mirrors of this process: folders of the cache that stand for remote runs.

They are registered here and not marked in the folders: a file in a folder of runs must not trigger a
download.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from osiris_inspect.inspector.archives.open_archives import name_in_archive


class Mirror(Protocol):
    """A local folder that stands for a remote run.

    Attributes:
        folder: the local folder.
        address: the address of the run, without credentials.
        is_partial: True if the run may have more files than could be listed.
    """

    folder: Path
    address: str
    is_partial: bool

    def fetch(self, *, refresh: bool = False) -> None:
        """Fetch the log and the small documents; ``refresh`` also fetches what is new."""

    def fetch_all(self, relative: str, spans: Iterable[tuple[int, int]] | None = None) -> None:
        """Fetch a file, or some byte ranges of it."""

    def is_cached(self, relative: str) -> bool:
        """Return True if all bytes of a file are in the local folder."""


_MAX_DEPTH = 4
_registry: dict[Path, Mirror] = {}


def add(mirror: Mirror) -> None:
    """Register a mirror."""
    _registry[mirror.folder] = mirror


def for_run(folder: Path) -> Mirror | None:
    """Return the mirror in a folder; None for a local run."""
    return _registry.get(folder) if _registry else None


def for_file(path: Path) -> tuple[Mirror, str] | None:
    """Return the mirror of a file and the file's name in it; None for a local file."""
    for folder in path.parents[:_MAX_DEPTH] if _registry else ():
        if folder in _registry:
            return _registry[folder], path.relative_to(folder).as_posix()
    return None


def display_name(folder: Path) -> str:
    """Return the address of a remote run, the place of a run in an archive, or the path of another run."""
    mirror = for_run(folder)
    return mirror.address if mirror is not None else name_in_archive(folder) or str(folder)


def fetch_all(path: Path) -> None:
    """Fetch all bytes of a file of a mirror; a local file is left as it is.

    Raises:
        RunNotReadable: they cannot be fetched.
    """
    match = for_file(path)
    if match is not None:
        mirror, name = match
        mirror.fetch_all(name)


def is_complete(path: Path) -> bool:
    """Return True if all bytes of a file are here."""
    match = for_file(path)
    return match is None or match[0].is_cached(match[1])
