"""The text report: verdict, steps, lineage, and one line per finding."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from osiris_inspect.base.text.terminal_text import break_ci_commands
from osiris_inspect.inspector.export.shared.deduplicate import additional_text, drop_repeated_error
from osiris_inspect.inspector.project.source_location import SourceLocation, step_locations
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.summary import (
    captured_inputs,
    count_runs,
    finding_scope,
    location_label,
    summarize,
)
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.inspector.text.units import format_duration, pluralize
from osiris_inspect.inspector.text.wrap import wrap_labelled
from osiris_inspect.model.finding import Finding, Severity
from osiris_inspect.model.run_types import RunStatus

_GLYPHS = {
    "success": "✓",
    "succeeded": "✓",
    "reused": "↺",
    "failed": "✗",
    "compile_failed": "✗",
    "interrupted": "!",
    "truncated": "!",
    "unreadable": "!",
    "running": "~",
    "skipped": "⊘",
    "not_started": "·",
    "error": "✗",
    "warning": "!",
    "note": "i",
}
_COLORS = {"✓": "32", "↺": "32", "✗": "31", "!": "33", "~": "36"}
MAX_TEXT = 2000
"""Maximum characters of one message."""
_SHOWN_ABOVE = "(the text above)"
_MIN_PHASE_S = 1.0
"""Duration of the shortest phase that is listed."""
_MAX_EVIDENCE = 3
"""Pieces of evidence below the cause."""
_WIDE = 100
"""Columns from which names of steps and drivers are not cut."""
_FRAMES = {"memory": "memory", "spill": "spill", "none": "none", "unknown": "?"}


def render(
    reports: Sequence[Report], out: TextIO, *, width: int = 100, color: bool = False, **_ignored: object
) -> None:
    """Write every report; for several, their totals at the end."""
    statuses: list[RunStatus] = []
    for number, report in enumerate(reports):
        if number:
            out.write("\n")
        statuses.append(report.run.status)
        for line in map(break_ci_commands, _report(report, width)):
            out.write(f"{_colored(line) if color else line}\n")
    if len(reports) > 1:
        out.write(f"\n{count_runs(statuses)}\n")


def _report(report: Report, width: int) -> Iterator[str]:
    yield from _verdict(report, width)
    if captured := captured_inputs(report.run):
        yield from _labelled("inputs", captured, width)
    if phases := _long_phases(report.run):
        yield from _labelled("phases", ", ".join(phases), width)
    if report.run.steps:
        yield ""
        yield from _steps(report.run, width)
    if report.lineage.all_edges:
        yield ""
        for edge in report.lineage.all_edges:
            yield from wrap_labelled(_edge(edge, report.run), width, "  ")
    findings, root_cause = _without_repeats(report), report.root_cause
    listed = [finding for finding in findings if finding is not root_cause]
    if listed:
        yield ""
        yield from _findings(listed, report, width)
    yield ""
    yield f"  {_counts(report, findings)}"


def _long_phases(run: Run) -> list[str]:
    """Return the phases outside the steps that a reader would notice, with their share of the run."""
    in_steps = sum(step.duration_s or 0.0 for step in run.steps)
    if run.duration_s is not None and run.duration_s - in_steps < _MIN_PHASE_S:
        return []
    from osiris_inspect.inspector.run.timeline import run_timeline  # most runs pass in their steps

    timeline = run_timeline(run)
    return [
        phase.describe(timeline.length)
        for phase in timeline.phases
        if phase.seconds >= max(_MIN_PHASE_S, timeline.length / 10)
    ]


def _verdict(report: Report, width: int) -> Iterator[str]:
    run, cause = report.run, report.root_cause
    details = [summarize(report).headline, run.mode or "", format_duration(run.duration_s, "?")]
    head = f"{one_line(run.id)}  {one_line(run.pipeline or '')}  {', '.join(filter(None, details))}"
    yield from wrap_labelled(head, width, f"{_GLYPHS[run.status]} ")
    if run.parent is not None:
        yield from _labelled("origin", str(run.parent), width)
    if cause is None:
        return
    yield from _labelled(
        "cause",
        f"{finding_scope(cause)}: {cause.message}  [{cause.rule}, {cause.confidence}{', known' if cause.in_baseline else ''}]",
        width,
    )
    cause_text = _cause_text(report)
    for piece in cause.evidence[:_MAX_EVIDENCE]:
        quote = additional_text(piece.quote, cause_text) or _SHOWN_ABOVE
        yield from _labelled("", f"{piece}  {quote}", width)
    if cause.fix:
        yield from _labelled("fix", cause.fix, width)
    place = _place(cause, step_locations(run))
    if place:
        yield from _labelled("at", place, width)


def _place(finding: Finding, locations: Mapping[str | None, SourceLocation]) -> str:
    """Return file and line of the finding in the pipeline file; empty if the run has no plan."""
    source = locations.get(finding.step) or locations.get(None)
    if source is None:
        return ""
    return f"{source.file}:{source.line}" if source.line else source.file


def _cause_text(report: Report) -> str:
    return one_line(report.root_cause.message) if report.root_cause is not None else ""


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    """Yield a label and its text, wrapped below itself."""
    yield from wrap_labelled(truncate(one_line(text), MAX_TEXT), width, f"  {label:<6} ")


def _steps(run: Run, width: int) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        ("step", "driver", "status", "rows in → out", "time", "frame"),
        *(_step(step) for step in run.steps),
    ]
    limits: tuple[int, ...] = (
        (60, 40, 14, 32, 14, 8)
        if width >= _WIDE
        else (max(16, width // 4), max(14, width // 5), 14, 24, 12, 8)
    )
    if any(step.retries for step in run.steps):
        attempts = ("attempts", *(f"{step.retries + 1}" if step.retries else "" for step in run.steps))
        rows = [(*row, cell) for row, cell in zip(rows, attempts, strict=True)]
        limits = (*limits, 8)
    if any(step.nodes for step in run.steps):
        rows = [
            (*row, cell)
            for row, cell in zip(
                rows, ("machine", *(one_line(step.node or "") for step in run.steps)), strict=True
            )
        ]
        limits = (*limits, 16)
    widths = [min(limit, max(len(row[column]) for row in rows)) for column, limit in enumerate(limits)]
    for row in rows:
        cells = (truncate(cell, size).ljust(size) for cell, size in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _step(step: StepState) -> tuple[str, ...]:
    status = f"{_GLYPHS[step.status]} {'waiting' if step.is_waiting else step.status.replace('_', ' ')}"
    frame = (
        "-"
        if step.is_writer or step.status in ("failed", "interrupted", "skipped", "not_started")
        else _FRAMES[step.storage]
    )
    did_run = step.status not in ("skipped", "not_started")
    rows_in = (
        _rows(step.rows_in) if did_run and step.status != "reused" and (step.needs or step.inputs) else "-"
    )
    rows = f"{rows_in} → {_rows(step.rows_out) if did_run else '-'}"
    time = format_duration(step.duration_s, "?") if did_run and step.status != "reused" else "-"
    return one_line(step.id), one_line(step.driver or "?"), status, rows, time, frame


def _rows(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"


def _edge(edge: Edge, run: Run) -> str:
    rows = "" if edge.rows_in is None else f"{pluralize(edge.rows_in, 'row')}, "
    name = f" as {one_line(edge.name)}" if edge.name else ""
    if edge.location == "order":
        return f"{one_line(edge.producer)} ┄┄{location_label(edge, run)}┄┄▶ {one_line(edge.consumer)}"
    return f"{one_line(edge.producer)} ──{rows}{location_label(edge, run)}──▶ {one_line(edge.consumer)}{name}"


def _findings(findings: Sequence[Finding], report: Report, width: int) -> Iterator[str]:
    """Yield each finding on one line, with its fix below; steps with the same finding share a line."""
    cause_text, locations = _cause_text(report), step_locations(report.run)
    scopes: dict[tuple[object, ...], list[str]] = {}
    for finding in findings:
        scopes.setdefault(_same(finding), []).append(finding_scope(finding))
    for finding in findings:
        steps = scopes.pop(_same(finding), None)
        if steps is not None:
            yield _finding(finding, ", ".join(steps), cause_text, _place(finding, locations))
            if finding.fix and not finding.caused_by and finding.severity != Severity.NOTE:
                yield from wrap_labelled(truncate(one_line(finding.fix), MAX_TEXT), width, "      fix  ")


def _without_repeats(report: Report) -> list[Finding]:
    """Return the findings without those about the same step and line as the finding that explains them."""
    by_id = {finding.id: finding for finding in reversed(report.findings)}
    return [
        finding
        for finding in report.findings
        if finding.caused_by is None or not _is_same_place(finding, by_id.get(finding.caused_by))
    ]


def _is_same_place(finding: Finding, cause: Finding | None) -> bool:
    if cause is None or cause.step != finding.step:
        return False
    return str(cause.evidence[0]) == str(finding.evidence[0])


def _same(finding: Finding) -> tuple[object, ...]:
    """Return what findings of several steps have in common if they state one fact."""
    message = finding.message.replace(finding.step, "") if finding.step else finding.message
    return finding.rule, finding.severity, finding.in_baseline, finding.caused_by, finding.fix, message


def _finding(finding: Finding, scope: str, cause_text: str, position: str) -> str:
    """Return a finding on one line, without an error text that ``cause_text`` already shows."""
    because = f"because of {finding.caused_by}" if finding.caused_by else ""
    known = "known " if finding.in_baseline else ""
    message = drop_repeated_error(one_line(finding.message), cause_text)
    sources = ", ".join(filter(None, (str(finding.evidence[0]), position, because)))
    text = f"{known}{finding.severity} {finding.rule} {scope}: {message} ({sources})"
    lead = f"{'    ' if finding.caused_by else '  '}{_GLYPHS[str(finding.severity)]} "
    return f"{lead}{truncate(one_line(text), MAX_TEXT)}"


def _left_out(run: Run) -> str:
    """Return the number of steps of the pipeline that the run did not select; empty if it selected all."""
    selection = run.manifest.other_keys.get("selection") if run.manifest else None
    left_out = selection.get("left_out") if isinstance(selection, Mapping) else None
    return f"{len(left_out)} left out" if isinstance(left_out, list) and left_out else ""


def _counts(report: Report, listed: Sequence[Finding]) -> str:
    summary = summarize(report)
    checks = summary.checks_passed + summary.checks_failed
    skipped = len(report.skipped_rules_that_matter)
    shown = Counter(str(finding.severity) for finding in listed)
    steps = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in summary.steps.items())
    findings = ", ".join(
        pluralize(count, severity) for severity in ("error", "warning", "note") if (count := shown[severity])
    )
    parts = [
        f"{pluralize(len(report.run.steps), 'step')} ({steps})" if steps else "no steps",
        _left_out(report.run),
        f"{pluralize(checks, 'check')} ({summary.checks_failed} failed)" if checks else "",
        findings or "no problems found",
        pluralize(summary.events, "event"),
        pluralize(summary.unreadable_lines, "unreadable line") if summary.unreadable_lines else "",
        f"{pluralize(skipped, 'rule')} skipped (not enough data)" if skipped else "",
        f"{len(report.allowed)} suppressed" if report.allowed else "",
    ]
    return " · ".join(filter(None, parts))


def _colored(line: str) -> str:
    """Return a line with its first status symbol in color."""
    for glyph, code in _COLORS.items():
        line = line.replace(f"{glyph} ", f"\x1b[{code}m{glyph}\x1b[0m ", 1)
    return line
