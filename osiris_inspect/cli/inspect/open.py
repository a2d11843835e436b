"""``osiris-inspect open``: opens a run in the terminal."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import run_names, streams
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec

_PATH: Final = OptionSpec(
    "path",
    "A run, its name (@latest, @failed, @prev), a folder or .tgz; default: @latest.",
    kind="path",
    metavar="PATH",
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
    chosen = options["path"] or run_names.named_run("@latest", run_names.default_folders())
    if options["web"]:
        from osiris_inspect.cli.inspect import web

        web.serve(str(chosen), options["port"])
        return 0
    return open_path(chosen)


def has_terminal() -> bool:
    """Return True if stdin and stdout are a terminal."""
    return sys.stdin.isatty() and streams.is_stdout_terminal()


def can_show_viewer() -> bool:
    """Return True if stdin and stdout are a terminal that can show the viewer."""
    return has_terminal() and os.environ.get("TERM") != "dumb"


def open_path(chosen: Path) -> int:
    """Open a run or a folder of runs, or print the report if there is no terminal; return the exit code."""
    if not can_show_viewer():
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
