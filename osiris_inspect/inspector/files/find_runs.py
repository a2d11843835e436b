"""Finds the runs under a directory, newest first, in every layout.

Layouts of the original are ``logs/run_<ms>`` and ``run_logs/<profile>/<pipeline>/<run>``. A run is recognized
by its files, and is not searched for further runs. Symbolic links are followed only to folders inside the named
directory on its file system: a link in a stranger's folder must not put another run in the place of theirs.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

from osiris_inspect.inspector.archives.open_archives import archive_stem
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MAX_DEPTH = 6
"""Maximum number of folders between the directory and a run."""
MAX_FOLDERS = 200_000
"""Maximum number of folders that are searched."""


MAX_SIBLINGS = 20_000
"""Maximum number of entries of a folder among which the runs beside a run are searched."""


class NoRunFound(RunNotReadable):
    """A directory can be read and contains no run."""


@dataclass(slots=True)
class _Search:
    """The search below one directory.

    Attributes:
        root: the directory without symbolic links.
        device: number of its file system.
        seen: device and inode number of the entered folders; each is entered once, so cycles of links end.
        outside: symbolic links that were not followed.
        archives: files that may contain packed runs.
    """

    root: str
    device: int
    seen: set[tuple[int, int]] = field(default_factory=set)
    outside: list[Path] = field(default_factory=list)
    archives: list[Path] = field(default_factory=list)

    def enter(self, identity: tuple[int, int]) -> bool:
        """Return False if the folder was entered before.

        Raises:
            RunNotReadable: there are too many folders.
        """
        if identity in self.seen:
            return False
        self.seen.add(identity)
        if len(self.seen) > MAX_FOLDERS:
            raise RunNotReadable(
                f"{self.root!r} contains more than {MAX_FOLDERS:,} folders; name one of them"
            )
        return True

    def named_archives(self) -> list[Path]:
        """Return the archives that are named like a run."""
        stems = ((archive, archive_stem(archive.name) or "") for archive in self.archives)
        return [archive for archive, stem in stems if layout.parse_start_ms(stem) is not None]

    def stays_inside(self, link: str, device: int) -> bool:
        """Return True if a symbolic link leads to the root or below it, on the same file system."""
        return device == self.device and f"{os.path.realpath(link)}/".startswith(self.root.rstrip("/") + "/")


def is_run(path: Path) -> bool:
    """Return True if a directory contains an entry with the name of a file of a run, readable or not."""
    folder = os.fspath(path)
    return any(os.path.lexists(f"{folder}/{name}") for name in layout.RUN_MARKER_FILES) or bool(
        _packed_markers(folder)
    )


def _packed_markers(folder: str) -> list[str]:
    """Return the compressed and rotated logs in a directory by which it is recognized as a run."""
    try:
        return sorted(filter(layout.is_marker, os.listdir(folder)))  # noqa: PTH208  as a Path it takes five times as long
    except (OSError, ValueError):  # not a directory, or closed to this user, which the caller reports
        return []


def find_runs(path: Path, *, on_left_out: Callable[[str], None] | None = None) -> list[Path]:
    """Return the runs in a directory, newest first, or the directory itself if it is a run.

    ``on_left_out`` is called with a hint for each symbolic link that leads out of the directory, and is not followed, and
    for archives that are named like a run.

    Raises:
        NoRunFound: the directory contains no run.
        RunNotReadable: the directory does not exist, or contains too many folders.
    """
    if is_run(path):
        return [path]
    try:
        check_is_directory(path)
        search = _Search(os.path.realpath(path), path.stat().st_dev)
        runs = list(_walk(path, MAX_DEPTH, search))
    except (OSError, ValueError) as error:
        raise RunNotReadable(f"{str(path)!r} cannot be read: {error}") from error
    if not runs:
        hints = [
            *map(link_outside_hint, search.outside[:1]),
            *_archives_hint(search.named_archives() or search.archives),
        ]
        raise NoRunFound(
            f"{str(path)!r} contains no run: searched for {', '.join(layout.RUN_MARKER_FILES)} down to {MAX_DEPTH} folders "
            f"deep{text_log_hint(path)}{''.join(f'; {hint}' for hint in hints)}"
        )
    if on_left_out is not None:
        for hint in (*map(link_outside_hint, search.outside), *_archives_hint(search.named_archives())):
            on_left_out(hint)
    return sorted(runs, key=newest_first)


def sorted_names(folder: Path) -> tuple[str, ...]:
    """Return the first names in a folder, sorted, without symbolic links that lead out of it.

    Raises:
        OSError: the folder cannot be listed.
    """
    state = folder.stat()
    return _sorted_names(folder, state.st_dev, state.st_mtime_ns)


@lru_cache(maxsize=1)
def _sorted_names(folder: Path, device: int, _modified: int) -> tuple[str, ...]:
    """Return the names in a folder; many runs of one folder are read one after the other."""
    search = _Search(os.path.realpath(folder), device)
    with os.scandir(folder) as children:
        first = list(islice(children, MAX_SIBLINGS))
    return tuple(
        sorted(
            child.name for child in first if not child.is_symlink() or search.stays_inside(child.path, device)
        )
    )


def link_outside_hint(link: Path) -> str:
    """Return what to do about a symbolic link that was not followed."""
    return f"{str(link)!r} is a symbolic link to a folder outside and was not followed; name that folder to read its runs"


def _archives_hint(archives: list[Path]) -> list[str]:
    """Return what to do about archives, which are opened if they are named: one hint for all of them, or none."""
    if not archives:
        return []
    more = f" (and {len(archives) - 1:,} more)" if len(archives) > 1 else ""
    return [f"{str(min(archives))!r}{more} is an archive and was not opened; name it to read the runs in it"]


def text_log_hint(path: Path) -> str:
    """Return a hint for a folder that contains only the text log of a run, or a compressed or rotated log."""
    packed = sorted(file.name for file in path.glob(f"{layout.EVENTS}.*") if file.is_file())
    if packed:
        return f"; it contains {packed[0]}: unpack or rename it to {layout.EVENTS}"
    logs = [name for name in layout.TEXT_LOGS if (path / name).is_file()]
    return f"; it contains {' and '.join(logs)}, which alone is not a run" if logs else ""


def check_is_directory(path: Path) -> None:
    """Raise an error unless a path is a directory.

    Raises:
        RunNotReadable: it does not exist or is a file.
        OSError, ValueError: its state cannot be read.
    """
    if not path.exists():
        raise RunNotReadable(f"{str(path)!r}: no such file or directory")
    if not path.is_dir():
        raise RunNotReadable(f"{str(path)!r} is a file, not a run directory; use its directory")


def check_is_run(path: Path) -> None:
    """Raise an error unless ``path`` is a run directory.

    Raises:
        RunNotReadable: the message says what it is instead.
    """
    if is_run(path):
        return
    try:
        check_is_directory(path)
        reason = (
            f"not a run: it contains none of {', '.join(layout.RUN_MARKER_FILES)}{text_log_hint(path)}"
            if any(path.iterdir())
            else "an empty directory"
        )
        raise RunNotReadable(f"{str(path)!r} is {reason}")
    except (OSError, ValueError, RuntimeError) as error:
        raise RunNotReadable(f"{str(path)!r} cannot be read: {error}") from error


def _walk(folder: Path, depth: int, search: _Search) -> Iterator[Path]:
    """Yield the runs below a folder.

    Raises:
        OSError: the folder cannot be listed.
        RunNotReadable: there are too many folders.
    """
    for name, identity in _folders(folder, search):
        if not search.enter(identity):
            continue
        child = folder / name
        if is_run(child):
            yield child
        elif depth > 1:
            try:
                yield from _walk(child, depth - 1, search)
            except (PermissionError, FileNotFoundError):
                continue  # only an unreadable top directory is an error


def _folders(folder: Path, search: _Search) -> list[tuple[str, tuple[int, int]]]:
    """Return the folders in a folder: name, and device and inode number."""
    with os.scandir(folder) as scanned:
        children = [child for child in scanned if not child.name.startswith(".")]
        folders = [child for child in children if _is_folder(child)]
        search.archives += (
            Path(child.path) for child in children if archive_stem(child.name) and child.is_file()
        )
        links = {child.name for child in folders if child.is_symlink()}
    found = []
    for name in sorted(child.name for child in folders):
        path = f"{os.fspath(folder)}/{name}"
        state = _stat(path)
        if state is None:
            continue
        if name in links and not search.stays_inside(path, state.st_dev):
            search.outside.append(Path(path))
        else:
            found.append((name, (state.st_dev, state.st_ino)))
    return found


def _stat(path: str) -> os.stat_result | None:
    """Return the state of a path; None if it has none: it does not exist, or is a loop of symbolic links."""
    try:
        return os.stat(path)  # noqa: PTH116  as a Path it takes five times as long
    except OSError:
        return None


def _is_folder(child: "os.DirEntry[str]") -> bool:
    try:
        return child.is_dir()
    except OSError:  # a loop of symbolic links
        return False


def newest_first(run: Path) -> tuple[float, str]:
    """Return the sort key that puts the newest run first."""
    start_ms = layout.parse_start_ms(run.name)
    return (-(start_ms / 1000 if start_ms is not None else _modified(run)), run.name)


def _modified(run: Path) -> float:
    """Return the modification time of the first file of a run; 0 if it was deleted meanwhile."""
    folder = os.fspath(run)
    names = chain(layout.RUN_MARKER_FILES, _packed_markers(folder))
    states = (_stat(f"{folder}/{name}") for name in names)
    return next((state.st_mtime for state in states if state is not None), 0.0)
