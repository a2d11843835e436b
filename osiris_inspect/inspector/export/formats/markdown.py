"""Markdown for a job summary, a Buildkite annotation or a comment: verdict, cause, steps, lineage, findings.

Log text is in code spans, where Markdown, HTML and mentions have no effect. GitHub drops a summary over 1 MiB, so the
document is cut before 900 kB, at a heading if possible, and names what is omitted.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations, log_position
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.summary import (
    INCOMPLETE_STATUSES,
    captured_inputs,
    count_runs,
    finding_scope,
    location_label,
    summarize,
)
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.inspector.text.units import format_duration, pluralize
from osiris_inspect.model.finding import Finding

MAX_BYTES: Final = 900_000
MAX_TEXT: Final = 400
_RESERVED_BYTES: Final = 300
_MARKS = {
    "success": "✅",
    "failed": "❌",
    "compile_failed": "❌",
    "interrupted": "⏹️",
    "truncated": "⚠️",
    "unreadable": "⚠️",
    "running": "⏳",
}
_STEP_MARKS = {
    "succeeded": "✅",
    "reused": "♻️",
    "failed": "❌",
    "interrupted": "⏹️",
    "skipped": "⏭️",
    "not_started": "▫️",
    "running": "⏳",
}
_FINDING_MARKS = {"error": "❌", "warning": "⚠️", "note": "ℹ️"}  # noqa: RUF001  the sign for information


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write a table of several runs, then a section per run, failed runs first."""
    out.write(render_markdown(reports, ci.checkout))


def render_markdown(
    reports: Sequence[Report], checkout: RepositoryCheckout, max_bytes: int = MAX_BYTES
) -> str:
    """Return the document in at most ``max_bytes`` of UTF-8; empty if not even a note fits."""
    ordered = sorted(reports, key=lambda report: report.run.status not in INCOMPLETE_STATUSES)
    sections = [_overview(ordered)] if len(ordered) > 1 else []
    sections += [_run(report, checkout) for report in ordered]
    available = max_bytes - _RESERVED_BYTES
    return "".join(f"{line}\n" for line in _fit_sections(sections, available)) if available > 0 else ""


def _fit_sections(sections: Sequence[Sequence[str]], available: int) -> Iterator[str]:
    """Yield the sections that fit; if not even the first run fits, its first lines."""
    ends = list(accumulate(map(_size, sections)))
    whole = sum(end <= available for end in ends)
    for section in sections[:whole]:
        yield from section
    omitted = len(sections) - whole
    if omitted and whole <= (len(sections) > 1):
        yield from _cut(sections[whole], available - (ends[whole - 1] if whole else 0))
        omitted -= 1
    if omitted:
        yield f"_{omitted:,} more runs are omitted: the summary has a size limit._"


def _cut(section: Sequence[str], available: int) -> Iterator[str]:
    count = sum(end <= available for end in accumulate(len(line.encode()) + 1 for line in section))
    yield from section[:count]
    yield from ("", f"_{len(section) - count:,} more lines of this run are omitted._", "")


def _size(section: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in section)


def _overview(reports: Sequence[Report]) -> list[str]:
    rows = [
        f"| {_MARKS[report.run.status]} {summarize(report).headline} | {code_span(report.run.id)} "
        f"| {code_span(report.run.pipeline or '')} | {format_duration(report.run.duration_s, '?')} | {_short_cause(report)} |"
        for report in reports
    ]
    head = f"## {count_runs([report.run.status for report in reports])}"
    return [head, "", "| | run | pipeline | time | cause |", "|---|---|---|---|---|", *rows, ""]


def _short_cause(report: Report) -> str:
    cause = report.root_cause
    return f"{code_span(finding_scope(cause), 60)} {cause.rule}" if cause is not None else ""


def _run(report: Report, checkout: RepositoryCheckout) -> list[str]:
    return [
        *_verdict(report, checkout),
        *_steps(report),
        *_lineage(report),
        *_findings(report, checkout),
        *_not_checked(report),
    ]


