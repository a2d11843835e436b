"""``osiris-inspect why``: why a step got what it got, walked from memory to disk to the error."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from osiris_inspect.cli import repository
from osiris_inspect.cli.outputs import WIDTH, write

if TYPE_CHECKING:
    from osiris_inspect.inspector.report import Report

Format = Literal["text", "json"]
RunPath = Annotated[Path, typer.Argument(help="A run, or a folder of runs: then its newest run.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why")(why)


def why(
    run: RunPath,
    step: Annotated[str, typer.Argument(metavar="STEP[.INPUT]", help="A step, or one input of a step.")],
    format_: Annotated[Format, typer.Option("--format", "-f", help="For people, or for programs.")] = "text",
) -> None:
    """Walk the way of a step's inputs: who gave the frame, what memory had, what the disk had, what arrived.

    osiris-inspect why logs/run_123 compute-stats.df

    Also says why a step was skipped, why it gave no rows, and why its frame was spilled. Exit code: 0 answered, 2 no such
    step, 3 no readable run.
    """
    from osiris_inspect.inspector.why import why_of
    from osiris_inspect.inspector.why.answer import NoSuchStep

    try:
        answer = why_of(newest(run), step)
    except NoSuchStep as error:
        raise typer.BadParameter(str(error), param_hint="STEP") from None
    if format_ == "json":
        import json

        from osiris_inspect.inspector.why.json import document

        write(json.dumps(document(answer), indent=2) + "\n", None)
        return
    from osiris_inspect.inspector.why.text import lines

    write("".join(f"{line}\n" for line in lines(answer, columns())), None)


def newest(path: Path) -> "Report":
    """The report of a run, or of the newest run of a folder.

    Raises:
        UnreadableRun: there is none.
    """
    from osiris_inspect.inspector.catalog import find_runs

    return repository.reports(find_runs(path)[:1])[0]


def columns() -> int:
    """The width of the terminal; where stdout is none, a width that suits a log."""
    if not sys.stdout.isatty():
        return WIDTH
    import shutil

    return shutil.get_terminal_size((WIDTH, 24)).columns
