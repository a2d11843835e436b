"""Findings with their lines in the pipeline file, for CI systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.project.source_location import RepositoryCheckout, step_locations
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import finding_scope
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence, Finding, Severity, fingerprint


@dataclass(frozen=True, slots=True)
class Annotation:
    """A finding and its source location.

    Attributes:
        file: pipeline file from the root of the repository; None if unknown or outside it.
        line: 0 if unknown.
    """

    report: Report
    finding: Finding
    file: str | None
    line: int

    @property
    def level(self) -> Severity:
        """Return the severity; known findings and consequences are notes."""
        is_note = self.finding.in_baseline or self.finding.caused_by is not None
        return Severity.NOTE if is_note else self.finding.severity

    @property
    def fingerprint(self) -> str:
        """Return an id that is the same for this finding in other runs."""
        return fingerprint(self.finding, self.report.run.pipeline)

    @property
    def title(self) -> str:
        """Return rule and step."""
        known = "known: " if self.finding.in_baseline else ""
        return f"{known}{self.finding.rule}, {one_line(finding_scope(self.finding))}"

    def text(self, limit: int) -> str:
        """Return message, cause, evidence, fix and run, one per line, in at most ``limit`` characters."""
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
    """Return every finding of every report, the most severe first."""
    entries: list[Annotation] = []
    for report in reports:
        sources = step_locations(report.run)
        for finding in report.findings:
            source = sources.get(finding.step) or sources.get(None)
            file = checkout.repo_path(source.file) if source is not None else None
            entries.append(
                Annotation(report, finding, file, source.line if source is not None and file else 0)
            )
    return sorted(entries, key=lambda entry: (entry.level.rank, entry.finding.severity.rank))


class LogPosition(NamedTuple):
    """The line of a file that an evidence quotes; the path begins at the root of the repository, or with the run's id."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def log_position(report: Report, evidence: Evidence, checkout: RepositoryCheckout) -> LogPosition:
    """Return the file and line of an evidence; of a log that was joined from parts, those of the part."""
    file, line = _position(report.run.path, evidence.file, evidence.line)
    path = checkout.repo_path(str(report.run.path / file)) or f"{report.run.id}/{file}"
    return LogPosition(one_line(path), line)


@lru_cache(4096)
def _position(run: Path, file: str, line: int) -> tuple[str, int]:
    return RunFiles(run).position(file, line) if file in layout.LOGS else (file, line)
