"""Group of files in one folder that are synced together and then renamed, the last one last.

Writeback of all files starts before the first sync, so that the syncs overlap.
"""

import os
from collections.abc import Iterable
from typing import Final, Self

from osiris_inspect.runtime.files.hashed_file import Filesystem, HashedFile

TEMPORARY: Final = ".tmp"
"""Suffix of a file that is not complete."""


class AtomicFileGroup:
    """Files written under temporary names until ``commit``. Leaving the block closes them."""

    def __init__(self, disk: Filesystem, folder: str) -> None:
        self._disk, self._folder = disk, folder
        self._files: dict[str, HashedFile] = {}

    def create(self, name: str) -> HashedFile:
        """Create a file that gets this name on ``commit``."""
        file = self._files[name] = self._disk.create(f"{self._folder}/{name}{TEMPORARY}")
        return file

    def commit(self) -> None:
        """Sync the files and rename them in the order of their creation.

        The names survive a power cut only after the folder is synced.

        Raises:
            OSError: the disk reported an error; some files may be renamed, the last one is not.
        """
        for file in [*self._files.values()][1:]:
            file.start_writeback()
        for file in self._files.values():
            file.sync()
        for name, file in self._files.items():
            self._disk.rename(file.path, f"{self._folder}/{name}")

    def stat_signatures(self, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return the stat signatures of some of the files."""
        return {name: stat_signature(self._files[name].stat()) for name in names}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()


def stat_signature(status: os.stat_result) -> tuple[int, ...]:
    """Return a value that identifies a file and changes when the file is written to."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
