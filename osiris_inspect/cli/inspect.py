"""``osiris-inspect open``: look at a run in the terminal."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from osiris_inspect.cli import summarize as summary
from osiris_inspect.cli import surroundings
from osiris_inspect.cli.exits import USAGE

PLACES = ("logs", "run_logs")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("open")(open_)


def open_(
    path: Annotated[
        Path | None, typer.Argument(help="A run, or a directory of runs; by default the newest run here.")
    ] = None,
) -> None:
    """Open a run in the terminal; where there is none, print its report."""
    raise typer.Exit(open_path(path if path is not None else _newest()))


def open_path(chosen: Path) -> int:
    """Open a run, or the runs of a folder, in the terminal; without one print the report. Gives the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        reports, worst = summary.gather([chosen])
        if reports:
            summary.write(
                summary.rendered(reports, "text", to_terminal=sys.stdout.isatty(), color="auto"), None
            )
        return summary.exit_code(reports, "error") or worst
    surroundings.show(str(chosen))
    return 0


def _newest() -> Path:
    from osiris_inspect.inspector.catalog import find_runs
    from osiris_inspect.model import layout
    from osiris_inspect.model.errors import UnreadableRun

    found: list[Path] = []
    for place in PLACES:
        try:
            found += find_runs(Path(place))[:1]
        except UnreadableRun:
            continue  # the other place is looked at; that none has a run is said below
    if not found:
        sys.stderr.write(f"osiris-inspect: no run under {' or '.join(PLACES)} here; name a run directory\n")
        raise typer.Exit(USAGE)
    return max(found, key=lambda run: layout.started_ms(run.name) or 0)
