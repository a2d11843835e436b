"""Where commands find things and what they do when nobody reads them any more."""

import os
import sys
from pathlib import Path


def cache() -> Path:
    """The folder of the user's cache where indexes and lists of runs are kept; it may not be there yet."""
    import platformdirs

    return platformdirs.user_cache_path("osiris-inspect", appauthor=False)


def log_of(path: Path) -> Path:
    """The log that a path names: itself, or that of a run; of a folder of runs that of the newest.

    Raises:
        UnreadableRun: it names none.
    """
    from osiris_inspect.inspector.catalog import find_runs
    from osiris_inspect.model import layout
    from osiris_inspect.model.errors import UnreadableRun

    if path.is_file():
        return path
    run = path if (path / layout.EVENTS).is_file() else find_runs(path)[0]
    if not (run / layout.EVENTS).exists():
        raise UnreadableRun(f"{str(run)!r} has no {layout.EVENTS}")
    return run / layout.EVENTS


def forget_stdout() -> None:
    """Go on without a reader: what Python writes while it ends goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
