"""One self-contained HTML file: verdict, cause, lineage, timeline, steps, findings, events of the failing step.

It has no scripts, and its policy forbids loading anything, so log text cannot act.
"""

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.lineage import build_diagram
from osiris_inspect.inspector.export.pictures import svg
from osiris_inspect.inspector.export.pictures.lineage import lineage_picture
from osiris_inspect.inspector.export.pictures.timeline import timeline_picture
from osiris_inspect.inspector.export.shared.annotations import log_position
from osiris_inspect.inspector.export.shared.html_style import STYLE
from osiris_inspect.inspector.export.shared.spans import run_spans
from osiris_inspect.inspector.project.source_location import (
    RepositoryCheckout,
    SourceLocation,
    step_locations,
)
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.run.summary import (
    INCOMPLETE_STATUSES,
    captured_inputs,
    count_runs,
    finding_scope,
    summarize,
)
from osiris_inspect.inspector.text.event_fields import masked_fields
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.inspector.text.units import format_duration
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Evidence, Finding

MAX_FINDINGS: Final = 300
MAX_STEPS: Final = 500
MAX_EVENTS: Final = 200
MAX_TEXT: Final = 600
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write one document with a section per run, failed runs first."""
    ordered = sorted(reports, key=lambda report: report.run.status not in INCOMPLETE_STATUSES)
    out.writelines(f"{line}\n" for line in _document(ordered, ci.checkout))


def _document(reports: Sequence[Report], checkout: RepositoryCheckout) -> Iterator[str]:
    title = f"{_text(reports[0].run.id)}" if len(reports) == 1 else f"{len(reports)} runs"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>osiris-inspect: {title}</title>"
    yield f"<style>{STYLE}</style>\n</head>\n<body>"
    if len(reports) > 1:
        yield from _table_of_contents(reports)
    for number, report in enumerate(reports, start=1):
        yield from _run(report, number, checkout)
    yield "</body>\n</html>"


def _table_of_contents(reports: Sequence[Report]) -> Iterator[str]:
    yield f"<h1>{count_runs([report.run.status for report in reports])}</h1>\n<ul>"
    for number, report in enumerate(reports, start=1):
        title = f"{_text(report.run.id)} {_text(report.run.pipeline or '')}: {summarize(report).headline}"
        yield f'<li><a href="#run{number}">{title}</a></li>'
    yield "</ul>"


def _run(report: Report, number: int, checkout: RepositoryCheckout) -> Iterator[str]:
    run = report.run
    yield f'<section class="run {run.status}" id="run{number}">'
    yield from _verdict(report, checkout)
    if run.steps:
        yield from _drawing(
            "Lineage", svg.element(lineage_picture(build_diagram(report)), f"lineage{number}")
        )
        yield from _drawing("Timeline", svg.element(timeline_picture(run), f"timeline{number}"))
    yield from _steps(run.steps)
    yield from _findings(report, checkout)
    yield from _failing_step(report)
    yield from _not_checked(report)
    yield "</section>"


def _verdict(report: Report, checkout: RepositoryCheckout) -> Iterator[str]:
    run, cause, summary = report.run, report.root_cause, summarize(report)
    rows = f"{summary.rows:,} row{'' if summary.rows == 1 else 's'}" if summary.rows is not None else ""
    details = filter(
        None, (run.mode, format_duration(run.duration_s, "?"), rows, f"{summary.events:,} events")
    )
    yield f'<h1>{_code(run.pipeline or run.id)} <span class="verdict">{summary.headline}</span></h1>'
    yield f'<p class="faint">{_code(run.id)} · {" · ".join(details)}</p>'
    if run.parent is not None:
        yield f'<p class="faint">{_text(str(run.parent))}</p>'
    if cause is None:
        return
    text = f"<b>{_code(finding_scope(cause))}</b> {_text(cause.message)}"
    yield f'<div class="cause"><p>{text} <span class="faint">({cause.rule}, {cause.confidence})</span></p>'
    yield from (f"<p>{_evidence(report, piece, checkout)}</p>" for piece in cause.evidence[:3])
    if cause.fix:
        yield f"<p>Fix: {_text(cause.fix)}</p>"
    if captured := captured_inputs(run):
        yield f"<p>Inputs: {_text(captured)}</p>"
    yield "</div>"


def _drawing(title: str, element: str) -> Iterator[str]:
    yield f'<h2>{title}</h2>\n<div class="wide">\n{element}\n</div>'


def _steps(steps: Sequence[StepState]) -> Iterator[str]:
    if not steps:
        return
    yield '<h2>Steps</h2>\n<div class="wide"><table>'
    yield (
        '<tr><th>step</th><th>driver</th><th>status</th><th class="number">rows in</th>'
        '<th class="number">rows out</th><th class="number">time</th><th>frame</th></tr>'
    )
    yield from map(_step, steps[:MAX_STEPS])
    yield "</table></div>"
    yield from _more(len(steps) - MAX_STEPS, "steps")


def _step(step: StepState) -> str:
    status = f'<b class="{step.status}">{step.status.replace("_", " ")}</b>'
    because = (
        f' <span class="faint">because of {_text(step.skipped_because, 80)}</span>'
        if step.skipped_because
        else f' <span class="faint">of {_text(step.reused_from, 80)}</span>'
        if step.reused_from
        else ""
    )
    attempts = f' <span class="faint">(attempt {step.retries + 1})</span>' if step.retries else ""
    frame = "" if step.is_writer or step.storage == "unknown" else step.storage
    numbers = (_rows(step.rows_in), _rows(step.rows_out), format_duration(step.duration_s, "?"))
    return (
        f"<tr><td>{_text(step.id, 120)}</td><td>{_text(step.driver or '?', 120)}</td><td>{status}{attempts}{because}</td>"
        + "".join(f'<td class="number">{number}</td>' for number in numbers)
        + f"<td>{frame}</td></tr>"
    )


def _findings(report: Report, checkout: RepositoryCheckout) -> Iterator[str]:
    yield "<h2>Findings</h2>"
    if not report.findings:
        yield "<p>No problems found.</p>"
    sources = step_locations(report.run)
    for finding in report.findings[:MAX_FINDINGS]:
        yield from _finding(report, finding, sources.get(finding.step), checkout)
    yield from _more(len(report.findings) - MAX_FINDINGS, "findings")


def _finding(
    report: Report, finding: Finding, source: SourceLocation | None, checkout: RepositoryCheckout
) -> Iterator[str]:
    kind = ' class="because"' if finding.caused_by else " open"
    known = "known " if finding.in_baseline else ""
    yield (
        f'<details{kind}><summary><b class="{finding.severity}">{known}{finding.severity}</b> '
        f"<b>{finding.rule}</b> {_code(finding_scope(finding))} {_text(finding.message)}</summary>\n<ul>"
    )
    file = checkout.repo_path(source.file) if source is not None else None
    if source is not None and file is not None:
        yield f"<li>defined at {_code(f'{file}:{source.line}' if source.line else file)}</li>"
    if finding.caused_by:
        yield f"<li>because of {_code(finding.caused_by)}</li>"
    yield from (f"<li>{_evidence(report, piece, checkout)}</li>" for piece in finding.evidence)
    if finding.fix:
        yield f"<li>Fix: {_text(finding.fix)}</li>"
    yield "</ul></details>"


def _failing_step(report: Report) -> Iterator[str]:
    cause = report.root_cause
    events = [event for event in report.run.key_events if cause is not None and event.step == cause.step]
    if cause is None or cause.step is None or not events:
        return
    yield f"<h2>Events of {_code(cause.step)}</h2>"
    if len(events) > MAX_EVENTS:
        repeated = (
            " Repeated events of a long log are omitted."
            if report.run.key_events is not report.run.events
            else ""
        )
        yield f'<p class="faint">The last {MAX_EVENTS} of {len(events):,}.{repeated}</p>'
    start = run_spans(report.run).start
    yield '<div class="wide"><table><tr><th class="number">line</th><th class="number">after</th>'
    yield "<th>event</th><th>fields</th></tr>"
    yield from (_event(event, start) for event in events[-MAX_EVENTS:])
    yield "</table></div>"


def _event(event: Event, start: float) -> str:
    after = format_duration(max(0.0, event.ts - start)) if event.ts is not None else "?"
    fields = " ".join(f"{key}={_value(value)}" for key, value in masked_fields(event).items())
    return (
        f'<tr><td class="number">{event.line}</td><td class="number">{after}</td>'
        f'<td>{_text(event.name, 80)}</td><td class="fields">{_text(fields)}</td></tr>'
    )


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _not_checked(report: Report) -> Iterator[str]:
    if report.not_checked:
        yield f"<details><summary>{len(report.not_checked)} rules were skipped (not enough data)</summary>\n<ul>"
        yield from (f"<li>{_code(entry.rule)} {_text(entry.reason)}</li>" for entry in report.not_checked)
        yield "</ul></details>"


def _evidence(report: Report, piece: Evidence, checkout: RepositoryCheckout) -> str:
    position = str(log_position(report, piece, checkout))
    return f'<code class="faint">{_text(position)}</code> {_code(piece.quote)}'


def _more(count: int, noun: str) -> Iterator[str]:
    if count > 0:
        yield f'<p class="faint">{count:,} more {noun} are omitted.</p>'


def _rows(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _text(text: str, limit: int = MAX_TEXT) -> str:
    return escape(truncate(one_line(text), limit))
