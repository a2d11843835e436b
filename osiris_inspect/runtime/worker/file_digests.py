"""Digests of the files that a step reads and writes, so that two runs can be compared by them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import xxhash

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.runtime.drivers.interface.driver import FileUse
from osiris_inspect.runtime.files.atomic_group import stat_signature

MAX_HASHED_BYTES: Final = 256 * 1024 * 1024
"""Size up to which a whole file is hashed: 60 ms; of a larger one its head, its tail and its size."""
_SAMPLE_BYTES: Final = 16 * 1024 * 1024
_CHUNK: Final = 1 << 20


class FileDigests:
    """Files that one step has used. Each is hashed after the driver has ended, when the system still caches it."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._used: dict[tuple[FileUse, str], tuple[Path, tuple[int, ...] | None]] = {}

    def add(self, use: FileUse, path: Path, content: Path) -> None:
        """Add a file by its name in the pipeline; ``content`` is where it is now."""
        self._used[use, _name(path, self._base)] = (content, _signature(content))

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the event of each regular file; calling it again yields nothing.

        A digest is not ``complete`` if the file is too large, or was changed after the driver opened it.
        """
        used, self._used = self._used, {}
        for (use, name), (content, signature) in used.items():
            if signature is None:  # a pipe, or a file that is gone
                continue
            event_fields: dict[str, Any] = {"path": name, "bytes": None, "xxh3": None, "complete": False}
            try:
                size, digest = _digest(content)
            except OSError as error:
                event_fields["error"] = error.strerror or str(error)
            else:
                is_unchanged = _signature(content) == signature
                event_fields |= {
                    "bytes": size,
                    "xxh3": digest,
                    "complete": is_unchanged and size <= MAX_HASHED_BYTES,
                }
            yield f"file_{use}", event_fields


def _name(path: Path, base: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _signature(path: Path) -> tuple[int, ...] | None:
    """Return the status of a regular file; None for anything else."""
    try:
        return stat_signature(path.stat()) if path.is_file() else None
    except OSError:
        return None


def _digest(path: Path) -> tuple[int, str]:
    """Return the size of a file and the hash of its content, or of its head, tail and size."""
    with os.fdopen(open_regular(path, follow_symlinks=True), "rb") as file:
        size, digest = os.fstat(file.fileno()).st_size, xxhash.xxh3_64()
        if size <= MAX_HASHED_BYTES:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            return size, digest.hexdigest()
        digest.update(file.read(_SAMPLE_BYTES))
        file.seek(-_SAMPLE_BYTES, os.SEEK_END)
        digest.update(file.read(_SAMPLE_BYTES))
        digest.update(size.to_bytes(8, "little"))
        return size, digest.hexdigest()
