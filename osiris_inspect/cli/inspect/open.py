"""``osiris-inspect open``: opens a run in the terminal."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec

DEFAULT_DIRS: Final = ("logs", "run_logs")
_PATH: Final = OptionSpec(
    "path", "A run, or a folder of runs; default: the newest run here.", kind="path", metavar="PATH"
)

_WEB: Final = OptionSpec("web", "Open it in a browser on this machine.", ("--web",), "flag", default=False)
_PORT: Final = OptionSpec("port", "Set the port of --web.", ("--port",), "number", default=8000)


def command() -> CommandSpec:
    """Return the command."""
    command = CommandSpec(
        "open",
        "Open a run in the interactive viewer.\n\nWithout a terminal, print its report.",
        (_PATH, _WEB, _PORT),
        _open,
    )
    return places.with_remote_options(command)


def _open(options: Mapping[str, Any]) -> int:
    chosen = options["path"] or newest_run()
    if options["web"]:
        from osiris_inspect.cli.inspect import web

        web.serve(str(chosen), options["port"])
        return 0
    return open_path(chosen)


def open_path(chosen: Path) -> int:
    """Open a run or a folder of runs, or print the report if there is no terminal; return the exit code."""
    if not (sys.stdin.isatty() and streams.is_stdout_terminal()) or os.environ.get("TERM") == "dumb":
        from osiris_inspect.cli.inspect import summarize

        reports, worst = summarize.load_reports([chosen])
        if reports:
            summarize.write(
                summarize.render(reports, "text", to_terminal=streams.is_stdout_terminal(), color="auto"),
                None,
            )
        return summarize.exit_code(reports, "error") or worst
    from osiris_inspect.cli.inspect.launch_tui import run_tui

    return run_tui(str(chosen))


def newest_run() -> Path:
    """Return the newest run under the default folders; print why a folder that exists has none.

    Raises:
        WrongUse: there is no run; the message names the problem of each folder.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.model import run_layout as layout
    from osiris_inspect.model.errors import RunNotReadable

    runs: list[Path] = []
    problems: dict[Path, str] = {}
    for folder in map(Path, DEFAULT_DIRS):
        try:
            runs += find_runs(folder, on_link_outside=places.report_link_outside)[:1]
        except RunNotReadable as error:
            problems[folder] = str(error)
    if not runs:
        raise WrongUse(f"no run to open here: {'; '.join(problems.values())}; name a run directory")
    for folder, reason in problems.items():
        if folder.exists():
            streams.write_message(reason)
    return max(runs, key=lambda run: layout.parse_start_ms(run.name) or 0)
