"""``osiris-inspect why``: why a step got what it got, walked from memory to disk to the error."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.inspect.report_output import WIDTH, write
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import project_reports as repository
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import RUN, CommandSpec, OptionSpec

if TYPE_CHECKING:
    import typer

    from osiris_inspect.inspector.run.report import Report

_HELP: Final = """Walk the way of a step's inputs: who gave the frame, what memory had, what the disk had, what arrived.

osiris-inspect why logs/run_123 compute-stats.df

Also says why a step was skipped, why it gave no rows, and why its frame was spilled. Without STEP it is the step where the
cause is. Exit code: 0 answered, 2 no such step, or none named and none failed, 3 no readable run.
"""


def command() -> CommandSpec:
    """The command."""
    step = OptionSpec(
        "step", "A step, or one input of a step; by default the step of the cause.", metavar="STEP[.INPUT]"
    )
    form = OptionSpec(
        "format",
        "For people, or for programs.",
        ("--format", "-f"),
        "choice",
        default="text",
        choices=("text", "json"),
    )
    return CommandSpec("why", _HELP, (RUN, step, form), why)


def register(app: "typer.Typer") -> None:
    """Add the command."""
    from osiris_inspect.cli.support import typer_adapter as typed

    typed.add_to_typer(app, command())


def why(given: Mapping[str, Any]) -> int:
    """Write the way of a step's inputs and give the exit code.

    Raises:
        WrongUse: the run has no such step, or the step no such input; or none is named, and none failed.
        RunNotReadable: there is no run.
    """
    from osiris_inspect.inspector.why import explain_step
    from osiris_inspect.inspector.why.step_explanation import UnknownStep

    report = newest_report(given["run"])
    try:
        answer = explain_step(report, given["step"] or _cause_step(report))
    except UnknownStep as error:
        raise WrongUse(str(error)) from None
    if given["format"] == "json":
        import json

        from osiris_inspect.inspector.why.json import document

        write(json.dumps(document(answer), indent=2) + "\n", None)
    else:
        from osiris_inspect.inspector.why.text import lines

        write("".join(f"{line}\n" for line in lines(answer, terminal_width())), None)
    return 0


def _cause_step(report: "Report") -> str:
    """The step where the cause is, else the first that failed; that it was taken is said, and which others there are."""
    from osiris_inspect.inspector.text.sanitize import one_line

    steps = [step.id for step in report.run.steps]
    causes = [
        finding for finding in report.findings if finding.caused_by is None and finding.severity == "error"
    ]
    of_cause = causes[0].step if causes else None  # also of a run that says it succeeded
    failed = [step.id for step in report.run.steps if step.status == "failed"]
    taken = next((step for step in (of_cause, *failed) if step in steps), None)
    others = ", ".join(repr(one_line(step)) for step in steps if step != taken)
    if taken is None:
        raise WrongUse(f"no step failed; name one of {others}" if steps else "the run tells of no step")
    reason = "where the cause is" if taken == of_cause else "the first that failed"
    also = f"; the others: {others}" if others else ""
    streams.write_message(f"showing step {one_line(taken)!r} ({reason}){also}")
    return taken


def newest_report(path: Path) -> "Report":
    """The report of a run, or of the newest run of a folder.

    Raises:
        RunNotReadable: there is none.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs

    return repository.load_reports(find_runs(places.resolve_path(path))[:1])[0]


def terminal_width() -> int:
    """The width of the terminal; where stdout is none, a width that suits a log."""
    if not streams.is_stdout_terminal():
        return WIDTH
    import shutil

    return shutil.get_terminal_size((WIDTH, 24)).columns
