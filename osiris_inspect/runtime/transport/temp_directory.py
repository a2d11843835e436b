"""Temporary folder of a worker. Folders that a killed process left behind are removed by the next one.

The owner holds a lock on its folder, which the kernel releases when the owner dies. A folder whose lock is
free is unused, also if it is shared between containers.
"""

import fcntl
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from osiris_inspect.runtime.files.remove_tree import remove_tree

_PREFIX: Final = "osiris-worker-"
_SUFFIX: Final = "_held"
"""Suffix of folders that are locked by their owner; folders without it are never removed."""
_MAX_ATTEMPTS: Final = 10


class LockedTempDir:
    """New private folder, removed with its contents by ``close`` or at the end of the block.

    Raises:
        OSError: no folder for temporary files is available.
    """

    def __init__(self) -> None:
        _remove_stale(Path(tempfile.gettempdir()))
        self.path, self._descriptor = _create()

    def close(self) -> None:
        """Remove the folder; calling it twice is safe."""
        if self._descriptor < 0:
            return
        remove_tree(self.path)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _create() -> tuple[Path, int]:
    """Return a locked folder and the descriptor of its lock; retry if it is removed before it is locked."""
    for _ in range(_MAX_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX))
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _try_lock(descriptor) and path.exists():
                return path, descriptor
            os.close(descriptor)
    raise FileNotFoundError(f"cannot create a folder in {str(path.parent)!r}: it is removed at once")


def _try_lock(descriptor: int) -> bool:
    """Lock a folder; return False if another process has the lock, True if the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_stale(folder: Path) -> None:
    """Remove the folders of this user whose owners have died."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):  # already removed, in use, or of another user
            _remove_if_stale(path)


def _remove_if_stale(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == stat.S_IRWXU:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(path)
    finally:
        os.close(descriptor)
