"""``osiris-inspect rules`` and ``explain``: what the rules know, and what one of them found in a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.inspect.why import newest_report, terminal_width
from osiris_inspect.cli.support import project_reports as repository

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.report import Report


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("rules")(rules)
    app.command("explain")(explain)


def rules() -> None:
    """List the rules, one a line."""
    there_are = repository.rules()
    widest = max(len(rule.id) for rule in there_are)
    for rule in there_are:
        typer.echo(f"{rule.id:<{widest}}  {rule.rule_manual.partition(chr(10))[0]}")


def explain(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="[RUN:]RULE",
            help="The id of a rule, as `rules` lists it; with a run, what it found there.",
        ),
    ],
) -> None:
    """Print the manual of a rule: what it finds, why it matters, how to fix it, an example.

    osiris-inspect explain logs/run_123:column-missing adds what the rule found in that run, with its evidence.
    """
    place, _, name = rule.rpartition(":")
    manuals = {known.id: known.rule_manual for known in repository.rules()}
    if name not in manuals:
        raise typer.BadParameter(f"there is no rule {name!r}{_hint(name, manuals)}", param_hint="RULE")
    in_run = (
        _findings_of_rule(newest_report(Path(place)), name) if place else []
    )  # first: a run that is none is said alone
    typer.echo("\n".join([name, "", manuals[name], *([""] if in_run else []), *in_run]))


def _hint(name: str, there_are: dict[str, str]) -> str:
    from osiris_inspect.base.near_names import did_you_mean

    return did_you_mean(name, there_are) or "; osiris-inspect rules lists them"


def _findings_of_rule(report: "Report", rule: str) -> list[str]:
    """What a rule found in a run: each finding with its evidence, or why there is none."""
    from osiris_inspect.inspector.run.summary import finding_scope
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.inspector.text.wrap import wrap_labelled

    found = [finding for finding in report.findings if finding.rule == rule]
    lines = [f"In {one_line(report.run.id)}:"]
    if not found:
        skipped = [entry.reason for entry in report.not_checked if entry.rule == rule]
        return [*lines, f"    {one_line(f'not checked: {skipped[0]}' if skipped else 'not found')}"]
    for finding in found:
        head = f"{finding.severity}, {finding.confidence} confidence, {finding_scope(finding)}: {finding.message}"
        lines += wrap_labelled(one_line(head), terminal_width(), "    ")
        for piece in finding.evidence:
            lines += wrap_labelled(one_line(f"{piece}  {piece.quote}"), terminal_width(), "        ")
        for label, text in (("because of", finding.caused_by), ("fix", finding.fix)):
            lines += wrap_labelled(one_line(text), terminal_width(), f"        {label}: ") if text else []
    return lines
