"""The archives that this process has opened: each is unpacked once, and removed when the process ends."""

import os
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import RunNotReadable

SUFFIXES: Final = (".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar", ".zip")
_PREFIX: Final = "osiris-inspect-"
_opened: dict[Path, Path] = {}
"""The archive of each folder that has the content of one."""
_folders: dict[tuple[int, int, int, int], Path] = {}


def archive_stem(name: str) -> str | None:
    """Return the name of an archive without its suffix; None if it is not the name of an archive."""
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), None)
    return None if suffix is None else name[: -len(suffix)]


def open_archive(archive: Path) -> Path:
    """Return a folder with the content of an archive. It is private, and removed when the process ends.

    Raises:
        RunNotReadable: the archive is refused; see ``unpack``. No file is left behind.
    """
    try:
        state = archive.stat()
        key = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
        if key not in _folders:
            _folders[key] = _unpacked(archive)
    except OSError as error:
        raise RunNotReadable(f"{str(archive)!r} cannot be unpacked: {error.strerror or error}") from error
    return _folders[key]


def _unpacked(archive: Path) -> Path:
    import atexit
    import shutil
    import tempfile

    from osiris_inspect.inspector.archives.archive import unpack

    temporary = Path(tempfile.mkdtemp(prefix=_PREFIX))
    stem = archive_stem(archive.name)
    try:
        folder = temporary / (stem if stem and stem.strip(".") else "archive")
        folder.mkdir(mode=0o700)
        unpack(archive, folder)
    except BaseException:  # also Ctrl-C
        shutil.rmtree(temporary)
        raise
    _opened[folder] = archive
    atexit.register(_remove, temporary, os.getpid())
    return folder


def _remove(folder: Path, owner: int) -> None:
    """Remove the folder of an archive, unless this process is a fork of the one that opened it."""
    import shutil

    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def name_in_archive(path: Path) -> str | None:
    """Return an archive and the path in it, such as ``run.zip/run_123``; None for another path."""
    for folder, archive in _opened.items():
        if path.is_relative_to(folder):
            return str(archive / path.relative_to(folder))
    return None


def show_archives(text: str) -> str:
    """Return a text with the names of archives in place of the folders that have their content."""
    for folder, archive in _opened.items():
        text = text.replace(str(folder), str(archive))
    return text
