"""Suppressed findings: in the settings of the repository, or by a comment in the pipeline.

    - id: extract-orders          # osiris-inspect: allow zero-rows-from-source: empty on Sundays

A comment on a line of a step, or directly above it, applies to that step; one before the first step applies to all.
Suppressed warnings and notes are hidden. Suppressed errors are shown as known and do not fail the job, provided that the
user's repository tracks the file or the user names it: a file that came with a run must not turn its failure into a success.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from osiris_inspect.inspector.project.project import Project
from osiris_inspect.inspector.project.source_location import step_locations
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding, Severity

_COMMENT: Final = LazyRegex(
    r"#\s{0,80}osiris-inspect:\s{0,80}allow\s{1,80}(?P<rule>[a-z]+(?:-[a-z]+)*)\s{0,80}(?::\s{0,80}(?P<reason>\S.*))?$"
)
MAX_FILE_BYTES: Final = 4 << 20
"""Maximum size of a pipeline file that is searched for comments."""


class Suppression(NamedTuple):
    """One suppressed rule.

    Attributes:
        step: the step; None for all.
        reason: may be empty in the settings, never in a comment.
        source: the file, or file and line, that contains the suppression.
        may_allow_errors: True if it also applies to errors.
        pipeline: the pipeline file of a comment; None for the settings.
    """

    rule: str
    step: str | None
    reason: str
    source: str
    may_allow_errors: bool = False
    pipeline: str | None = None

    def matches(self, finding: Finding) -> bool:
        """Return True if it names the rule and the step of the finding."""
        return finding.rule == self.rule and self.step in (None, finding.step)

    def applies_to(self, finding: Finding) -> bool:
        """Return True if it suppresses the finding."""
        return self.matches(finding) and (self.may_allow_errors or finding.severity is not Severity.ERROR)

    def __str__(self) -> str:
        where = f"@{self.step}" if self.step else ""
        return f"{self.source}: {self.rule}{where}"


def comment_suppressions(report: Report, project: Project) -> tuple[Suppression, ...]:
    """Return the suppressions in the comments of a run's pipeline file; empty if the file is unknown or missing."""
    locations = step_locations(report.run)
    named = locations.get(None) or next(iter(locations.values()), None)
    if named is None:
        return ()
    file = project.file(named.file)
    if file is None or file.stat().st_size > MAX_FILE_BYTES:
        return ()
    lines = {source.line: step for step, source in locations.items() if step is not None and source.line}
    found = tuple(_in_text(file.read_text(encoding="utf-8", errors="replace"), named.file, lines))
    trusted = bool(found) and project.may_allow_errors(file)
    return tuple(entry._replace(may_allow_errors=trusted) for entry in found)


def _in_text(text: str, file: str, steps: Mapping[int, str]) -> Iterator[Suppression]:
    rows = text.split("\n")
    for number, row in enumerate(rows, start=1):
        match = _COMMENT.search(row.rstrip())
        if match and match["reason"]:
            step = _step_at(number, rows, steps)
            yield Suppression(match["rule"], step, match["reason"], f"{file}:{number}", pipeline=file)


def _step_at(number: int, rows: Sequence[str], steps: Mapping[int, str]) -> str | None:
    """Return the step of the comment's line, or the step directly below."""
    below = number
    while below <= len(rows) and rows[below - 1].lstrip().startswith("#"):
        below += 1
    if below > number and below in steps:
        return steps[below]
    above = [line for line in steps if line <= number]
    return steps[max(above)] if above else None


def apply_suppressions(report: Report, suppressions: Collection[Suppression]) -> Report:
    """Return the report without suppressed warnings and notes, and with suppressed errors as known."""
    hidden, visible = [], []
    for finding in report.findings:
        if not any(suppression.applies_to(finding) for suppression in suppressions):
            visible.append(finding)
        elif finding.severity is Severity.ERROR:
            visible.append(replace(finding, in_baseline=True))
        else:
            hidden.append(finding)
    ids = {finding.id for finding in visible}
    findings = tuple(
        finding if finding.caused_by in ids else replace(finding, caused_by=None) for finding in visible
    )
    return replace(report, findings=findings, allowed=tuple(hidden))


def unused_suppressions(
    reports: Sequence[Report], suppressions: Collection[Suppression]
) -> list[Suppression]:
    """Return the suppressions without a finding in these reports, except those for steps that no report has."""
    steps: set[str] = set()
    unused = list(suppressions)
    for report in reports if unused else ():
        steps.update(step.id for step in report.run.steps)
        findings = (*report.findings, *report.allowed)
        unused = [entry for entry in unused if not any(map(entry.matches, findings))]
    return [entry for entry in unused if entry.step is None or entry.step in steps]


def untrusted_suppressions(
    reports: Sequence[Report], suppressions: Collection[Suppression]
) -> list[Suppression]:
    """Return the suppressions that name an error of these reports but may not allow errors."""
    errors = [
        finding for report in reports for finding in report.findings if finding.severity is Severity.ERROR
    ]
    return [entry for entry in suppressions if not entry.may_allow_errors and any(map(entry.matches, errors))]
