"""Removes the frames of a finished run from disk; its log and its other artifacts stay.

Imports no library of frames, because commands call it that need none.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from osiris_inspect.model import run_layout as layout

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MARK: Final = layout.schema_path("step").rpartition("/")[2]
_MAX_SCHEMA_BYTES: Final = 64 * 1024 * 1024


def frames_bytes(run_dir: Path) -> int:
    """Return the bytes that the frames of a run take on disk."""
    return sum(_bytes(folder, name) for folder, names in _frames(run_dir) for name in names)


def remove_frames(run_dir: Path) -> int:
    """Remove the frames of a run, the commit mark of each first; return the bytes that they took.

    Symbolic links are not followed, and no other file is removed.

    Raises:
        OSError: a file cannot be removed.
    """
    removed = 0
    for folder, names in _frames(run_dir):
        for name in names:
            size = _bytes(folder, name)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
                removed += size
    return removed


def _frames(run_dir: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the open folder and the file names of each frame: its commit mark, then its Parquet files."""
    try:
        artifacts = os.open(run_dir / layout.ARTIFACTS, _FOLDER)
    except OSError:  # a run without artifacts
        return
    try:
        for step in sorted(os.listdir(artifacts)):  # noqa: PTH208  of a descriptor
            with suppress(NotADirectoryError):
                folder = os.open(step, _FOLDER, dir_fd=artifacts)
                try:
                    for name in sorted(os.listdir(folder)):  # noqa: PTH208  of a descriptor
                        if name == _MARK or name.endswith(f".{_MARK}"):
                            files = _parquet_files(folder, name)
                            if files:  # otherwise it is a file of a driver, or of another program
                                yield folder, [name, *files]
                finally:
                    os.close(folder)
    finally:
        os.close(artifacts)


def _parquet_files(folder: int, mark: str) -> list[str]:
    """Return the Parquet files that a commit mark names; none if it is another file."""
    try:
        with os.fdopen(os.open(mark, _FILE, dir_fd=folder), "rb") as file:
            document = json.loads(file.read(_MAX_SCHEMA_BYTES))
    except (OSError, ValueError):
        return []
    files = document.get("files") if isinstance(document, Mapping) else None
    names = files if isinstance(files, Mapping) else ()
    return [name for name in names if name.endswith(".parquet") and "/" not in name]


def _bytes(folder: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0
