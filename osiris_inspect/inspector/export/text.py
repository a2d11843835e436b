"""Text for people: the verdict first, then the steps, the lineage and one line a finding."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TextIO

from osiris_inspect.inspector.export import NO_JOB, Job
from osiris_inspect.inspector.lineage import Edge
from osiris_inspect.inspector.plain import cut, plain
from osiris_inspect.inspector.report import Report
from osiris_inspect.inspector.run import Run, StepState
from osiris_inspect.inspector.summary import BAD, duration, place_of, summarize
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
LONGEST_FINDING = 400
_FRAMES = {"memory": "memory", "spill": "spill", "none": "neither", "unknown": "?"}


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    job: Job = NO_JOB,
) -> None:
    """Write every report, and with several of them their number by status at the end."""
    del job  # for formats that a CI system reads
    for number, report in enumerate(reports):
        if number:
            out.write("\n")
        for line in _report(report, width):
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
        yield from (f"  {_edge(edge, width - 2)}" for edge in report.lineage.edges)
    if report.findings:
        yield ""
        yield from (_finding(finding) for finding in report.findings)
    yield ""
    yield f"  {_counts(report)}"


def _verdict(report: Report, width: int) -> Iterator[str]:
    run, cause = report.run, report.root_cause
    facts = [summarize(report).verdict, run.mode or "", duration(run.duration_s)]
    head = f"{_GLYPHS[run.status]} {plain(run.id)}  {plain(run.pipeline or '')}  {', '.join(filter(None, facts))}"
    yield cut(head, max(width, 40))
    if cause is None:
        return
    yield from _labelled(
        "cause", f"{place_of(cause)}: {cause.message}  [{cause.rule}, {cause.confidence}]", width
    )
    for piece in cause.evidence[:3]:
        yield from _labelled("", f"{piece}  {piece.quote}", width)
    if cause.fix:
        yield from _labelled("fix", cause.fix, width)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    """A label and its text, which goes on below itself where it is too long for one line."""
    room = max(width - 9, 40)
    for line in wrap(cut(plain(text), 5 * room), room, break_on_hyphens=False) or [""]:
        yield f"  {label:<6} {line}".rstrip()
        label = ""


def _steps(run: Run, width: int) -> Iterator[str]:
    rows = [
        ("step", "driver", "status", "rows in → out", "time", "frame"),
        *(_step(step) for step in run.steps),
    ]
    limits = (max(16, width // 4), max(14, width // 5), 14, 24, 12, 8)
    wide = [
        min(limit, max(len(row[column]) for row in rows))
        for column, limit in zip(range(6), limits, strict=True)
    ]
    for row in rows:
        cells = (cut(cell, size).ljust(size) for cell, size in zip(row, wide, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _step(step: StepState) -> tuple[str, str, str, str, str, str]:
    status = f"{_GLYPHS[step.status]} {step.status.replace('_', ' ')}"
    frame = "-" if step.is_writer or step.status in ("skipped", "not_started") else _FRAMES[step.storage]
    rows = f"{_rows(step.rows_in)} → {_rows(step.rows_out)}"
    return plain(step.id), plain(step.driver or "?"), status, rows, duration(step.duration_s), frame


def _rows(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"


def _edge(edge: Edge, width: int) -> str:
    rows = "" if edge.rows_in is None else f"{edge.rows_in:,} row{'' if edge.rows_in == 1 else 's'}, "
    place = "not found" if edge.place == "unresolved" else edge.place
    name = f" as {plain(edge.name)}" if edge.name else ""
    return cut(f"{plain(edge.producer)} ──{rows}{place}──▶ {plain(edge.consumer)}{name}", max(width, 40))


def _finding(finding: Finding) -> str:
    """One line for a finding, whatever the width: who searches the output finds it whole."""
    indent = "    " if finding.because else "  "
    because = f", because of {finding.because}" if finding.because else ""
    known = "known " if finding.known else ""
    text = f"{known}{finding.severity} {finding.rule} {place_of(finding)}: {finding.message} ({finding.evidence[0]}{because})"
    return f"{indent}{_GLYPHS[str(finding.severity)]} {cut(plain(text), LONGEST_FINDING)}"


def _counts(report: Report) -> str:
    summary = summarize(report)
    steps = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in summary.steps.items())
    found = ", ".join(
        f"{count} {severity}{'' if count == 1 else 's'}"
        for severity in ("error", "warning", "note")
        if (count := summary.findings.get(severity, 0))
    )
    parts = [
        f"{len(report.run.steps)} steps ({steps})" if steps else "no steps",
        found or "nothing found",
        f"{summary.events:,} events",
        f"{summary.unreadable_lines:,} unreadable lines" if summary.unreadable_lines else "",
        f"{len(report.not_checked)} rules not checked" if report.not_checked else "",
    ]
    return " · ".join(filter(None, parts))


def _total(reports: Sequence[Report]) -> str:
    bad = sum(report.run.status in BAD for report in reports)
    return f"{len(reports)} runs, {bad} of them did not succeed"


def _colored(line: str) -> str:
    """A line with the glyph that says how things are in its color."""
    for glyph, code in _COLORS.items():
        line = line.replace(f"{glyph} ", f"\x1b[{code}m{glyph}\x1b[0m ", 1)
    return line
