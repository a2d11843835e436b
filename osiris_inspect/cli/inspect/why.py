"""``osiris-inspect why``: traces the inputs of a step."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.inspect.report_output import WIDTH
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import project_reports, streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import RUN, CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.report import Report

_INCOMPLETE: Final = {
    "the first that failed": ("failed",),
    "the first that did not end": ("interrupted", "running"),
    "the first that did not start": ("not_started", "skipped"),
}
"""Reasons to explain a step that no one named, by the status of the step, the best first."""
_HELP: Final = """Trace a step's inputs: producer, memory or disk lookup, and what it received.

Also explains why a step was skipped, why it produced no rows, and why its frame was spilled. Without STEP, the step that
caused the failure is used. Exit codes: 0 success, 2 no such step, 3 no readable run, or none named and none failed.
"""


def command() -> CommandSpec:
    """Return the command."""
    step = OptionSpec(
        "step", "A step, or one of its inputs; default: the step of the cause.", metavar="STEP[.INPUT]"
    )
    form = OptionSpec(
        "format",
        "Choose the output format.",
        ("--format", "-f"),
        "choice",
        default="text",
        choices=("text", "json"),
    )
    return places.with_remote_options(CommandSpec("why", _HELP, (RUN, step, form), why))


def why(options: Mapping[str, Any]) -> int:
    """Print the explanation of a step and return the exit code.

    Raises:
        WrongUse: no such step or input.
        RunNotReadable: there is no run; or no step is named, and none failed.
    """
    from osiris_inspect.inspector.why import explain_step
    from osiris_inspect.inspector.why.step_explanation import UnknownStep

    report = newest_report(options["run"])
    try:
        answer = explain_step(report, options["step"] or _cause_step(report))
    except UnknownStep as error:
        raise WrongUse(str(error)) from None
    if options["format"] == "json":
        import json

        from osiris_inspect.inspector.why.json import document

        streams.write_json(json.dumps(document(answer), indent=2) + "\n")
    else:
        from osiris_inspect.inspector.why.text import lines

        streams.write_stdout("".join(f"{line}\n" for line in lines(answer, terminal_width())))
    return 0


def _cause_step(report: "Report") -> str:
    """Return the step of the cause, else the first that failed or did not end; print which one and the others.

    Raises:
        RunNotReadable: every step succeeded.
    """
    from osiris_inspect.inspector.text.sanitize import one_line

    steps = [step.id for step in report.run.steps]
    errors = [
        finding for finding in report.findings if finding.caused_by is None and finding.severity == "error"
    ]
    cause = errors[0].step if errors else None  # a run that succeeded may have one
    reasons = {cause: "the cause"} if cause is not None else {}
    for word, statuses in _INCOMPLETE.items():
        reasons.update(
            {step.id: word for step in report.run.steps if step.status in statuses and step.id not in reasons}
        )
    chosen = next((step for step in reasons if step in steps), None)
    others = ", ".join(repr(one_line(step)) for step in steps if step != chosen)
    if chosen is None:
        hint = f"name a step after the run: {others}" if steps else "the run has no steps"
        raise RunNotReadable(f"no step failed; {hint}")
    reason = reasons[chosen]
    also = f"; other steps: {others}" if others else ""
    streams.write_message(f"showing step {one_line(chosen)!r} ({reason}){also}")
    return chosen


def newest_report(path: Path) -> "Report":
    """Return the report of a run, or of the newest run of a folder.

    Raises:
        RunNotReadable: there is no run.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs

    return next(
        project_reports.iter_reports(
            find_runs(places.resolve_path(path), on_left_out=places.report_left_out)[:1]
        )
    )


def terminal_width() -> int:
    """Return the width of the terminal; ``WIDTH`` if stdout is not a terminal."""
    if not streams.is_stdout_terminal():
        return WIDTH
    import shutil

    return shutil.get_terminal_size((WIDTH, 24)).columns
