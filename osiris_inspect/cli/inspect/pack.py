"""``osiris-inspect pack``: a compact report for an AI assistant."""

from typing import Annotated

import typer

from osiris_inspect.cli.inspect.why import newest_report
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.paths import set_remote_limits
from osiris_inspect.cli.support.typer_adapter import AllowRedirect, MaxBytes, RunPath


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("pack")(pack)


def pack(
    run: RunPath,
    tokens: Annotated[int, typer.Option(min=300, help="Limit the size of the report.")] = 4000,
    max_bytes: MaxBytes = None,
    allow_redirect: AllowRedirect = None,
) -> None:
    """Print a compact report to paste into an AI assistant.

    Contains the cause, quotes, the inputs of the failing step, lineage and configuration; the most important parts first,
    cut to --tokens. Secrets are masked. Log text is in code fences and cannot act as Markdown.
    """
    from osiris_inspect.inspector.export.assistant_context import build_context

    set_remote_limits(max_bytes, allow_redirect)
    streams.write_stdout(build_context(newest_report(run), tokens))
