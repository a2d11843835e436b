"""Resolution of paths through symbolic links, one component at a time as the kernel does it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_LINKS: Final = 40
"""The limit of Linux."""


@dataclass(frozen=True, slots=True)
class LinkChain:
    """Resolved path and what must exist to reach it.

    Attributes:
        end: the path without symbolic links.
        links: the symbolic links followed, each with its own resolved path and its target.
        required: the folders that are entered only to leave them by ``..``.
    """

    end: Path
    links: tuple[tuple[Path, str], ...] = ()
    required: tuple[Path, ...] = ()


def follow_links(path: Path) -> LinkChain:
    """Resolve ``path``; missing components are taken as named, and a link loop ends at the limit of Linux."""
    current, remaining = Path("/"), [*reversed(path.absolute().parts[1:])]
    links: dict[tuple[Path, str], None] = {}
    required: dict[Path, None] = {}
    followed = 0
    while remaining:
        name = remaining.pop()
        if name == "..":
            required |= {current: None} if current.name else {}
            current = current.parent
        elif (current / name).is_symlink() and followed < _MAX_LINKS:
            target = (current / name).readlink()
            links[current / name, str(target)] = None
            followed += 1
            current = Path("/") if target.is_absolute() else current
            remaining += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        else:
            current /= name
    return LinkChain(current, tuple(links), tuple(required))


def resolved(path: Path) -> Path:
    """Return ``path`` with its symbolic links resolved; it need not exist."""
    return path if "\0" in str(path) else Path(os.path.realpath(path))
