"""Opens remote runs: creates a folder of the cache for an address."""

import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.archives.open_archives import archive_stem
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.remote import cached_ranges
from osiris_inspect.inspector.remote.cached_run import CachedRun, set_modified
from osiris_inspect.inspector.remote.private_cache import PrivateCache
from osiris_inspect.inspector.remote.remote import MAX_PARALLEL, RemoteFolder, RemoteLimits, RemoteStat
from osiris_inspect.inspector.remote.store_folder import StoreFolder, error_text
from osiris_inspect.inspector.remote.url import cache_dir_for, is_http, local_path, without_credentials
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MAX_DEPTH: Final = 6
"""Maximum number of folders between the address and a run."""
MAX_FOLDERS: Final = 20_000
"""Maximum number of folders searched for runs."""
MAX_CACHE_BYTES: Final = 4 << 30
"""Maximum size of all cached remote runs; the least recently used are deleted."""

DEFAULT_LIMITS: Final = RemoteLimits()
Children = Mapping[str, RemoteStat | None]


def open_remote(address: str, cache: Path, limits: RemoteLimits = DEFAULT_LIMITS) -> Path:
    """Return a local folder for the run or the runs at an address; large files are not fetched.

    Raises:
        RunNotReadable: the address cannot be reached or contains no run.
    """
    path = local_path(address)
    if path is not None:
        return path
    private = PrivateCache(cache)
    folder, remote = cache_dir_for(address, private.root), _connect(address, limits)
    runs = dict(_runs(remote))
    if not runs:
        if archive_stem(remote.address) is not None:
            raise RunNotReadable(f"{remote.address!r} is an archive; download it, and name the file")
        raise RunNotReadable(
            f"{remote.address!r} contains no run: searched for {layout.EVENTS} down to {MAX_DEPTH} folders deep"
        )
    try:
        private.make(cached_ranges.record_path(private.root, folder).parent)
        for relative, children in runs.items():
            remote_registry.add(CachedRun(remote, relative, folder / relative, private))
            _create_placeholders(folder / relative, children, private)
    except OSError as error:
        raise RunNotReadable(f"{remote.address!r} cannot be cached in {str(folder)!r}: {error}") from error
    _evict(private.root, folder, {folder / relative for relative in runs})
    try:
        _fetch_newest(folder)
    except RunNotReadable:
        if len(runs) == 1:
            raise
        # raised again when this run is read; the others can be shown
    return folder


def _connect(address: str, limits: RemoteLimits) -> RemoteFolder:
    """Return the remote folder; the packages for its protocol are imported here."""
    if not is_http(address):
        return StoreFolder(address, limits)
    try:
        from osiris_inspect.inspector.remote.web_folder import WebFolder
    except ImportError as error:
        raise RunNotReadable(
            f"{without_credentials(address)!r} cannot be fetched: {error_text(error)}"
        ) from error
    return WebFolder(address, limits)


def _runs(remote: RemoteFolder) -> Iterator[tuple[str, Children]]:
    """Yield the runs at an address and below with their files; folders are listed in parallel."""
    level, searched = [""], 0
    with ThreadPoolExecutor(MAX_PARALLEL) as pool:
        for _ in range(MAX_DEPTH + 1):
            searched += len(level)
            if searched > MAX_FOLDERS:
                raise RunNotReadable(
                    f"{remote.address!r} contains more than {MAX_FOLDERS:,} folders; use the address of a subfolder"
                )
            below: list[str] = []
            for relative, children in zip(level, pool.map(remote.list_dir, level), strict=True):
                entries = children or remote.stat_many(relative, (layout.EVENTS, layout.STATUS))
                if _is_run(remote, relative, entries):
                    yield relative, entries
                else:
                    below += [f"{relative}/{name}".lstrip("/") for name, stat in entries.items() if stat is None and name[0] != "."]  # fmt: skip
            level = below


def _is_run(remote: RemoteFolder, relative: str, children: Children) -> bool:
    if any(stat is not None and layout.is_marker(name) for name, stat in children.items()):
        return True
    deeper = [name for name in layout.RUN_MARKER_FILES if "/" in name and name.partition("/")[0] in children]
    return bool(deeper and remote.stat_many(relative, deeper))


def _create_placeholders(folder: Path, children: Children, private: PrivateCache) -> None:
    """Create the files by which a run is recognized, without their content.

    The time of a file that is cached in another size is changed, so that lists of runs do not use what they know of it.
    """
    private.make(folder)
    for name, stat in children.items():
        if stat is None or not layout.is_marker(name):
            continue
        file = folder / name
        if not file.is_file() or file.is_symlink():
            os.close(private.create(file))
        if stat.modified is not None:
            set_modified(file, stat.modified)
        elif file.stat().st_size != stat.size:
            os.utime(file)


def _fetch_newest(folder: Path) -> None:
    """Fetch the newest run, the most likely one to be read."""
    from osiris_inspect.inspector.files.find_runs import find_runs

    newest = remote_registry.for_run(find_runs(folder)[0])
    if newest is not None:
        newest.fetch()


def _evict(root: Path, folder: Path, current: set[Path]) -> None:
    """Delete mirrors of runs that no longer exist, and the least recently used ones if all are too large."""
    cached = cached_ranges.cached_runs(root)
    total = sum(size for _, _, size in cached)
    for record, mirrored, size in cached:
        is_in_cache = mirrored.is_relative_to(root) and ".." not in mirrored.parts
        if mirrored in current or not is_in_cache:
            continue
        if mirrored.is_relative_to(folder) or total > MAX_CACHE_BYTES:
            shutil.rmtree(mirrored, ignore_errors=True)
            record.unlink(missing_ok=True)
            total -= size
