"""A disk that fails where it is told to, with the errors a real one gives."""

import errno
from typing import Literal

from osiris_inspect.runtime.files.hashed_file import Filesystem, HashedFile

Fault = Literal["none", "no room", "no room after a while", "cannot create", "cannot sync", "cannot rename"]
FAULTS: tuple[Fault, ...] = (
    "no room",
    "no room after a while",
    "cannot create",
    "cannot sync",
    "cannot rename",
)


def _full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


class _File(HashedFile):
    def __init__(self, path: str, fault: Fault) -> None:
        super().__init__(path)
        self.fault = fault

    def write(self, data: bytes | memoryview) -> int:
        if self.fault == "no room after a while" and self.size + len(data) > 300:
            raise _full()
        return super().write(data)

    def sync(self) -> None:
        if self.fault == "cannot sync":
            raise OSError(errno.EIO, "Input/output error")


class FailingDisk(Filesystem):
    fault: Fault = "none"

    def free_bytes(self, folder: str) -> int:
        return -1 if self.fault == "no room" else super().free_bytes(folder)

    def create(self, path: str) -> HashedFile:
        if self.fault == "cannot create":
            raise OSError(errno.EROFS, "Read-only file system")
        return _File(path, self.fault)

    def rename(self, old: str, new: str) -> None:
        if self.fault == "cannot rename" and new.endswith("/schema.json"):
            raise OSError(errno.EIO, "Input/output error")
        super().rename(old, new)

    def sync_folder(self, folder: str) -> None:
        """Waits for nothing: no power is cut here, and waiting is most of the time of a small spill."""