def _verdict(report: Report, checkout: RepositoryCheckout) -> Iterator[str]:
    run, cause = report.run, report.root_cause
    details = filter(None, (summarize(report).headline, run.mode, format_duration(run.duration_s, "?")))
    pipeline = f" {code_span(run.pipeline)}" if run.pipeline else ""
    yield f"## {_MARKS[run.status]} {code_span(run.id)}{pipeline}: {', '.join(details)}"
    yield ""
    if run.parent is not None:
        yield f"**Origin:** {code_span(str(run.parent))}"
        yield ""
    if cause is None:
        return
    yield f"**Cause:** {code_span(finding_scope(cause))} {code_span(cause.message)} ({cause.rule}, {cause.confidence})"
    yield ""
    for piece in cause.evidence[:3]:
        yield f"- {code_span(str(log_position(report, piece, checkout)))} {code_span(piece.quote)}"
    if cause.fix:
        yield f"- **Fix:** {code_span(cause.fix)}"
    if captured := captured_inputs(run):
        yield f"- **Inputs:** {code_span(captured)}"
    yield ""


def _steps(report: Report) -> Iterator[str]:
    if not report.run.steps:
        return
    yield "| step | driver | status | rows in | rows out | time | frame |"
    yield "|---|---|---|--:|--:|--:|---|"
    yield from map(_step, report.run.steps)
    yield ""


def _step(step: StepState) -> str:
    frame = "" if step.is_writer or step.storage == "unknown" else step.storage
    cells = (
        code_span(step.id),
        code_span(step.driver or "?"),
        f"{_STEP_MARKS[step.status]} {step.status.replace('_', ' ')}{_attempts(step)}",
        _rows(step.rows_in),
        _rows(step.rows_out),
        format_duration(step.duration_s, "?"),
        frame,
    )
    return f"| {' | '.join(cells)} |"


def _attempts(step: StepState) -> str:
    return f" (attempt {step.retries + 1})" if step.retries else ""


def _lineage(report: Report) -> Iterator[str]:
    if not report.lineage.all_edges:
        return
    yield "<details><summary>Lineage</summary>"
    yield ""
    yield from (f"- {_edge(edge, report.run)}" for edge in report.lineage.all_edges)
    yield ""
    yield "</details>"
    yield ""


def _edge(edge: Edge, run: Run) -> str:
    rows = "" if edge.rows_in is None else f"{pluralize(edge.rows_in, 'row')}, "
    name = f" as {code_span(edge.name)}" if edge.name else ""
    return f"{code_span(edge.producer)} → {code_span(edge.consumer)}{name}: {rows}{location_label(edge, run)}"


def _findings(report: Report, checkout: RepositoryCheckout) -> Iterator[str]:
    if not report.findings:
        yield "No problems found."
        yield ""
        return
    yield "### Findings"
    yield ""
    entries = {id(entry.finding): entry for entry in annotations([report], checkout)}
    yield from (_finding(finding, entries[id(finding)]) for finding in report.findings)
    yield ""


def _finding(finding: Finding, entry: Annotation) -> str:
    indent = "  " if finding.caused_by else ""
    known = "known: " if finding.in_baseline else ""
    position = f" at {code_span(f'{entry.file}:{entry.line}')}" if entry.file and entry.line else ""
    because = f", because of {code_span(finding.caused_by)}" if finding.caused_by else ""
    text = f"**{finding.rule}** {code_span(finding_scope(finding))}{position} {code_span(finding.message)}"
    return f"{indent}- {_FINDING_MARKS[str(finding.severity)]} {known}{text} ({code_span(str(finding.evidence[0]))}{because})"


def _not_checked(report: Report) -> Iterator[str]:
    if report.not_checked:
        yield f"{len(report.not_checked)} rules were skipped, because this run does not record the data they need."
        yield ""


def _rows(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"


def code_span(text: str, limit: int = MAX_TEXT) -> str:
    """Return a text as a code span that it cannot end, also inside a table."""
    text = truncate(one_line(text), limit).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"
