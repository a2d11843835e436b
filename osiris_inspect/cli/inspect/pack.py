"""``osiris-inspect pack``: what an assistant needs to help with a run, as Markdown within a budget."""

from typing import Annotated

import typer

from osiris_inspect.cli.inspect.report_output import write
from osiris_inspect.cli.inspect.why import newest_report
from osiris_inspect.cli.support.typer_adapter import RunPath


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("pack")(pack)


def pack(
    run: RunPath,
    tokens: Annotated[int, typer.Option(min=300, help="The most tokens the pack may have.")] = 4000,
) -> None:
    """Print what an assistant needs to help: cause, quotes, the walk of the failing step, lineage, configuration.

    osiris-inspect pack logs/run_123 --tokens 2000

    In order of weight, within the budget, with secrets masked. Text of the log stands in fences and cannot act as Markdown.
    """
    from osiris_inspect.inspector.export.assistant_context import build_context

    write(build_context(newest_report(run), tokens), None)
