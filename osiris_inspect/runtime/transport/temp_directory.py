"""A folder for what a worker needs only while it runs; what a killed host left behind is removed by the next one.

Its owner holds a lock on it, which the kernel lets go of however the owner ends. So whoever can have the lock knows that
nobody uses the folder any more, on this machine and from within any container that shares it.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_PREFIX: Final = "osiris-worker-"
_SUFFIX: Final = "_held"
"""Ends the name of a folder whose owner holds a lock: one without may be in use, lock or no lock."""
_TRIES: Final = 10


class LockedTempDir:
    """A new folder for its user alone. A context manager; closed, the folder is gone with all that is in it.

    Raises:
        OSError: there is no place for temporary files.
    """

    def __init__(self) -> None:
        _remove_stale(Path(tempfile.gettempdir()))
        self.path, self._descriptor = _create()

    def close(self) -> None:
        """Remove the folder; a second time does nothing."""
        if self._descriptor < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _create() -> tuple[Path, int]:
    """A folder and the descriptor that holds its lock; made anew where a sweep came between the two."""
    for _ in range(_TRIES):
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX))
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _try_lock(descriptor) and path.exists():
                return path, descriptor
            os.close(descriptor)
    raise FileNotFoundError(f"folders in {path.parent} vanish as they are made")


def _try_lock(descriptor: int) -> bool:
    """Whether nobody else has the lock; where a file system knows no locks nobody can have it, a sweep neither."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_stale(folder: Path) -> None:
    """Remove the folders of this user whose owners have died."""
    with os.scandir(folder) as entries:
        names = [
            entry.name for entry in entries if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX)
        ]
    for name in names:
        with suppress(OSError):  # it went meanwhile, or is another user's: no litter of ours
            _remove_if_stale(folder / name)


def _remove_if_stale(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)
