"""``osiris-inspect summarize``: what happened in one run or in many, for people, for programs and for CI."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from osiris_inspect.cli.exits import FOUND, NO_RUN, USAGE
from osiris_inspect.model.errors import UnreadableRun

if TYPE_CHECKING:
    from osiris_inspect.inspector.report import Report

FailOn = Literal["error", "warning", "never"]
Color = Literal["auto", "always", "never"]
DEFAULT_WIDTH = 100


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("summarize")(summarize)


def summarize(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Run directories, or directories of runs.")],
    *,
    format_: Annotated[str, typer.Option("--format", "-f", help="text or json.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file instead of stdout.")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="The severity from which on the exit code is 1.")] = "error",
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 whatever was found.")] = False,
    color: Annotated[Color, typer.Option(help="Color on a terminal, always or never.")] = "auto",
) -> None:
    """Say what happened in each run: verdict, cause with its line in the log, steps, rows, lineage, findings.

    Exit code: 0 nothing found, 1 findings or a run that failed, 2 usage, 3 no readable run.
    """
    from osiris_inspect.inspector.export import formats

    if format_ not in formats():
        raise typer.BadParameter(f"{format_!r} is no format; choose from {', '.join(formats())}", param_hint="--format")
    reports, worst = gather(paths)
    if reports or not worst:
        text = rendered(reports, format_, to_terminal=output is None and sys.stdout.isatty(), color=color)
        write(text, output)
    code = exit_code(reports, fail_on) or worst
    raise typer.Exit(0 if exit_zero and code in (0, FOUND) else code)


def gather(paths: Sequence[Path]) -> tuple[list["Report"], int]:
    """The reports of all runs under the paths, and the exit code of the worst path that is none; 0 where all are."""
    import time

    from osiris_inspect.inspector.catalog import find_runs
    from osiris_inspect.inspector.report import report

    reports: list[Report] = []
    worst, now = 0, time.time()
    for path in paths:
        try:
            reports += [report(run, now=now) for run in find_runs(path)]
        except UnreadableRun as error:
            sys.stderr.write(f"osiris-inspect: {_one_line(str(error))}\n")
            worst = max(worst, NO_RUN if path.exists() else USAGE)
    if reports and worst == NO_RUN:
        worst = FOUND  # some runs were readable, so that one was not is a finding
    return reports, worst


def exit_code(reports: Sequence["Report"], fail_on: FailOn) -> int:
    """0, or 1 for findings at or above ``fail_on`` and for runs that did not succeed; 3 where none could be read."""
    from osiris_inspect.inspector.summary import BAD

    if reports and all(report.run.status == "unreadable" for report in reports):
        return NO_RUN
    if fail_on == "never":
        return 0
    severities = {"error"} if fail_on == "error" else {"error", "warning"}
    for report in reports:
        if report.run.status in BAD or any(finding.severity in severities for finding in report.findings):
            return FOUND
    return 0


def rendered(reports: Sequence["Report"], format_: str, *, to_terminal: bool, color: Color) -> str:
    """The reports in a format, as wide as the terminal, else in a width that suits a log."""
    from osiris_inspect.inspector.export import renderer

    width = DEFAULT_WIDTH
    if to_terminal:
        import shutil

        width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    out = io.StringIO()
    renderer(format_)(reports, out, width=width, color=_wants_color(color, to_terminal=to_terminal))
    return out.getvalue()


def write(text: str, output: Path | None) -> None:
    """Write to a file or to stdout; a character the terminal has no form for becomes a question mark."""
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise typer.BadParameter(
                f"{str(output)!r} cannot be written: {error.strerror}", param_hint="--output"
            ) from error
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _wants_color(color: Color, *, to_terminal: bool) -> bool:
    if color != "auto":
        return color == "always"
    return to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _one_line(text: str) -> str:
    from osiris_inspect.inspector.plain import plain

    return plain(text)
