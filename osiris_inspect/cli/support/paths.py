"""Where commands find things and what they do when nobody reads them any more."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

FAR_INTERVAL: Final = 2.0
"""Seconds between two looks at a log that lies elsewhere: each of them is a request that somebody pays for."""


def cache_dir() -> Path:
    """The folder of the user's cache where indexes and lists of runs are kept; it may not be there yet."""
    import platformdirs

    return platformdirs.user_cache_path("osiris-inspect", appauthor=False)


def resolve_path(path: Path) -> Path:
    """A path to read: itself; for an address (``s3://bucket/logs``) the folder that stands for what lies there.

    Raises:
        RunNotReadable: the address cannot be reached, or no run is there.
    """
    if ":/" not in str(path):  # asked first: most paths are of this machine, and imports take their time
        return path
    from osiris_inspect.inspector.remote.url import parse_url

    address = parse_url(path)
    if address is None:
        return path
    from osiris_inspect.inspector.remote.open_remote import open_remote

    return open_remote(address, cache_dir())


def refreshing_sleep(log: Path, wait: Callable[[float], object]) -> Callable[[float], object]:
    """How to wait for more lines of a log: as given; of a log that lies elsewhere, what was added is fetched as well."""
    from osiris_inspect.inspector.files import remote_registry as mirrors

    found = mirrors.for_file(log)
    if found is None:
        return wait
    mirror, _ = found

    def fetched(_seconds: float) -> None:
        wait(FAR_INTERVAL)
        mirror.fetch(refresh=True)

    return fetched


def events_file(path: Path) -> Path:
    """The log that a path names: itself, or that of a run; of a folder of runs that of the newest.

    Raises:
        RunNotReadable: it names none.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.model import run_layout as layout
    from osiris_inspect.model.errors import RunNotReadable

    path = resolve_path(path)
    if path.is_file():
        return path
    run = path if (path / layout.EVENTS).is_file() else find_runs(path)[0]
    if not (run / layout.EVENTS).exists():
        raise RunNotReadable(f"{str(run)!r} has no {layout.EVENTS}")
    return run / layout.EVENTS


def forget_stdout() -> None:
    """Go on without a reader: what Python writes while it ends goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
