"""Files of the cache, which are replaced atomically."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def path_for(folder: Path, descriptor: int, suffix: str) -> Path:
    """Return the path of the cache file of an open file, named after its device and inode."""
    state = os.fstat(descriptor)
    return folder / f"{state.st_dev:x}-{state.st_ino:x}{suffix}"


def replace(path: Path, content: Iterable[bytes | memoryview]) -> None:
    """Write a file so that other processes read the old content or the new one.

    Raises:
        OSError: it cannot be written; the old file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
