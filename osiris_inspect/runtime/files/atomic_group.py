"""Files of one folder that get their names together: all of them synced first, the last one named last.

Files that are synced one after the other each wait for the disk; here all are on their way before the first is waited for.
"""

import os
from collections.abc import Iterable
from typing import Final, Self

from osiris_inspect.runtime.files.hashed_file import Filesystem, HashedFile

TEMPORARY: Final = ".tmp"
"""Ends the name of a file that is not complete."""


class AtomicFileGroup:
    """Files being written under temporary names, until ``finish``. Leaving the block closes them, finished or not."""

    def __init__(self, disk: Filesystem, folder: str) -> None:
        self._disk, self._folder = disk, folder
        self._files: dict[str, HashedFile] = {}

    def create(self, name: str) -> HashedFile:
        """A new file that will have this name."""
        file = self._files[name] = self._disk.create(f"{self._folder}/{name}{TEMPORARY}")
        return file

    def commit(self) -> None:
        """Syncs the files and gives them their names, in the order in which they were created.

        The names hold after a power cut once the folder is synced.

        Raises:
            OSError: the disk refused; some files may have their names, the last one has not.
        """
        for file in self._files.values():
            file.flush()
        for file in [*self._files.values()][1:]:
            file.start_writeback()
        for file in self._files.values():
            file.sync()
        for name, file in self._files.items():
            self._disk.rename(file.path, f"{self._folder}/{name}")

    def stat_signatures(self, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """What the system says of some of the files; it changes when somebody writes to them."""
        return {name: stat_signature(self._files[name].stat()) for name in names}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()


def stat_signature(found: os.stat_result) -> tuple[int, ...]:
    """What tells a file from any other, and from itself after it was written to."""
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
