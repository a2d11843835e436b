"""Folders and files of the cache that other users can neither read nor have written."""

import os
import shutil
import stat
from pathlib import Path

from osiris_inspect.model.errors import RunNotReadable

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class PrivateCache:
    """The folder ``remote`` of the cache. Every folder below is checked once before it is used."""

    def __init__(self, cache: Path) -> None:
        self.root = cache / "remote"
        self._cache = cache
        self._checked: set[Path] = set()

    def make(self, folder: Path) -> None:
        """Create a folder of the cache, or check the one that exists.

        One that other users could write into is emptied, because its files may be theirs.

        Raises:
            RunNotReadable: it belongs to another user.
            OSError: it cannot be created.
        """
        if folder in self._checked:
            return
        if folder == self._cache:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        else:
            self.make(folder.parent)
            if folder.is_symlink() or folder.is_file():
                folder.unlink()
            folder.mkdir(exist_ok=True, mode=0o700)
        state = folder.lstat()
        if state.st_uid != os.geteuid():
            raise RunNotReadable(
                f"the cache folder {str(folder)!r} belongs to another user; remove it, or set XDG_CACHE_HOME to a folder of yours"
            )
        if state.st_mode & _OTHERS_WRITE and folder != self._cache:
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
        folder.chmod(0o700)
        self._checked.add(folder)

    def create(self, file: Path) -> int:
        """Create a file, or empty the one that exists; return a descriptor, which the caller closes.

        Raises:
            RunNotReadable, OSError: as in ``make``.
        """
        self.make(file.parent)
        if file.is_symlink():
            file.unlink()
        elif file.is_dir():  # the remote folder became a file
            shutil.rmtree(file)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(file, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return descriptor
