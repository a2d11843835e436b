"""Text for people: the verdict first, then the steps, the lineage and one line a finding."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.deduplicate import additional_text, drop_repeated_error
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.summary import FAILED_STATUSES, finding_scope, location_label, summarize
from osiris_inspect.inspector.text.sanitize import escape_ci_commands, one_line, truncate
from osiris_inspect.inspector.text.units import format_duration, pluralize
from osiris_inspect.inspector.text.wrap import wrap_labelled
from osiris_inspect.model.finding import Finding

_GLYPHS = {
    "success": "✓",
    "succeeded": "✓",
    "failed": "✗",
    "compile_failed": "✗",
    "truncated": "!",
    "unreadable": "!",
    "running": "~",
    "skipped": "-",
    "not_started": "·",
    "error": "✗",
    "warning": "!",
    "note": "i",
}
_COLORS = {"✓": "32", "✗": "31", "!": "33", "~": "36"}
LONGEST = 2000
"""Characters of one message; an error can be as long as the query it quotes."""
_QUOTED = 3
"""Pieces of evidence that stand under the cause."""
_ROOMY = 100
"""Columns from which on names of steps and drivers are not cut: what is no terminal is that wide."""
_FRAMES = {"memory": "memory", "spill": "spill", "none": "neither", "unknown": "?"}


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    ci: CIContext = NO_CI,
) -> None:
    """Write every report, and with several of them their number by status at the end."""
    del ci  # for formats that a CI system reads
    for number, report in enumerate(reports):
        if number:
            out.write("\n")
        for line in map(escape_ci_commands, _report(report, width)):
            out.write(f"{_colored(line) if color else line}\n")
    if len(reports) > 1:
        out.write(f"\n{_total(reports)}\n")


def _report(report: Report, width: int) -> Iterator[str]:
    yield from _verdict(report, width)
    if report.run.steps:
        yield ""
        yield from _steps(report.run, width)
    if report.lineage.edges:
        yield ""
        for edge in report.lineage.edges:
            yield from wrap_labelled(_edge(edge, report.run), width, "  ")
    if report.findings:
        yield ""
        said = _said(report)
        yield from (_finding(finding, said) for finding in report.findings)
    yield ""
    yield f"  {_counts(report)}"


def _verdict(report: Report, width: int) -> Iterator[str]:
    run, cause = report.run, report.root_cause
    facts = [summarize(report).headline, run.mode or "", format_duration(run.duration_s, "?")]
    head = f"{one_line(run.id)}  {one_line(run.pipeline or '')}  {', '.join(filter(None, facts))}"
    yield from wrap_labelled(head, width, f"{_GLYPHS[run.status]} ")
    if cause is None:
        return
    yield from _labelled(
        "cause", f"{finding_scope(cause)}: {cause.message}  [{cause.rule}, {cause.confidence}]", width
    )
    said = _said(report)
    for piece in cause.evidence[:_QUOTED]:
        yield from _labelled("", f"{piece}  {additional_text(piece.quote, said)}", width)
    if cause.fix:
        yield from _labelled("fix", cause.fix, width)


def _said(report: Report) -> str:
    """What the header says of the cause."""
    return one_line(report.root_cause.message) if report.root_cause is not None else ""


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    """A label and its text, which goes on below itself where it is too long for one line."""
    yield from wrap_labelled(truncate(one_line(text), LONGEST), width, f"  {label:<6} ")


def _steps(run: Run, width: int) -> Iterator[str]:
    rows = [
        ("step", "driver", "status", "rows in → out", "time", "frame"),
        *(_step(step) for step in run.steps),
    ]
    limits = (
        (60, 40, 14, 32, 14, 8)
        if width >= _ROOMY
        else (max(16, width // 4), max(14, width // 5), 14, 24, 12, 8)
    )
    wide = [
        min(limit, max(len(row[column]) for row in rows))
        for column, limit in zip(range(6), limits, strict=True)
    ]
    for row in rows:
        cells = (truncate(cell, size).ljust(size) for cell, size in zip(row, wide, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _step(step: StepState) -> tuple[str, str, str, str, str, str]:
    status = f"{_GLYPHS[step.status]} {step.status.replace('_', ' ')}"
    frame = (
        "-"
        if step.is_writer or step.status in ("failed", "skipped", "not_started")
        else _FRAMES[step.storage]
    )
    given = "-" if _takes_nothing(step) else _rows(step.rows_in)
    made = "-" if step.status in ("skipped", "not_started") else _rows(step.rows_out)
    rows = f"{given} → {made}"
    took = "-" if step.status in ("skipped", "not_started") else format_duration(step.duration_s, "?")
    return one_line(step.id), one_line(step.driver or "?"), status, rows, took, frame


def _takes_nothing(step: StepState) -> bool:
    """Whether a step has no input to count: it needs none, or it was never run."""
    return step.status in ("skipped", "not_started") or not (step.needs or step.inputs)


def _rows(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"


def _edge(edge: Edge, run: Run) -> str:
    rows = "" if edge.rows_in is None else f"{pluralize(edge.rows_in, 'row')}, "
    name = f" as {one_line(edge.name)}" if edge.name else ""
    return f"{one_line(edge.producer)} ──{rows}{location_label(edge, run)}──▶ {one_line(edge.consumer)}{name}"


def _finding(finding: Finding, said: str) -> str:
    """A finding with where its evidence stands and what explains it: one line always, so that lines can be counted.

    An error that the header, which is ``said``, has told is not told again.
    """
    because = f", because of {finding.caused_by}" if finding.caused_by else ""
    known = "known " if finding.in_baseline else ""
    message = drop_repeated_error(one_line(finding.message), said)
    text = f"{known}{finding.severity} {finding.rule} {finding_scope(finding)}: {message} ({finding.evidence[0]}{because})"
    lead = f"{'    ' if finding.caused_by else '  '}{_GLYPHS[str(finding.severity)]} "
    return f"{lead}{truncate(one_line(text), LONGEST)}"


def _counts(report: Report) -> str:
    summary = summarize(report)
    steps = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in summary.steps.items())
    found = ", ".join(
        pluralize(count, severity)
        for severity in ("error", "warning", "note")
        if (count := summary.findings.get(severity, 0))
    )
    parts = [
        f"{pluralize(len(report.run.steps), 'step')} ({steps})" if steps else "no steps",
        found or "nothing found",
        pluralize(summary.events, "event"),
        pluralize(summary.unreadable_lines, "unreadable line") if summary.unreadable_lines else "",
        f"{pluralize(len(report.not_checked), 'rule')} not checked" if report.not_checked else "",
        f"{len(report.allowed)} allowed" if report.allowed else "",
    ]
    return " · ".join(filter(None, parts))


def _total(reports: Sequence[Report]) -> str:
    bad = sum(report.run.status in FAILED_STATUSES for report in reports)
    return f"{len(reports)} runs, {bad} of them did not succeed"


def _colored(line: str) -> str:
    """A line with the glyph that says how things are in its color."""
    for glyph, code in _COLORS.items():
        line = line.replace(f"{glyph} ", f"\x1b[{code}m{glyph}\x1b[0m ", 1)
    return line
