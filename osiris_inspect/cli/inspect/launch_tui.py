"""What the screens are given of the world around them: an editor, a memory, a folder for pictures, the terminal's ways.

The memory of a run lies in the user's state folder, never inside of the run: a run is evidence.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.cli.startup import instant_verdict as first_words

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.frame_info import FrameReader
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.tables.sql_types import SqlSession
    from osiris_inspect.tui.shared.data_source import LocalDataSource
    from osiris_inspect.tui.shared.host_services import HostServices

MAX_SAVED_STATES = 500
"""Runs whose memory is kept; those left longest ago are forgotten."""

_GOTO_EDITORS = ("code", "codium", "code-insiders", "cursor")


def run_tui(chosen: str) -> None:
    """Open a run, or the runs of a folder, in the terminal.

    Raises:
        RunNotReadable: the path is neither; nothing was shown.
    """
    import time

    from osiris_inspect.cli.startup.prefetch import ReportPrefetch
    from osiris_inspect.cli.support import paths as places

    path = places.resolve_path(Path(chosen))
    with ReportPrefetch(path, time.time(), places.cache_dir, Path.cwd()) as ahead:
        from osiris_inspect.inspector.files.find_runs import find_runs

        find_runs(path)  # a path that is no run is said before the screen is taken
        from osiris_inspect.tui.app import run_app

        run_app(path, data_source(ahead.result), clock=time.time, host=host_services(path))


def data_source(prefetched: "Callable[[Path], Report | None] | None" = None) -> "LocalDataSource":
    """Runs on disk as the screens read them: with the settings of the folder we work in."""
    from osiris_inspect.cli.support import paths as places
    from osiris_inspect.tui.shared.data_source import LocalDataSource

    return LocalDataSource(places.cache_dir(), open_frame, open_console, prefetched, repository=Path.cwd())


def host_services(chosen: Path) -> "HostServices":
    """The surroundings of the screens that show a path."""
    from osiris_inspect.cli.support import user_keys as own_keys
    from osiris_inspect.tui.shared.host_services import HostServices

    run = first_words.find_run(str(chosen))
    return HostServices(
        startup_lines=first_words.verdict_lines(run) if run is not None else (),
        edit=edit if _named_editor() else None,
        load_state=load_state,
        save_state=save_state,
        is_tmux=bool(os.environ.get("TMUX")),
        screenshot_dir=Path.cwd(),
        custom_keys=own_keys.load_custom_keys(),
    )


def open_frame(path: Path) -> "FrameReader":
    """An open frame.

    Raises:
        SpillCorrupt: it is missing, or cannot be read.
    """
    from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader

    return ParquetFrameReader(path)


def open_console(report: "Report") -> "SqlSession":
    """A run as tables.

    Raises:
        ModuleNotFoundError: DuckDB is not installed.
    """
    from osiris_inspect.inspector.tables.sql_console import SqlConsole

    return SqlConsole(report)


def editor() -> list[str]:
    """The user's editor as a command; none where no variable names one."""
    import shlex

    return shlex.split(_named_editor())


def _named_editor() -> str:
    return (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").strip()


def edit(path: Path, line: int) -> str | None:
    """Open the editor on a file at a line and wait until it is closed; a complaint where that did not go well."""
    if not path.is_file():
        return f"{path.name} is not there"
    command = editor()
    if Path(command[0]).name in _GOTO_EDITORS:
        command += ["--wait", "--goto", f"{path}:{line}"]
    else:
        command += [f"+{line}", str(path)]
    import subprocess

    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        return f"{command[0]!r} cannot be started: {error.strerror or error}"
    return f"{command[0]!r} ended with {code}" if code else None


def load_state(run: Path) -> Mapping[str, Any]:
    """What a run was left at the last time; nothing where that is not known."""
    try:
        memory = json.loads(_state_file(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # never opened before, or what was kept cannot be read: then it opens as for the first time
    return memory if isinstance(memory, dict) else {}


def save_state(run: Path, memory: Mapping[str, Any]) -> None:
    """Keep what a run is left at. Where the disk refuses, the next time begins from the start."""
    place = _state_file(run)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text(json.dumps(memory), encoding="utf-8")
        kept = sorted(place.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in kept[MAX_SAVED_STATES:]:
            old.unlink(missing_ok=True)
    except OSError:
        return  # a memory is a comfort; to fail over it would not be one


def _state_file(run: Path) -> Path:
    import hashlib

    import platformdirs

    name = hashlib.blake2b(str(run.resolve()).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return platformdirs.user_state_path("osiris-inspect", appauthor=False) / "runs" / f"{name}.json"
