"""The door for addresses: an address goes in, the folder of the cache that stands for it comes out."""

import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.remote import cached_ranges as holdings
from osiris_inspect.inspector.remote.cached_run import CachedRun, resize
from osiris_inspect.inspector.remote.remote_folder import AT_ONCE, RemoteFolder, RemoteStat
from osiris_inspect.inspector.remote.url import cache_dir_for, local_path
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MAX_DEPTH: Final = 6
"""Folders between the address and a run, at most."""
MOST_FOLDERS: Final = 20_000
"""Folders that are looked into for runs."""
MAX_CACHE_BYTES: Final = 4 << 30
"""Bytes of remote runs that are kept; those used longest ago make room."""

Children = Mapping[str, RemoteStat | None]


def open_remote(address: str, cache: Path) -> Path:
    """A folder that can be read like the one at the address: a run, or runs. Nothing large is fetched for it.

    Raises:
        RunNotReadable: it cannot be reached, or holds no run.
    """
    here = local_path(address)
    if here is not None:
        return here
    folder, far = cache_dir_for(address, cache), RemoteFolder(address)
    runs = dict(_runs(far))
    if not runs:
        raise RunNotReadable(
            f"{far.address!r} holds no run: looked for {layout.EVENTS} down to {MAX_DEPTH} folders deep"
        )
    for relative, children in runs.items():
        mirrors.add(CachedRun(far, relative, folder / relative, cache))
        _create_placeholders(folder / relative, children)
    _evict(cache, folder, {folder / relative for relative in runs})
    _fetch_newest(folder)
    return folder


def _runs(far: RemoteFolder) -> Iterator[tuple[str, Children]]:
    """The runs at an address and below, with what lies in their folders; folders are looked into side by side."""
    level, looked = [""], 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(MAX_DEPTH + 1):
            looked += len(level)
            if looked > MOST_FOLDERS:
                raise RunNotReadable(
                    f"{far.address!r} holds more than {MOST_FOLDERS:,} folders; name one further down"
                )
            below: list[str] = []
            for relative, children in zip(level, pool.map(far.list_dir, level), strict=True):
                found = children or far.stat_many(relative, (layout.EVENTS, layout.STATUS))
                if _is_run(far, relative, found):
                    yield relative, found
                else:
                    below += [f"{relative}/{name}".lstrip("/") for name, stat in found.items() if stat is None and name[0] != "."]  # fmt: skip
            level = below


def _is_run(far: RemoteFolder, relative: str, children: Children) -> bool:
    if any(children.get(name) is not None for name in layout.RUN_MARKER_FILES):
        return True
    deeper = [name for name in layout.RUN_MARKER_FILES if "/" in name and name.partition("/")[0] in children]
    return bool(deeper and far.stat_many(relative, deeper))


def _create_placeholders(folder: Path, children: Children) -> None:
    """Give the files that show a run their places, as long as nobody asks what stands in them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, stat in children.items():
        if stat is not None and name in layout.RUN_MARKER_FILES:
            if not (folder / name).exists():
                (folder / name).touch()
            resize(folder / name, stat.size)
            if stat.modified is not None:
                os.utime(folder / name, (stat.modified, stat.modified))


def _fetch_newest(folder: Path) -> None:
    """Fetch the run that is most often meant, so that also who reads it by itself finds it there."""
    from osiris_inspect.inspector.files.find_runs import find_runs

    newest = mirrors.for_run(find_runs(folder)[0])
    if newest is not None:
        newest.fetch()


def _evict(cache: Path, folder: Path, there: set[Path]) -> None:
    """Remove mirrors of runs that are no more where they were, and the oldest where all take too much room."""
    known = holdings.cached_runs(cache)
    total = sum(held for _, _, held in known)
    for place, mirrored, held in known:
        is_ours = mirrored.is_relative_to(cache / "remote") and ".." not in mirrored.parts
        if mirrored in there or not is_ours:
            continue
        if mirrored.is_relative_to(folder) or total > MAX_CACHE_BYTES:
            shutil.rmtree(mirrored, ignore_errors=True)
            place.unlink(missing_ok=True)
            total -= held
