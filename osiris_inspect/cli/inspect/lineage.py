"""``osiris-inspect lineage``: the steps of a run and the frames between them."""

from importlib import import_module
from typing import Annotated, Literal

import typer

from osiris_inspect.cli.inspect.why import newest_report, terminal_width
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.paths import set_remote_limits
from osiris_inspect.cli.support.typer_adapter import AllowRedirect, MaxBytes, RunPath

LineageFormat = Literal["text", "mermaid", "dot", "json"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lineage")(lineage)


def lineage(
    run: RunPath,
    format_: Annotated[
        LineageFormat, typer.Option("--format", "-f", help="Choose the output format.")
    ] = "text",
    max_bytes: MaxBytes = None,
    allow_redirect: AllowRedirect = None,
) -> None:
    """Show the steps of a run and the frames between them.

    Each frame has its rows, bytes and storage; lost rows and the failing path are marked.
    """
    from osiris_inspect.inspector.export.lineage import build_diagram

    set_remote_limits(max_bytes, allow_redirect)
    graph = build_diagram(newest_report(run))
    form = import_module(f"osiris_inspect.inspector.export.lineage.{format_}")
    lines = form.lines(graph, terminal_width()) if format_ == "text" else form.lines(graph)
    text = "".join(f"{line}\n" for line in lines)
    if format_ == "json":
        streams.write_json(text)
    else:
        streams.write_stdout(text)
