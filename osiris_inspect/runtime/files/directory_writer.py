"""Writer of the files of one directory, which follows no symbolic link below it.

The directory may be shared with code that is not trusted, such as a driver. Everything is opened relative to a
descriptor of the directory.
"""

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

from osiris_inspect.runtime.files.leftovers import remove_temporary_files
from osiris_inspect.runtime.files.run_access import PRIVATE, RunAccess, apply_access
from osiris_inspect.runtime.files.temporary_file import replacement

_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS: Final[dict[int, str]] = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "pipe",
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class MovedEntry(NamedTuple):
    """Entry that was in the place of a file or a directory of the writer, and its new name."""

    path: str
    kind: str
    moved_to: str


class DirectoryWriter:
    """Writes files by paths relative to the directory.

    An entry of another kind in the place of a file or of its folder is renamed, never followed or removed. Files and
    folders get the modes of ``access``, whatever the umask is.

    Attributes:
        path: the directory, for messages.

    Raises:
        OSError: the directory cannot be opened.
    """

    def __init__(self, path: Path, access: RunAccess = PRIVATE) -> None:
        self.path, self._access = path, access
        self._descriptor = os.open(path, _DIRECTORY_FLAGS)

    def write(self, relative: str, data: bytes, *, sync: bool = True) -> tuple[MovedEntry, ...]:
        """Write a file through a temporary name and a rename; return the entries that were moved for it.

        With ``sync`` the file and its name survive a power cut; without it only the death of the process.

        Raises:
            OSError: the write failed; the old file, if any, is unchanged.
        """
        moved: list[MovedEntry] = []
        with (
            self._parent(relative, moved) as (folder, name),
            replacement(folder, name, self._access.file, sync=sync) as descriptor,
            open(descriptor, "wb", closefd=False) as file,
        ):
            os.fchmod(descriptor, self._access.file)
            file.write(data)
        return tuple(moved)

    def make_way(self, relative: str) -> tuple[MovedEntry, ...]:
        """Move the entries that are in the place of a file or its folders; return them."""
        moved: list[MovedEntry] = []
        with self._parent(relative, moved):
            return tuple(moved)

    def create(self, relative: str) -> int:
        """Return the descriptor of a new file, open for appending and reading; the caller closes it.

        Raises:
            FileExistsError: the file exists.
        """
        with self._parent(relative, []) as (folder, name):
            descriptor = os.open(name, _CREATE_FLAGS | os.O_APPEND, self._access.file, dir_fd=folder)
            os.fchmod(descriptor, self._access.file)
            return descriptor

    def remove(self, relative: str) -> None:
        """Remove a file of the directory itself, if it exists and no directory is in its place."""
        with suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(relative, dir_fd=self._descriptor)

    def remove_temporary_files(self) -> list[str]:
        """Remove the temporary files below the directory; return their paths. No other process writes there."""
        return remove_temporary_files(self._descriptor)

    def apply_access(self) -> None:
        """Give the files that other code wrote below the directory the modes of this writer."""
        apply_access(self._descriptor, self._access)

    def is_entry(self, relative: str, descriptor: int) -> bool:
        """Return True if a file of the directory itself is the one that is open as ``descriptor``."""
        try:
            status = os.stat(relative, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(status, os.fstat(descriptor))

    def close(self) -> None:
        """Close the descriptor; calling it twice is safe."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _parent(self, relative: str, moved: list[MovedEntry]) -> Iterator[tuple[int, str]]:
        """Yield a descriptor of the folder of a file, and the file's name; create missing folders."""
        *folders, name = relative.split("/")
        descriptor, above = os.dup(self._descriptor), ""
        try:
            for folder in folders:
                _move_unless(stat.S_ISDIR, descriptor, above, folder, moved)
                is_new = _create_folder(folder, descriptor)
                child = os.open(folder, _DIRECTORY_FLAGS, dir_fd=descriptor)
                os.close(descriptor)
                if is_new:
                    os.fchmod(child, self._access.folder)
                descriptor, above = child, f"{above}{folder}/"
            _move_unless(stat.S_ISREG, descriptor, above, name, moved)
            yield descriptor, name
        finally:
            os.close(descriptor)


_CREATE_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_NAME_CHARS: Final = 40
"""Characters of an entry's name in its new name, so that the longest possible name still fits."""


def _create_folder(name: str, parent: int) -> bool:
    """Create a folder that only its owner can enter; return False if it exists."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return False
    return True


def _move_unless(
    is_expected: Callable[[int], bool], folder: int, above: str, name: str, moved: list[MovedEntry]
) -> None:
    """Rename an entry unless it has the expected kind or does not exist."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if is_expected(mode):
        return
    new_name = f"{name[:_MAX_NAME_CHARS]}.{secrets.token_hex(4)}.moved"
    os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=folder)
    moved.append(MovedEntry(above + name, _KINDS.get(stat.S_IFMT(mode), "entry"), above + new_name))
