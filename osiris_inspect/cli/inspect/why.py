"""``osiris-inspect why``: why a step got what it got, walked from memory to disk to the error."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.inspect.report_output import WIDTH, write
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import project_reports as repository
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import RUN, Command, Option

if TYPE_CHECKING:
    import typer

    from osiris_inspect.inspector.run.report import Report

_HELP: Final = """Walk the way of a step's inputs: who gave the frame, what memory had, what the disk had, what arrived.

osiris-inspect why logs/run_123 compute-stats.df

Also says why a step was skipped, why it gave no rows, and why its frame was spilled. Without STEP it is the step where the
cause is. Exit code: 0 answered, 2 no such step, or none named and none failed, 3 no readable run.
"""


def command() -> Command:
    """The command."""
    step = Option(
        "step", "A step, or one input of a step; by default the step of the cause.", metavar="STEP[.INPUT]"
    )
    form = Option(
        "format",
        "For people, or for programs.",
        ("--format", "-f"),
        "choice",
        default="text",
        choices=("text", "json"),
    )
    return Command("why", _HELP, (RUN, step, form), why)


def register(app: "typer.Typer") -> None:
    """Add the command."""
    from osiris_inspect.cli.support import typer_adapter as typed

    typed.add(app, command())


def why(given: Mapping[str, Any]) -> int:
    """Write the way of a step's inputs and give the exit code.

    Raises:
        WrongUse: the run has no such step, or the step no such input; or none is named, and none failed.
        UnreadableRun: there is no run.
    """
    from osiris_inspect.inspector.why import why_of
    from osiris_inspect.inspector.why.step_explanation import NoSuchStep

    report = newest(given["run"])
    try:
        answer = why_of(report, given["step"] or _guilty(report))
    except NoSuchStep as error:
        raise WrongUse(str(error)) from None
    if given["format"] == "json":
        import json

        from osiris_inspect.inspector.why.json import document

        write(json.dumps(document(answer), indent=2) + "\n", None)
    else:
        from osiris_inspect.inspector.why.text import lines

        write("".join(f"{line}\n" for line in lines(answer, columns())), None)
    return 0


def _guilty(report: "Report") -> str:
    """The step where the cause is, else the first that failed; that it was taken is said, and which others there are."""
    from osiris_inspect.inspector.text.sanitize import plain

    steps = [step.id for step in report.run.steps]
    causes = [
        finding for finding in report.findings if finding.because is None and finding.severity == "error"
    ]
    of_cause = causes[0].step if causes else None  # also of a run that says it succeeded
    failed = [step.id for step in report.run.steps if step.status == "failed"]
    taken = next((step for step in (of_cause, *failed) if step in steps), None)
    others = ", ".join(repr(plain(step)) for step in steps if step != taken)
    if taken is None:
        raise WrongUse(f"no step failed; name one of {others}" if steps else "the run tells of no step")
    reason = "where the cause is" if taken == of_cause else "the first that failed"
    also = f"; the others: {others}" if others else ""
    sys.stderr.write(f"osiris-inspect: step {plain(taken)!r}, {reason}{also}\n")
    return taken


def newest(path: Path) -> "Report":
    """The report of a run, or of the newest run of a folder.

    Raises:
        UnreadableRun: there is none.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs

    return repository.reports(find_runs(places.here(path))[:1])[0]


def columns() -> int:
    """The width of the terminal; where stdout is none, a width that suits a log."""
    if not sys.stdout.isatty():
        return WIDTH
    import shutil

    return shutil.get_terminal_size((WIDTH, 24)).columns
