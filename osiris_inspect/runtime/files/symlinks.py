"""The way to a file, step by step as the system goes it: through which symbolic links, and to what."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_LINKS: Final = 40
"""As many as Linux follows."""


@dataclass(frozen=True, slots=True)
class LinkChain:
    """Where a path ends, and what must be there on the way to it.

    Attributes:
        end: the path without symbolic links.
        links: the symbolic links it goes through, each where it really lies, with what it holds.
        turns: the folders it goes into only to leave them by ``..``.
    """

    end: Path
    links: tuple[tuple[Path, str], ...] = ()
    required: tuple[Path, ...] = ()


def follow_links(path: Path) -> LinkChain:
    """The way to ``path``; what is not there is taken as named. A circle of links ends where Linux gives up."""
    here, left = Path("/"), [*reversed(path.absolute().parts[1:])]
    links: list[tuple[Path, str]] = []
    turns: list[Path] = []
    while left:
        part = left.pop()
        if part == "..":
            turns += [here] if here.name else []
            here = here.parent
        elif (here / part).is_symlink() and len(links) < _MAX_LINKS:
            held = (here / part).readlink()
            links.append((here / part, str(held)))
            here = Path("/") if held.is_absolute() else here
            left += reversed(held.parts[1:] if held.is_absolute() else held.parts)
        else:
            here /= part
    return LinkChain(here, tuple(dict.fromkeys(links)), tuple(dict.fromkeys(turns)))


def resolved(path: Path) -> Path:
    """Where the bytes of ``path`` lie: what its symbolic links lead to, there or not."""
    return path if "\0" in str(path) else Path(os.path.realpath(path))
