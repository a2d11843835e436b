"""Digest of the states of the files of a run, without opening them."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

_FOLDERS: Final = {
    "artifacts": ("artifacts", "artifacts/_system"),
    "cfg": ("cfg",),
    "compiled": ("compiled",),
}
"""Folders of a run whose files can change its report, by the name that must exist in the run folder."""


def files_signature(run: Path) -> str:
    """Return a digest of the name, type, size and time of every file that can change the entry of a run."""
    digest = hashlib.blake2b(digest_size=12)
    folder = os.fspath(run)
    own_files = _file_states(folder)
    subfolders = [name for first, names in _FOLDERS.items() if first in own_files for name in names]
    for states in (own_files, *(_file_states(f"{folder}/{name}") for name in subfolders)):
        digest.update("".join(sorted(states.values())).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _file_states(folder: str) -> dict[str, str]:
    """Return one line per file of a folder, by its name; empty if the folder cannot be listed."""
    try:
        with os.scandir(folder) as children:
            return {child.name: _file_state(child) for child in children}
    except OSError:
        return {}


def _file_state(child: "os.DirEntry[str]") -> str:
    state = child.stat(follow_symlinks=False)
    return f"{child.name}\0{stat.S_IFMT(state.st_mode)}\0{state.st_size}\0{state.st_mtime_ns}\n"
