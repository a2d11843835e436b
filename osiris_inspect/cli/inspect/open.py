"""``osiris-inspect open``: look at a run in the terminal."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec

if TYPE_CHECKING:
    import typer

DEFAULT_DIRS: Final = ("logs", "run_logs")
_PATH: Final = OptionSpec(
    "path", "A run, or a directory of runs; by default the newest run here.", kind="path", metavar="PATH"
)

_WEB: Final = OptionSpec(
    "web", "Show it in a browser on this machine instead.", ("--web",), "flag", default=False
)
_PORT: Final = OptionSpec("port", "The port that --web listens on.", ("--port",), "number", default=8000)


def command() -> CommandSpec:
    """The command."""
    return CommandSpec(
        "open",
        "Open a run in the terminal; where there is none, print its report.",
        (_PATH, _WEB, _PORT),
        _open,
    )


def register(app: "typer.Typer") -> None:
    """Add the command."""
    from osiris_inspect.cli.support import typer_adapter as typed

    typed.add_to_typer(app, command())


def _open(given: Mapping[str, Any]) -> int:
    chosen = given["path"] or newest_run()
    if given["web"]:
        from osiris_inspect.cli.inspect import web

        web.serve(str(chosen), given["port"])
        return 0
    return open_path(chosen)


def open_path(chosen: Path) -> int:
    """Open a run, or the runs of a folder, in the terminal; without one print the report. Gives the exit code."""
    if not (sys.stdin.isatty() and streams.is_stdout_terminal()) or os.environ.get("TERM") == "dumb":
        from osiris_inspect.cli.inspect import summarize as summary

        reports, worst = summary.load_reports([chosen])
        if reports:
            summary.write(
                summary.render(reports, "text", to_terminal=streams.is_stdout_terminal(), color="auto"), None
            )
        return summary.exit_code(reports, "error") or worst
    from osiris_inspect.cli.inspect import launch_tui as surroundings

    surroundings.run_tui(str(chosen))
    return 0


def newest_run() -> Path:
    """The newest run under the usual folders; of one that is there and gives none it is said why.

    Raises:
        WrongUse: neither gives a run; the message says what is wrong with each.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.model import run_layout as layout
    from osiris_inspect.model.errors import RunNotReadable

    found: list[Path] = []
    wrong: dict[Path, str] = {}
    for place in map(Path, DEFAULT_DIRS):
        try:
            found += find_runs(place)[:1]
        except RunNotReadable as error:
            wrong[place] = str(error)
    if not found:
        raise WrongUse(f"there is no run to open here: {'; '.join(wrong.values())}; name a run directory")
    for place, reason in wrong.items():
        if place.exists():
            streams.write_message(reason)
    return max(found, key=lambda run: layout.parse_start_ms(run.name) or 0)
