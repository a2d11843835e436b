"""The mirrors of this process: which folders of the cache stand for runs elsewhere.

Kept here and not in the folders themselves: a folder of runs may hold any file, so none of them is believed to say that
something is to be fetched.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class Mirror(Protocol):
    """A local folder that stands for a run elsewhere.

    Attributes:
        folder: the local folder.
        address: where the run is, without credentials.
        is_partial: the run may have more files than could be listed.
    """

    folder: Path
    address: str
    is_partial: bool

    def fetch(self, *, refresh: bool = False) -> None:
        """Fetch the log and the small documents; ``again`` also looks for what is new."""

    def fetch_all(self, relative: str, spans: Iterable[tuple[int, int]] | None = None) -> None:
        """Fetch a file, or the byte ranges of it that are named."""

    def is_cached(self, relative: str) -> bool:
        """Return True if all bytes of a file are here."""


_DEEPEST = 4
_registry: dict[Path, Mirror] = {}


def add(mirror: Mirror) -> None:
    """Know a folder as the mirror of a run elsewhere."""
    _registry[mirror.folder] = mirror


def for_run(folder: Path) -> Mirror | None:
    """The mirror in a folder; None where the run lies there itself."""
    return _registry.get(folder) if _registry else None


def for_file(path: Path) -> tuple[Mirror, str] | None:
    """The mirror that a file belongs to and its name in it; None where it belongs to none."""
    for folder in path.parents[:_DEEPEST] if _registry else ():
        if folder in _registry:
            return _registry[folder], path.relative_to(folder).as_posix()
    return None


def display_name(folder: Path) -> str:
    """What a run's folder is called where people read it: the address of the run, where it lies elsewhere."""
    mirror = for_run(folder)
    return str(folder) if mirror is None else mirror.address


def fetch_all(path: Path) -> None:
    """Make sure that all bytes of a file are here; nothing is to be done for one that belongs to no mirror.

    Raises:
        RunNotReadable: they cannot be fetched.
    """
    found = for_file(path)
    if found is not None:
        mirror, name = found
        mirror.fetch_all(name)


def is_complete(path: Path) -> bool:
    """Whether all bytes of a file are here, so that anybody may read it."""
    found = for_file(path)
    return found is None or found[0].is_cached(found[1])
