"""Short names of runs on the command line: ``@latest``, ``@failed``, ``@prev``, prefixes of run ids, files of a run.

A name without a folder is searched in the log folders of the working directory, ``logs/@latest`` in ``logs``.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.run_list import RunEntry, RunFilter

DEFAULT_DIRS: Final = ("logs", "run_logs")
NAMES: Final = ("@latest", "@failed", "@prev")
NEXT_STEPS: Final = "name a run, make some with osiris-inspect demo, or see osiris-inspect --help"
_FOLDERS_OF_RUN: Final = ("artifacts/", "cfg/", "compiled/")
_MAX_CANDIDATES: Final = 10


def default_folders() -> list[Path]:
    """Return the log folders of the working directory.

    Raises:
        RunNotReadable: there is none.
    """
    keep_joined_logs()
    folders = [Path(name) for name in DEFAULT_DIRS if Path(name).is_dir()]
    if not folders:
        raise RunNotReadable(f"no run here: there is no folder {' or '.join(DEFAULT_DIRS)}; {NEXT_STEPS}")
    return folders


def keep_joined_logs() -> None:
    """Keep long logs that were compressed or rotated in the user's cache, joined, for the next command."""
    from osiris_inspect.cli.support.paths import cache_dir
    from osiris_inspect.inspector.files.run_files import use_cache

    use_cache(cache_dir)


def has_name(path: Path) -> bool:
    """Return True if the last part of a path is written as a name, such as ``@latest``."""
    return path.name.startswith("@") and not os.path.lexists(path)


def named_run(name: str, folders: Sequence[Path]) -> Path:
    """Return the run that ``@latest``, ``@failed`` or ``@prev`` means in these folders.

    Raises:
        WrongUse: the name is unknown.
        RunNotReadable: there is no such run.
    """
    if name not in NAMES:
        raise WrongUse(f"unknown name {name!r}; use {', '.join(NAMES)}, or the beginning of a run id")
    if name == "@latest":
        return _newest_first(folders)[0]
    where = " or ".join(repr(str(folder)) for folder in folders)
    if name == "@failed":
        from osiris_inspect.inspector.analysis.run_list import RunFilter

        failed = next(list_entries(folders, RunFilter(failed=True)), None)
        if failed is None:
            raise RunNotReadable(
                f"@failed: no failed run in {where}; osiris-inspect runs lists the runs, and @latest names the newest"
            )
        return failed.path
    entries = list_entries(folders)
    newest = next(entries)
    previous = next((entry for entry in entries if entry.pipeline == newest.pipeline), None)
    if previous is None:
        raise RunNotReadable(f"@prev: no run of the pipeline of {newest.id!r} before it in {where}")
    return previous.path


def run_with_prefix(path: Path) -> Path | None:
    """Return the run whose id begins with the last part of a path that does not exist; None if there is none.

    Raises:
        WrongUse: several ids begin with it.
    """
    is_bare = path.name == str(path)
    folders = [Path(name) for name in DEFAULT_DIRS] if is_bare else [path.parent]
    try:
        runs = _newest_first([folder for folder in folders if folder.is_dir()])
    except (RunNotReadable, OSError):
        return None  # the caller reports the path
    matches = [run for run in runs if run.name.startswith((path.name, f"run_{path.name}"))]
    if len(matches) > 1:
        shown = ", ".join(str(run) for run in reversed(matches[:_MAX_CANDIDATES]))
        more = f" (and {len(matches) - _MAX_CANDIDATES} older)" if len(matches) > _MAX_CANDIDATES else ""
        raise WrongUse(
            f"{path.name!r} is the beginning of {len(matches)} runs: {shown}{more}; write more of it"
        )
    return matches[0] if matches else None


def run_of_file(file: Path) -> Path | None:
    """Return the run that contains a file, such as ``logs/run_123/events.jsonl``; None if it is not a file of a run."""
    from osiris_inspect.inspector.files.find_runs import is_run
    from osiris_inspect.model import run_layout as layout

    run = next(filter(is_run, file.parents), None)
    if run is None:
        return None
    name = file.relative_to(run).as_posix()
    is_known = name in layout.RUN_MARKER_FILES or layout.parse_log_part(name) is not None
    return run if is_known or name.startswith(_FOLDERS_OF_RUN) else None


def list_entries(folders: Sequence[Path], run_filter: "RunFilter | None" = None) -> "Iterator[RunEntry]":
    """Yield the runs of several folders, newest first; print which folder has none if another has one.

    Raises:
        RunNotReadable: there is no run.
        SettingsError: the settings of the project are invalid.
    """
    import heapq
    import time

    from osiris_inspect.cli.support import project_reports
    from osiris_inspect.cli.support.paths import cache_dir
    from osiris_inspect.inspector.analysis.run_list import list_runs

    project = project_reports.current_project()
    project_reports.configuration(project)
    lists = [
        list_runs(folder, now=time.time(), cache=cache_dir(), run_filter=run_filter, project=project)
        for folder in _runs_of(folders)
    ]
    yield from heapq.merge(*lists, key=lambda run: -(run.started or 0.0))


def _newest_first(folders: Sequence[Path]) -> list[Path]:
    """Return the runs of several folders, newest first.

    Raises:
        RunNotReadable: there is none.
    """
    from osiris_inspect.inspector.files.find_runs import newest_first

    return sorted((run for runs in _runs_of(folders).values() for run in runs), key=newest_first)


def _runs_of(folders: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the runs of the folders that have any; print why another one has none.

    Raises:
        RunNotReadable: no folder has a run.
    """
    from osiris_inspect.cli.support import streams
    from osiris_inspect.cli.support.paths import report_left_out
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.inspector.text.sanitize import one_line

    runs: dict[Path, list[Path]] = {}
    problems: list[str] = []
    for folder in folders:
        try:
            runs[folder] = find_runs(folder, on_left_out=report_left_out)
        except RunNotReadable as error:
            problems.append(str(error))
    if not runs:
        raise RunNotReadable(f"{'; '.join(problems)}; {NEXT_STEPS}")
    for problem in problems:
        streams.write_message(one_line(problem))
    return runs
