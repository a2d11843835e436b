"""``osiris-inspect lineage`` and ``timeline``: a run as text, as a diagram for other programs, and as a picture."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.base.text.terminal_text import escape_json, terminal_text
from osiris_inspect.cli.inspect.report_output import unwritable, write
from osiris_inspect.cli.inspect.why import newest_report, terminal_width
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.paths import set_remote_limits
from osiris_inspect.cli.support.typer_adapter import AllowRedirect, MaxBytes, RunPath

LineageFormat = Literal["text", "mermaid", "dot", "json", "svg", "png"]
TimelineFormat = Literal["text", "svg", "png"]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to FILE instead of stdout.", metavar="FILE"),
]
_FORMAT: Final = typer.Option(
    "--format", "-f", help="Choose the output format; png needs the extra 'pictures'."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("lineage")(lineage)
    app.command("timeline")(timeline)


def lineage(
    run: RunPath,
    *,
    format_: Annotated[LineageFormat, _FORMAT] = "text",
    output: Output = None,
    max_bytes: MaxBytes = None,
    allow_redirect: AllowRedirect = None,
) -> None:
    """Show the steps of a run and the frames between them.

    Each frame has its rows, bytes and storage; lost rows and the failing path are marked. A picture shows up to 120 steps,
    of a larger run those nearest to the failure.
    """
    from osiris_inspect.inspector.export.lineage import build_diagram

    _check_output(format_, output)
    set_remote_limits(max_bytes, allow_redirect)
    graph = build_diagram(newest_report(run))
    name = "svg" if format_ == "png" else format_
    form = import_module(f"osiris_inspect.inspector.export.lineage.{name}")
    lines = form.lines(graph, terminal_width()) if format_ == "text" else form.lines(graph)
    _write("".join(f"{line}\n" for line in lines), format_, output)


def timeline(
    run: RunPath,
    *,
    format_: Annotated[TimelineFormat, _FORMAT] = "text",
    output: Output = None,
    max_bytes: MaxBytes = None,
    allow_redirect: AllowRedirect = None,
) -> None:
    """Show when each step waited, worked and wrote to disk.

    Steps on the critical path are marked: the run would have been shorter if they had been. A picture also has the size of
    the frames over time, and up to 120 steps; of a larger run those that failed and the longest.
    """
    from osiris_inspect.inspector.export.pictures import svg
    from osiris_inspect.inspector.export.pictures.timeline import timeline_picture
    from osiris_inspect.inspector.export.timeline_text import lines

    _check_output(format_, output)
    set_remote_limits(max_bytes, allow_redirect)
    report = newest_report(run)
    if format_ == "text":
        text = "".join(f"{line}\n" for line in lines(report.run, terminal_width()))
    else:
        text = svg.document(timeline_picture(report.run))
    _write(text, format_, output)


def _check_output(format_: str, output: Path | None) -> None:
    if format_ == "png" and output is None and streams.is_stdout_terminal():
        raise typer.BadParameter("png is binary; write it to a file with --output", param_hint="--format")


def _write(text: str, format_: str, output: Path | None) -> None:
    if format_ == "png":
        _write_png(terminal_text(text), output)
    else:
        write(escape_json(text) if format_ == "json" else terminal_text(text), output)


def _write_png(document: str, output: Path | None) -> None:
    from osiris_inspect.inspector.export.pictures.png import png

    try:
        data = png(document)
    except ModuleNotFoundError:
        hint = install_extras_command("pictures")
        raise WrongUse(f"--format png needs 'resvg-py'; install it with: {hint}") from None
    if output is None:
        stdout = streams.stdout_buffer()
        stdout.write(data)
        stdout.flush()
        return
    try:
        output.parent.mkdir(exist_ok=True)
        output.write_bytes(data)
    except OSError as error:
        raise unwritable(output, "--output", error) from error
