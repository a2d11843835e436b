"""``osiris-inspect rules`` and ``explain``: the rules, and the findings of one of them in a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.inspect.why import newest_report, terminal_width
from osiris_inspect.cli.support import project_reports, streams
from osiris_inspect.cli.support.completion import complete_rule

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.report import Report


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("rules")(rules)
    app.command("explain")(explain)


def rules() -> None:
    """List the rules, one per line."""
    known = project_reports.rules()
    width = max(len(rule.id) for rule in known)
    for rule in sorted(known, key=lambda each: each.id):
        streams.write_stdout(f"{rule.id:<{width}}  {rule.rule_manual.partition(chr(10))[0]}\n")


def explain(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="[RUN:]RULE",
            autocompletion=complete_rule,
            help="The id of a rule (see `rules`); with a run, also its findings.",
        ),
    ],
) -> None:
    """Print the manual of a rule: what it finds, why it matters, how to fix it.

    With a run, also prints the findings of the rule in that run, with their evidence.
    """
    run, _, name = rule.rpartition(":")
    manuals = {known.id: known.rule_manual for known in project_reports.rules()}
    if name not in manuals:
        raise typer.BadParameter(f"unknown rule {name!r}{_hint(name, manuals)}", param_hint="RULE")
    in_run = ["", *_findings_of_rule(newest_report(Path(run)), name)] if run else []
    streams.write_stdout("\n".join([name, "", manuals[name], *in_run]) + "\n")


def _hint(name: str, manuals: dict[str, str]) -> str:
    from osiris_inspect.base.near_names import near_names

    near = near_names(name, manuals)
    return f"; did you mean {near[0]!r}" if near else "; osiris-inspect rules lists them"


def _findings_of_rule(report: "Report", rule: str) -> list[str]:
    """Return the findings of a rule in a run with their evidence, or why there is none."""
    from osiris_inspect.inspector.run.summary import finding_scope
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.inspector.text.wrap import wrap_labelled

    findings = [finding for finding in report.findings if finding.rule == rule]
    lines = [f"In {one_line(report.run.id)}:"]
    if not findings:
        skipped = [entry.reason for entry in report.not_checked if entry.rule == rule]
        return [*lines, f"    {one_line(f'not checked: {skipped[0]}' if skipped else 'not found')}"]
    for finding in findings:
        head = f"{finding.severity}, {finding.confidence} confidence, {finding_scope(finding)}: {finding.message}"
        lines += wrap_labelled(one_line(head), terminal_width(), "    ")
        for piece in finding.evidence:
            lines += wrap_labelled(one_line(f"{piece}  {piece.quote}"), terminal_width(), "        ")
        for label, text in (("because of", finding.caused_by), ("fix", finding.fix)):
            lines += wrap_labelled(one_line(text), terminal_width(), f"        {label}: ") if text else []
    return lines
