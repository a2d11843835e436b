"""Opens regular files only, so that a pipe or a device cannot block the reader."""

import errno
import os
import stat


def open_regular(path: str | os.PathLike[str], *, follow_symlinks: bool = False) -> int:
    """Return a descriptor for reading a regular file; the caller closes it.

    Raises:
        OSError: it cannot be opened, is not a regular file, or is a symbolic link that must not be followed.
    """
    flags = (
        os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    )  # a pipe without a writer blocks unless O_NONBLOCK is set
    descriptor = os.open(path, flags if follow_symlinks else flags | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return descriptor
