"""Starts the TUI with the services of the host: editor, saved state, screenshot folder, key bindings.

The state of a run is saved in the user's state folder; the run directory is never changed.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.base import bounded_json
from osiris_inspect.base.user_folders import user_folder
from osiris_inspect.cli.startup.instant_verdict import find_run, verdict_lines
from osiris_inspect.cli.support.project_reports import current_project
from osiris_inspect.model.run_layout import COMPRESSED

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.frame_info import FrameReader
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.tables.sql_types import SqlSession
    from osiris_inspect.tui.shared.data_source import LocalDataSource
    from osiris_inspect.tui.shared.host_services import HostServices

MAX_SAVED_STATES = 500
"""Runs whose state is saved; the oldest are deleted."""

MAX_THEME_NAME = 100

TMUX_TIMEOUT_S = 2.0
"""Time after which copying inside tmux is given up, in seconds."""

_GOTO_EDITORS = ("code", "codium", "code-insiders", "cursor")


def run_tui(chosen: str) -> int:
    """Open a run, or the runs of a folder, in the terminal; return the exit code.

    Raises:
        RunNotReadable: the path has no run.
    """
    import time

    from osiris_inspect.cli.startup.prefetch import ReportPrefetch
    from osiris_inspect.cli.support import paths as places

    path = places.resolve_path(Path(chosen))
    with ReportPrefetch(path, time.time(), places.cache_dir, current_project) as prefetch:
        from osiris_inspect.inspector.files.find_runs import find_runs

        find_runs(path, on_left_out=places.report_left_out)  # reports a wrong path before the screen changes
        from osiris_inspect.tui.app import run_app

        return run_app(path, data_source(prefetch.result), clock=time.time, host=host_services(path))


def data_source(prefetched: "Callable[[Path], Report | None] | None" = None) -> "LocalDataSource":
    """Return the data source of the screens, with the settings of the current folder."""
    from osiris_inspect.cli.support import paths as places
    from osiris_inspect.tui.shared.data_source import LocalDataSource

    return LocalDataSource(
        places.cache_dir(), open_frame, open_console, prefetched, project=current_project()
    )


def host_services(chosen: Path) -> "HostServices":
    """Return the services of the host for the screens of a path."""
    from osiris_inspect.cli.support.user_keys import load_custom_keys
    from osiris_inspect.tui.shared.host_services import HostServices

    run = find_run(str(chosen))
    return HostServices(
        startup_lines=verdict_lines(run) if run is not None else (),
        edit=edit if _named_editor() else None,
        load_state=load_state,
        save_state=save_state,
        theme=load_theme(),
        save_theme=save_theme,
        is_ascii=shows_only_ascii(),
        copy=copy_in_tmux if os.environ.get("TMUX") else None,
        screenshot_dir=Path.cwd(),
        custom_keys=load_custom_keys(),
    )


def open_frame(path: Path) -> "FrameReader":
    """Open a frame.

    Raises:
        SpillCorrupt: it is missing or cannot be read.
    """
    from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader

    return ParquetFrameReader(path)


def open_console(report: "Report") -> "SqlSession":
    """Open the SQL console of a run.

    Raises:
        ModuleNotFoundError: DuckDB is not installed.
    """
    from osiris_inspect.inspector.tables.sql_console import SqlConsole

    return SqlConsole(report)


def editor() -> list[str]:
    """Return the command of the user's editor; empty if no variable names one."""
    import shlex

    return shlex.split(_named_editor())


def _named_editor() -> str:
    return (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").strip()


def edit(path: Path, line: int) -> str | None:
    """Open the editor at a line of a file and wait until it exits; return an error message or None."""
    from osiris_inspect.inspector.files.run_files import RunFiles

    files = RunFiles(path.parent)
    if files.size(path.name) is None:
        return f"{path.name} is not a readable file of the run"
    name, line = files.position(path.name, line)
    if name.endswith(COMPRESSED):
        return f"{name} is compressed; unpack it to open it in an editor"
    path = path.with_name(name)
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
    return f"{command[0]!r} exited with {code}" if code else None


def copy_in_tmux(text: str) -> str | None:
    """Copy a text to the buffer of tmux, which passes it on to the terminal; return an error message or None."""
    import subprocess

    command = ["tmux", "load-buffer", "-w", "-"]
    try:
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TMUX_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"tmux does not answer: {error}"
    return (
        done.stderr.decode("utf-8", "replace").strip() or f"tmux exited with {done.returncode}"
        if done.returncode
        else None
    )


def load_state(run: Path) -> Mapping[str, Any]:
    """Return the saved state of a run; empty if there is none."""
    try:
        state = bounded_json.loads(_state_file(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # saved state is optional
    return state if isinstance(state, dict) else {}


def save_state(run: Path, state: Mapping[str, Any]) -> None:
    """Save the state of a run, if the disk allows."""
    file = _state_file(run)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(json.dumps(state), encoding="utf-8")
        newest_first = sorted(file.parent.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in newest_first[MAX_SAVED_STATES:]:
            old.unlink(missing_ok=True)
    except OSError:
        return  # saved state is optional; never fail because of it


def shows_only_ascii() -> bool:
    """Return True if OSIRIS_INSPECT_ASCII is set, or if the encoding of the terminal lacks the symbols of the screens."""
    from osiris_inspect.cli.support.streams import SYMBOLS

    encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
    is_known = SYMBOLS.encode(encoding, "replace").decode(encoding, "replace") == SYMBOLS
    return bool(os.environ.get("OSIRIS_INSPECT_ASCII")) or not is_known


def load_theme() -> str:
    """Return the name of the theme chosen last; empty if there is none."""
    try:
        return _theme_file().read_text(encoding="utf-8")[:MAX_THEME_NAME].strip()
    except (OSError, ValueError):
        return ""  # the choice is optional


def save_theme(theme: str) -> None:
    """Save the name of a theme, if the disk allows."""
    file = _theme_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(f"{theme}\n", encoding="utf-8")
    except OSError:
        return  # the choice is optional; never fail because of it


def _theme_file() -> Path:
    return _state_folder() / "theme"


def _state_folder() -> Path:
    return user_folder("state")


def _state_file(run: Path) -> Path:
    import hashlib

    name = hashlib.blake2b(str(run.resolve()).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return _state_folder() / "runs" / f"{name}.json"
