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
    from osiris_inspect.inspector.run.frame_info import Frame
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.tables.sql_types import Console
    from osiris_inspect.tui.shared.data_source import Disk
    from osiris_inspect.tui.shared.host_services import Outside

MOST_REMEMBERED = 500
"""Runs whose memory is kept; those left longest ago are forgotten."""

_TAKES_LINE_LAST = ("code", "codium", "code-insiders", "cursor")


def show(chosen: str) -> None:
    """Open a run, or the runs of a folder, in the terminal.

    Raises:
        UnreadableRun: the path is neither; nothing was shown.
    """
    import time

    from osiris_inspect.cli.startup.prefetch import Ahead
    from osiris_inspect.cli.support import paths as places

    path = places.here(Path(chosen))
    with Ahead(path, time.time(), places.cache, Path.cwd()) as ahead:
        from osiris_inspect.inspector.files.find_runs import find_runs

        find_runs(path)  # a path that is no run is said before the screen is taken
        from osiris_inspect.tui.app import run_app

        run_app(path, disk(ahead.take), clock=time.time, outside=outside(path))


def disk(ahead: "Callable[[Path], Report | None] | None" = None) -> "Disk":
    """Runs on disk as the screens read them: with the settings of the folder we work in."""
    from osiris_inspect.cli.support import paths as places
    from osiris_inspect.tui.shared.data_source import Disk

    return Disk(places.cache(), open_frame, open_console, ahead, repository=Path.cwd())


def outside(chosen: Path) -> "Outside":
    """The surroundings of the screens that show a path."""
    from osiris_inspect.cli.support import user_keys as own_keys
    from osiris_inspect.tui.shared.host_services import Outside

    run = first_words.run_of(str(chosen))
    return Outside(
        words=first_words.lines(run) if run is not None else (),
        edit=edit if _named_editor() else None,
        recall=recall,
        remember=remember,
        is_tmux=bool(os.environ.get("TMUX")),
        pictures=Path.cwd(),
        keys=own_keys.chosen(),
    )


def open_frame(path: Path) -> "Frame":
    """An open frame.

    Raises:
        SpillDamaged: it is missing, or cannot be read.
    """
    from osiris_inspect.inspector.tables.parquet_preview import SpilledFrame

    return SpilledFrame(path)


def open_console(report: "Report") -> "Console":
    """A run as tables.

    Raises:
        ModuleNotFoundError: DuckDB is not installed.
    """
    from osiris_inspect.inspector.tables.sql_console import RunConsole

    return RunConsole(report)


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
    if Path(command[0]).name in _TAKES_LINE_LAST:
        command += ["--wait", "--goto", f"{path}:{line}"]
    else:
        command += [f"+{line}", str(path)]
    import subprocess

    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        return f"{command[0]!r} cannot be started: {error.strerror or error}"
    return f"{command[0]!r} ended with {code}" if code else None


def recall(run: Path) -> Mapping[str, Any]:
    """What a run was left at the last time; nothing where that is not known."""
    try:
        memory = json.loads(_memory_of(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # never opened before, or what was kept cannot be read: then it opens as for the first time
    return memory if isinstance(memory, dict) else {}


def remember(run: Path, memory: Mapping[str, Any]) -> None:
    """Keep what a run is left at. Where the disk refuses, the next time begins from the start."""
    place = _memory_of(run)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text(json.dumps(memory), encoding="utf-8")
        kept = sorted(place.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in kept[MOST_REMEMBERED:]:
            old.unlink(missing_ok=True)
    except OSError:
        return  # a memory is a comfort; to fail over it would not be one


def _memory_of(run: Path) -> Path:
    import hashlib

    import platformdirs

    name = hashlib.blake2b(str(run.resolve()).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return platformdirs.user_state_path("osiris-inspect", appauthor=False) / "runs" / f"{name}.json"
