"""Paths and addresses on the command line, and the cache folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

_REMOTE_INTERVAL_S: Final = 2.0
"""Seconds between two requests for a remote log."""


def cache_dir() -> Path:
    """Return the user's cache folder for indexes and lists of runs; it may not exist yet."""
    import platformdirs

    return platformdirs.user_cache_path("osiris-inspect", appauthor=False)


def resolve_path(path: Path) -> Path:
    """Return the local path; for an address (``s3://bucket/logs``) the folder that mirrors it.

    Raises:
        RunNotReadable: the address cannot be reached or has no run.
    """
    if ":/" not in str(path):  # avoids the import for local paths
        return path
    from osiris_inspect.inspector.remote.url import parse_url

    address = parse_url(path)
    if address is None:
        return path
    from osiris_inspect.inspector.remote.open_remote import open_remote

    return open_remote(address, cache_dir())


def report_link_outside(link: Path) -> None:
    """Print that a symbolic link was not followed when runs were searched."""
    from osiris_inspect.cli.support import streams
    from osiris_inspect.inspector.files.find_runs import link_outside_hint
    from osiris_inspect.inspector.text.sanitize import one_line

    streams.write_message(one_line(link_outside_hint(link)))


def refreshing_sleep(log: Path, wait: Callable[[float], object]) -> Callable[[float], object]:
    """Return ``wait``; for a remote log a function that waits and downloads the new lines."""
    from osiris_inspect.inspector.files import remote_registry

    remote = remote_registry.for_file(log)
    if remote is None:
        return wait

    def wait_and_fetch(_seconds: float) -> None:
        wait(_REMOTE_INTERVAL_S)
        remote[0].fetch(refresh=True)

    return wait_and_fetch


def events_file(path: Path) -> Path:
    """Return the log of a path: the file itself, or that of the run, or of the newest run of a folder.

    Raises:
        RunNotReadable: there is no log.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.model import run_layout as layout
    from osiris_inspect.model.errors import RunNotReadable

    path = resolve_path(path)
    if path.is_file():
        return path
    run = (
        path if (path / layout.EVENTS).is_file() else find_runs(path, on_link_outside=report_link_outside)[0]
    )
    if not (run / layout.EVENTS).exists():
        raise RunNotReadable(f"{str(run)!r} has no {layout.EVENTS}")
    return run / layout.EVENTS
