"""Findings with the place that a CI system shows them at: the line of the pipeline file, strongest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from osiris_inspect.inspector.project.source_location import RepositoryCheckout, step_locations
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import finding_scope
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.model.finding import Evidence, Finding, Severity, fingerprint


@dataclass(frozen=True, slots=True)
class Annotation:
    """A finding and where it is shown.

    Attributes:
        file: the pipeline file from the root of the repository; None where it is not known or not in there.
        line: its line; 0 where only the file is known.
    """

    report: Report
    finding: Finding
    file: str | None
    line: int

    @property
    def level(self) -> Severity:
        """How loudly it is shown: what a baseline lists and what is only a consequence is a note."""
        quiet = self.finding.in_baseline or self.finding.caused_by is not None
        return Severity.NOTE if quiet else self.finding.severity

    @property
    def fingerprint(self) -> str:
        """The same for the same finding of another run."""
        return fingerprint(self.finding, self.report.run.pipeline)

    @property
    def title(self) -> str:
        """Rule and step."""
        known = "known: " if self.finding.in_baseline else ""
        return f"{known}{self.finding.rule}, {one_line(finding_scope(self.finding))}"

    def text(self, limit: int) -> str:
        """Everything there is to say in at most ``limit`` characters, a line each: message, cause, evidence, fix, run."""
        finding = self.finding
        lines = [one_line(finding.message)]
        if finding.caused_by:
            lines.append(f"because of {one_line(finding.caused_by)}")
        lines += [f"{one_line(str(piece))} {one_line(piece.quote)}" for piece in finding.evidence[:3]]
        if finding.fix:
            lines.append(f"fix: {one_line(finding.fix)}")
        lines.append(f"run {one_line(self.report.run.id)}, confidence {finding.confidence}")
        return truncate("\n".join(lines), limit)


def annotations(reports: Sequence[Report], checkout: RepositoryCheckout) -> list[Annotation]:
    """Every finding of every report: the loudest first, else in the order of the reports."""
    found: list[Annotation] = []
    for report in reports:
        sources = step_locations(report.run)
        for finding in report.findings:
            source = sources.get(finding.step) or sources.get(None)
            file = checkout.repo_path(source.file) if source is not None else None
            found.append(Annotation(report, finding, file, source.line if source is not None and file else 0))
    return sorted(found, key=lambda entry: (entry.level.rank, entry.finding.severity.rank))


def log_path(report: Report, evidence: Evidence, checkout: RepositoryCheckout) -> str:
    """The file of a piece of evidence, from the root of the repository; from the run where it lies outside."""
    return one_line(
        checkout.repo_path(str(report.run.path / evidence.file)) or f"{report.run.id}/{evidence.file}"
    )
