"""The files that git tracks, read from the index without starting git.

Starting git in a stranger's folder may run programs that the folder's own configuration names. The format is described in
git's documentation, "gitformat-index", versions 2 to 4.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FIXED_BYTES: Final = 40
"""Times, device, inode, mode, owner and size of an entry, before its hash."""
_EXTENDED: Final = 0x4000
_SHA256: Final = re.compile(rb"objectformat\s{0,9}=\s{0,9}sha256", re.IGNORECASE)
MAX_INDEX_BYTES: Final = 512 << 20
"""Maximum size of an index that is read."""


def find_git_root(folder: Path) -> Path | None:
    """Return the nearest folder, from ``folder`` upwards, with a ``.git``; None if there is none."""
    folder = folder.resolve()
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def is_tracked(root: Path, file: Path) -> bool:
    """Return True if the index of the repository has the file; False without a readable index."""
    git_dir = _git_dir(root / ".git")
    index = git_dir / "index"
    name = file.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
    try:
        if index.stat().st_size > MAX_INDEX_BYTES:
            return False
        return name in _names(index.read_bytes(), _hash_bytes(git_dir))
    except (OSError, ValueError, IndexError):
        return False


def _git_dir(git: Path) -> Path:
    """Return the folder of the index; in a worktree or submodule ``.git`` is a file that names it."""
    if git.is_dir():
        return git
    text = git.read_text(encoding="utf-8", errors="surrogateescape")[:4096] if git.is_file() else ""
    return git.parent / text.removeprefix("gitdir:").strip()


def _hash_bytes(git_dir: Path) -> int:
    common = git_dir / "commondir"
    home = git_dir / common.read_text(encoding="utf-8").strip() if common.is_file() else git_dir
    config = home / "config"
    return 32 if config.is_file() and _SHA256.search(config.read_bytes()[: 1 << 20]) else 20


def _names(index: bytes, hash_bytes: int) -> Iterator[bytes]:
    """Yield the path of each entry.

    Raises:
        ValueError, IndexError: it is not an index of a known version.
    """
    version, count = int.from_bytes(index[4:8]), int.from_bytes(index[8:12])
    if index[:4] != b"DIRC" or version not in (2, 3, 4):
        raise ValueError(f"not an index of git, or of version {version}")
    position, name = 12, b""
    for _ in range(count):
        start = position
        position += _FIXED_BYTES + hash_bytes
        flags = int.from_bytes(index[position : position + 2])
        position += 4 if flags & _EXTENDED else 2
        kept = b""
        if version == 4:
            removed, position = _varint(index, position)
            kept = name[: len(name) - removed]
        end = index.index(b"\0", position)
        name = kept + index[position:end]
        position = end + 1 if version == 4 else start + (end - start) // 8 * 8 + 8
        yield name


def _varint(index: bytes, position: int) -> tuple[int, int]:
    """Return the number at a position in git's offset encoding, and the position behind it."""
    byte = index[position]
    value = byte & 0x7F
    while byte & 0x80:
        position += 1
        byte = index[position]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, position + 1
