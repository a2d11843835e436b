"""The runs of a folder as a list that opens at once: what was said of a run is kept until one of its files changes.

The list lies in the user's cache folder, one file for each folder of runs. A run that is going on is asked again each
time. Filters ask what the list shows.
"""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

from osiris_inspect.inspector.analysis.run_entry import RunEntry, run_entry
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.run.summary import FAILED_STATUSES
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.run_types import RunMode, RunStatus
from osiris_inspect.model.version import __version__

_FOLDER: Final = "lists"
_SIGNATURE_FILES: Final = {
    "artifacts": ("artifacts", "artifacts/_system"),
    "cfg": ("cfg",),
    "compiled": ("compiled",),
}
"""The folders of a run whose files can change what is said of it, beside its own, by what must lie in it for them."""
_FIELDS: Final = ("id", "pipeline", "status", "mode", "started", "duration_s", "rows", "cause")


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs of a list are wanted.

    Attributes:
        failed: only those that did not do what they were to do.
        pipeline: the name of their pipeline, in any case; ``*`` and ``?`` stand for any characters.
        since: those that began then or later, in seconds since 1970.
    """

    failed: bool = False
    pipeline: str | None = None
    since: float | None = None

    def keeps(self, run: RunEntry) -> bool:
        """Whether a run is wanted."""
        if self.failed and run.status not in FAILED_STATUSES:
            return False
        if self.pipeline is not None and not fnmatchcase((run.pipeline or "").lower(), self.pipeline.lower()):
            return False
        return self.since is None or (run.started is not None and run.started >= self.since)


def list_runs(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    run_filter: RunFilter | None = None,
    repository: Path | None = None,
) -> Iterator[RunEntry]:
    """The wanted runs under a path, newest first, each as soon as it is known. What was said is kept in ``cache``.

    Where the ``repository`` has rules or allowances of its own, nothing is kept: they may change at any time, and what
    they say of a run with them.

    Raises:
        RunNotReadable: there is no such directory, or no run in it.
        SettingsError: the repository's settings say something that cannot be.
    """
    runs = find_runs(path)
    ruled = repository if repository is not None and _has_settings(repository) else None
    place = _place(path, cache) if cache is not None and ruled is None else None
    known = _load(place) if place is not None else {}
    told: dict[str, list[Any]] = {}
    try:
        for run in runs:
            found = _cached(run, known, told) or _read(
                run, told, partial(run_entry, now=now, cache=cache, repository=ruled)
            )
            if run_filter is None or run_filter.keeps(found):
                yield found
    finally:
        # also where the list was left half read: what is known by then need not be found out again
        if place is not None and any(known.get(run) != said for run, said in told.items()):
            _save(place, {run: said for run, said in known.items() if Path(run).is_dir()} | told)


def _has_settings(repository: Path) -> bool:
    from osiris_inspect.inspector.analysis.analyze import project_settings
    from osiris_inspect.inspector.project.config_file import ProjectConfig

    return project_settings(repository) != ProjectConfig()


def _cached(run: Path, known: dict[str, list[Any]], told: dict[str, list[Any]]) -> RunEntry | None:
    said = known.get(str(run))
    if said is None or said[0] != files_signature(run):
        return None
    remembered = _parse(run, said[1])
    if remembered is not None:
        told[str(run)] = said
    return remembered


def _read(run: Path, told: dict[str, list[Any]], ask: Callable[[Path], RunEntry]) -> RunEntry:
    state = files_signature(run)  # asked before: what changes while it is read is read again the next time
    try:
        found = ask(run)
    except RunNotReadable as error:  # it was removed while the list was made
        return RunEntry(run, run.name, None, "unreadable", None, None, None, None, str(error))
    if found.status != "running":
        told[str(run)] = [state, {field: getattr(found, field) for field in _FIELDS}]
    return found


def files_signature(run: Path) -> str:
    """A digest of name, size and time of every file that tells something of a run."""
    digest = hashlib.blake2b(digest_size=12)
    folder = os.fspath(run)
    there = _states(folder)
    below = [name for first, names in _SIGNATURE_FILES.items() if first in there for name in names]
    for states in (there, *(_states(f"{folder}/{name}") for name in below)):
        digest.update("".join(sorted(states.values())).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _states(folder: str) -> dict[str, str]:
    """A line for each file of a folder by its name; none for a folder that is not there or may not be listed."""
    try:
        with os.scandir(folder) as children:
            return {child.name: _state(child) for child in children}
    except OSError:  # what cannot be listed tells nothing of a run either
        return {}


def _state(child: "os.DirEntry[str]") -> str:
    state = child.stat(follow_symlinks=False)
    return f"{child.name}\0{stat.S_IFMT(state.st_mode)}\0{state.st_size}\0{state.st_mtime_ns}\n"


def _place(path: Path, cache: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(path.resolve()), digest_size=12).hexdigest()
    return cache / _FOLDER / f"{name}.json"


def _load(place: Path) -> dict[str, list[Any]]:
    """What is kept; nothing where the list is of another version, damaged, or not there."""
    try:
        kept = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if (
        not isinstance(kept, dict)
        or kept.get("version") != __version__
        or not isinstance(kept.get("runs"), dict)
    ):
        return {}
    return {run: said for run, said in kept["runs"].items() if isinstance(said, list) and len(said) == 2}


def _save(place: Path, told: dict[str, list[Any]]) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".json")
        with os.fdopen(number, "w") as stream:
            stream.write(json.dumps({"version": __version__, "runs": told}))
        Path(name).replace(place)
    except OSError:  # the cache is full, read-only or gone; the list is made again the next time
        return


def _parse(run: Path, said: Any) -> RunEntry | None:
    """A kept entry; None where it is not what was kept."""
    if not isinstance(said, dict) or set(said) != set(_FIELDS):
        return None
    if said["status"] not in get_args(RunStatus) or said["mode"] not in (None, *get_args(RunMode)):
        return None
    numbers: Iterable[Any] = (said["started"], said["duration_s"], said["rows"])
    texts: Iterable[Any] = (said["pipeline"], said["cause"])
    sound = all(isinstance(value, int | float | None) for value in numbers)
    sound = sound and all(isinstance(value, str | None) for value in texts) and isinstance(said["id"], str)
    return RunEntry(path=run, **said) if sound else None
