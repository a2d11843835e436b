"""Findings with the place that a CI system shows them at: the line of the pipeline file, strongest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from osiris_inspect.inspector.project.source_location import Checkout, sources_of
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import place_of
from osiris_inspect.inspector.text.sanitize import cut, plain
from osiris_inspect.model.finding import Evidence, Finding, Severity, fingerprint


@dataclass(frozen=True, slots=True)
class Placed:
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
    def weight(self) -> Severity:
        """How loudly it is shown: what a baseline lists and what is only a consequence is a note."""
        quiet = self.finding.known or self.finding.because is not None
        return Severity.NOTE if quiet else self.finding.severity

    @property
    def fingerprint(self) -> str:
        """The same for the same finding of another run."""
        return fingerprint(self.finding, self.report.run.pipeline)

    @property
    def title(self) -> str:
        """Rule and step."""
        known = "known: " if self.finding.known else ""
        return f"{known}{self.finding.rule}, {plain(place_of(self.finding))}"

    def text(self, limit: int) -> str:
        """Everything there is to say in at most ``limit`` characters, a line each: message, cause, evidence, fix, run."""
        finding = self.finding
        lines = [plain(finding.message)]
        if finding.because:
            lines.append(f"because of {plain(finding.because)}")
        lines += [f"{plain(str(piece))} {plain(piece.quote)}" for piece in finding.evidence[:3]]
        if finding.fix:
            lines.append(f"fix: {plain(finding.fix)}")
        lines.append(f"run {plain(self.report.run.id)}, confidence {finding.confidence}")
        return cut("\n".join(lines), limit)


def placed(reports: Sequence[Report], checkout: Checkout) -> list[Placed]:
    """Every finding of every report: the loudest first, else in the order of the reports."""
    found: list[Placed] = []
    for report in reports:
        sources = sources_of(report.run)
        for finding in report.findings:
            source = sources.get(finding.step) or sources.get(None)
            file = checkout.place(source.file) if source is not None else None
            found.append(Placed(report, finding, file, source.line if source is not None and file else 0))
    return sorted(found, key=lambda entry: (entry.weight.rank, entry.finding.severity.rank))


def log_place(report: Report, evidence: Evidence, checkout: Checkout) -> str:
    """The file of a piece of evidence, from the root of the repository; from the run where it lies outside."""
    return plain(checkout.place(str(report.run.path / evidence.file)) or f"{report.run.id}/{evidence.file}")
