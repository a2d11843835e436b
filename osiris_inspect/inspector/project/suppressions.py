"""Findings that somebody allowed: in the configuration of the repository, or with a comment in the pipeline.

    - id: extract-orders          # osiris-inspect: allow zero-rows-from-source: empty on Sundays

A comment on a line of a step, or on lines directly above it, counts for that step; one before the first step for all.
What is allowed is not shown. An error stays in sight and fails nothing. What allows nothing is told, so that it goes.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.project.source_location import step_locations
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Finding, Severity

_COMMENT: Final = re.compile(
    r"#\s*osiris-inspect:\s*allow\s+(?P<rule>[a-z]+(?:-[a-z]+)*)\s*(?::\s*(?P<reason>\S.*?))?\s*$"
)
MAX_FILE: Final = 4 << 20
"""Bytes of a pipeline file that are read for comments."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """One rule that is allowed.

    Attributes:
        step: where; None for everywhere.
        reason: why; may be empty in a configuration, never in a comment.
        place: what says so: a file, or a file and its line.
        pipeline: the pipeline file it stands in; None for one of the configuration.
    """

    rule: str
    step: str | None
    reason: str
    source: str
    pipeline: str | None = None

    def matches(self, finding: Finding) -> bool:
        """Whether it allows a finding."""
        return finding.rule == self.rule and self.step in (None, finding.step)

    def __str__(self) -> str:
        where = f"@{self.step}" if self.step else ""
        return f"{self.source}: {self.rule}{where}"


def comment_suppressions(report: Report, folder: Path) -> tuple[Suppression, ...]:
    """What the comments of a run's pipeline file allow; nothing where the run does not name it or it is not there."""
    places = step_locations(report.run)
    named = places.get(None) or next(iter(places.values()), None)
    if named is None:
        return ()
    file = folder / named.file
    if not file.is_file() or file.stat().st_size > MAX_FILE:
        return ()
    lines = {place.line: step for step, place in places.items() if step is not None and place.line}
    return tuple(_in_text(file.read_text(encoding="utf-8", errors="replace"), named.file, lines))


def _in_text(text: str, file: str, steps: Mapping[int, str]) -> Iterator[Suppression]:
    rows = text.split("\n")
    for number, row in enumerate(rows, start=1):
        match = _COMMENT.search(row)
        if match and match["reason"]:
            step = _step_at(number, rows, steps)
            yield Suppression(match["rule"], step, match["reason"], f"{file}:{number}", file)


def _step_at(number: int, rows: Sequence[str], steps: Mapping[int, str]) -> str | None:
    """The step that a comment stands at or directly above."""
    below = number
    while below <= len(rows) and rows[below - 1].lstrip().startswith("#"):
        below += 1
    if below > number and below in steps:
        return steps[below]
    above = [line for line in steps if line <= number]
    return steps[max(above)] if above else None


def apply_suppressions(report: Report, allowances: Collection[Suppression]) -> Report:
    """The report without the warnings and notes that are allowed, and with its allowed errors as known."""
    hidden, kept = [], []
    for finding in report.findings:
        if not any(allowance.matches(finding) for allowance in allowances):
            kept.append(finding)
        elif finding.severity is Severity.ERROR:
            kept.append(replace(finding, in_baseline=True))
        else:
            hidden.append(finding)
    there = {finding.id for finding in kept}
    freed = (finding if finding.caused_by in there else replace(finding, caused_by=None) for finding in kept)
    return replace(report, findings=tuple(freed), allowed=tuple(hidden))


def unused_suppressions(reports: Sequence[Report], allowances: Collection[Suppression]) -> list[Suppression]:
    """The allowances that cover no finding of these reports; one for a step that none of them has is not judged."""
    found = [finding for report in reports for finding in (*report.findings, *report.allowed)]
    steps = {step.id for report in reports for step in report.run.steps}
    return [
        allowance
        for allowance in allowances
        if (allowance.step is None or allowance.step in steps) and not any(map(allowance.matches, found))
    ]
