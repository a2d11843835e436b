"""Resolution of paths through symbolic links, one component at a time as the kernel does it."""

import errno
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


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """Symbolic link because of which a path leads nowhere.

    Attributes:
        link: the link itself.
        target: the target that it names.
        loop: the links of a loop, the first one also last; empty if the target does not exist.
    """

    link: Path
    target: str
    loop: tuple[Path, ...] = ()

    @property
    def reason(self) -> str:
        """The problem in a few words."""
        if self.loop:
            return f"the symbolic links {' -> '.join(map(str, self.loop))} form a loop"
        return f"{self.link} is a symbolic link to {self.target!r}, which does not exist"

    @property
    def fix(self) -> str:
        """The remedy."""
        return f"correct the target of the link {self.link}, or name the file itself"


def broken_link(path: Path) -> BrokenLink | None:
    """Return the link because of which ``path`` does not exist; None if its links lead to existing files."""
    try:
        chain = follow_links(path)
    except OSError:  # a name that is too long, or a folder without permission
        return None
    for link, target in reversed(chain.links):
        try:
            link.stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                return BrokenLink(link, target, _loop(chain.links))
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return BrokenLink(link, target)
    return None


def _loop(links: tuple[tuple[Path, str], ...]) -> tuple[Path, ...]:
    """Return the links of a loop, which the target of the last link closes."""
    names = [link for link, _ in links]
    again = Path(os.path.normpath(names[-1].parent / links[-1][1]))
    start = names.index(again) if again in names else 0
    return (*names[start:], names[start])


def resolved(path: Path) -> Path:
    """Return ``path`` with its symbolic links resolved; it need not exist."""
    return path if "\0" in str(path) else Path(os.path.realpath(path))
