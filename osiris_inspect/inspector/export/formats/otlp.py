"""OpenTelemetry traces as OTLP JSON: trace = run, span = step, link = frame, span event = finding.

As OTLP JSON requires, ids are hexadecimal and 64-bit integers are strings. The document can be sent to ``/v1/traces`` of a
collector.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

from osiris_inspect.inspector.export.shared.group_by_step import edges_by_consumer, findings_by_step
from osiris_inspect.inspector.export.shared.spans import RunSpans, Span, run_spans, stable_id
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepFailure
from osiris_inspect.inspector.run.summary import INCOMPLETE_STATUSES
from osiris_inspect.inspector.text.sanitize import masked_text
from osiris_inspect.model.finding import Finding
from osiris_inspect.model.version import __version__

INTERNAL: Final = 1
OK: Final = 1
ERROR: Final = 2


def render(reports: Sequence[Report], out: TextIO, **_ignored: object) -> None:
    """Write one document with the trace of every run."""
    json.dump({"resourceSpans": [_resource(report) for report in reports]}, out, indent=2)
    out.write("\n")


def _resource(report: Report) -> dict[str, Any]:
    run, times = report.run, run_spans(report.run)
    findings, edges = findings_by_step(report), edges_by_consumer(report)
    about = {"service.name": run.pipeline or "osiris", "osiris.run": run.id, "osiris.mode": run.mode}
    scope = {"name": "osiris-inspect", "version": __version__}
    begun = times.spans.keys()
    spans = [
        _root(
            report,
            times,
            [finding for step, group in findings.items() if step not in begun for finding in group],
        )
    ]
    for step, span in times.spans.items():
        links = [_link(run, edge) for edge in edges.get(step, ()) if edge.producer in begun]
        spans.append({**_step(run, span, findings.get(step, ())), "links": links})
    return {"resource": {"attributes": _attributes(about)}, "scopeSpans": [{"scope": scope, "spans": spans}]}


def _root(report: Report, times: RunSpans, findings: Sequence[Finding]) -> dict[str, Any]:
    run, cause = report.run, report.root_cause
    return {
        **_identified(run, None),
        **_named(run.pipeline or run.id, times.start, times.end),
        "attributes": _attributes({"osiris.status": run.status, "osiris.dialect": run.dialect}),
        "events": _events(findings, run.failure, times.end),
        "status": _status(
            failed=run.status in INCOMPLETE_STATUSES,
            message=cause.message if cause is not None else _interrupt_message(run),
        ),
    }


def _step(run: Run, span: Span, findings: Sequence[Finding]) -> dict[str, Any]:
    step = span.step
    about = {
        "osiris.step": step.id,
        "osiris.driver": step.driver,
        "osiris.status": step.status,
        "osiris.rows_in": step.rows_in,
        "osiris.rows_out": step.rows_out,
        "osiris.storage": step.storage,
    }
    message = step.failure.message if step.failure is not None else None
    return {
        **_identified(run, step.id),
        "parentSpanId": _span_id(run, None),
        **_named(step.id, span.start, span.end),
        "attributes": _attributes(about),
        "events": _events(findings, step.failure, span.end),
        "status": _status(failed=step.status in ("failed", "interrupted"), message=message),
    }


def _interrupt_message(run: Run) -> str | None:
    return run.failure.message if run.status == "interrupted" and run.failure is not None else None


def _named(name: str, start: float, end: float) -> dict[str, Any]:
    return {
        "name": masked_text(name),
        "kind": INTERNAL,
        "startTimeUnixNano": _ns(start),
        "endTimeUnixNano": _ns(end),
    }


def _events(findings: Sequence[Finding], failure: StepFailure | None, at: float) -> list[dict[str, Any]]:
    events = [_finding(finding, at) for finding in findings]
    return [*events, _exception(failure, at)] if failure is not None else events


def _link(run: Run, edge: Edge) -> dict[str, Any]:
    about = {"osiris.input": edge.name, "osiris.rows": edge.rows_in, "osiris.place": edge.location}
    return {**_identified(run, edge.producer), "attributes": _attributes(about)}


def _finding(finding: Finding, at: float) -> dict[str, Any]:
    about = {
        "osiris.rule": finding.rule,
        "osiris.severity": str(finding.severity),
        "osiris.confidence": str(finding.confidence),
        "osiris.message": finding.message,
        "osiris.evidence": str(finding.evidence[0]),
        "osiris.because": finding.caused_by,
        "osiris.fix": finding.fix,
    }
    return {"timeUnixNano": _ns(at), "name": "osiris.finding", "attributes": _attributes(about)}


def _exception(failure: StepFailure, at: float) -> dict[str, Any]:
    about = {
        "exception.type": failure.type or "Exception",
        "exception.message": failure.message,
        "exception.stacktrace": failure.traceback,
    }
    return {"timeUnixNano": _ns(at), "name": "exception", "attributes": _attributes(about)}


def _status(*, failed: bool, message: str | None) -> dict[str, Any]:
    if not failed:
        return {"code": OK}
    return {"code": ERROR, "message": masked_text(message)} if message else {"code": ERROR}


def _attributes(values: Mapping[str, str | int | None]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: str | int) -> dict[str, str]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": masked_text(value)}


def _identified(run: Run, step: str | None) -> dict[str, str]:
    return {"traceId": stable_id(run).hex, "spanId": _span_id(run, step)}


def _span_id(run: Run, step: str | None) -> str:
    return stable_id(run, step).hex[:16]


def _ns(seconds: float) -> str:
    return str(round(seconds * 1_000_000) * 1000)
