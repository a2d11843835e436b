"""Text for people: the verdict first, then the steps, the lineage and one line a finding."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from osiris_inspect.inspector.export import NO_JOB, Job
from osiris_inspect.inspector.export.shared.deduplicate import beyond, without_end
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.summary import BAD, count_words, duration, place_of, place_words, summarize
from osiris_inspect.inspector.text.sanitize import cut, escape_ci_commands, plain
from osiris_inspect.inspector.text.wrap import wrapped
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
    job: Job = NO_JOB,
) -> None:
    """Write every report, and with several of them their number by status at the end."""
    del job  # for formats that a CI system reads
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
            yield from wrapped(_edge(edge, report.run), width, "  ")
    if report.findings:
        yield ""
        said = _said(report)
        yield from (_finding(finding, said) for finding in report.findings)
    yield ""
    yield f"  {_counts(report)}"


def _verdict(report: Report, width: int) -> Iterator[str]:
    run, cause = report.run, report.root_cause
    facts = [summarize(report).verdict, run.mode or "", duration(run.duration_s)]
    head = f"{plain(run.id)}  {plain(run.pipeline or '')}  {', '.join(filter(None, facts))}"
    yield from wrapped(head, width, f"{_GLYPHS[run.status]} ")
    if cause is None:
        return
    yield from _labelled(
        "cause", f"{place_of(cause)}: {cause.message}  [{cause.rule}, {cause.confidence}]", width
    )
    said = _said(report)
    for piece in cause.evidence[:_QUOTED]:
        yield from _labelled("", f"{piece}  {beyond(piece.quote, said)}", width)
    if cause.fix:
        yield from _labelled("fix", cause.fix, width)


def _said(report: Report) -> str:
    """What the header says of the cause."""
    return plain(report.root_cause.message) if report.root_cause is not None else ""


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    """A label and its text, which goes on below itself where it is too long for one line."""
    yield from wrapped(cut(plain(text), LONGEST), width, f"  {label:<6} ")


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
        cells = (cut(cell, size).ljust(size) for cell, size in zip(row, wide, strict=True))
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
    took = "-" if step.status in ("skipped", "not_started") else duration(step.duration_s)
    return plain(step.id), plain(step.driver or "?"), status, rows, took, frame


def _takes_nothing(step: StepState) -> bool:
    """Whether a step has no input to count: it needs none, or it was never run."""
    return step.status in ("skipped", "not_started") or not (step.needs or step.inputs)


def _rows(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"


def _edge(edge: Edge, run: Run) -> str:
    rows = "" if edge.rows_in is None else f"{count_words(edge.rows_in, 'row')}, "
    name = f" as {plain(edge.name)}" if edge.name else ""
    return f"{plain(edge.producer)} ──{rows}{place_words(edge, run)}──▶ {plain(edge.consumer)}{name}"


def _finding(finding: Finding, said: str) -> str:
    """A finding with where its evidence stands and what explains it: one line always, so that lines can be counted.

    An error that the header, which is ``said``, has told is not told again.
    """
    because = f", because of {finding.because}" if finding.because else ""
    known = "known " if finding.known else ""
    message = without_end(plain(finding.message), said)
    text = f"{known}{finding.severity} {finding.rule} {place_of(finding)}: {message} ({finding.evidence[0]}{because})"
    lead = f"{'    ' if finding.because else '  '}{_GLYPHS[str(finding.severity)]} "
    return f"{lead}{cut(plain(text), LONGEST)}"


def _counts(report: Report) -> str:
    summary = summarize(report)
    steps = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in summary.steps.items())
    found = ", ".join(
        count_words(count, severity)
        for severity in ("error", "warning", "note")
        if (count := summary.findings.get(severity, 0))
    )
    parts = [
        f"{count_words(len(report.run.steps), 'step')} ({steps})" if steps else "no steps",
        found or "nothing found",
        count_words(summary.events, "event"),
        count_words(summary.unreadable_lines, "unreadable line") if summary.unreadable_lines else "",
        f"{count_words(len(report.not_checked), 'rule')} not checked" if report.not_checked else "",
        f"{len(report.allowed)} allowed" if report.allowed else "",
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
