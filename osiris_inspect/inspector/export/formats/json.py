"""The JSON report. Keys are added, never renamed; unknown values are null."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from osiris_inspect.base.check_results import CheckResult
from osiris_inspect.inspector.files.remote_registry import display_name
from osiris_inspect.inspector.project.source_location import SourceLocation, step_locations
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import CapturedInput, Run, RunParent, StepState
from osiris_inspect.inspector.text.sanitize import masked_text
from osiris_inspect.model.finding import Finding, fingerprint

SCHEMA_VERSION = 1


def render(reports: Sequence[Report], out: TextIO, **_ignored: object) -> None:
    """Write one JSON document with every report."""
    json.dump(document(reports), out, indent=2, allow_nan=False)
    out.write("\n")


def document(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the document as plain values."""
    return {"schema_version": SCHEMA_VERSION, "runs": [_run(report) for report in reports]}


def _run(report: Report) -> dict[str, Any]:
    run, sources = report.run, step_locations(report.run)
    return {
        "path": masked_text(display_name(run.path)),
        "run": masked_text(run.id),
        "pipeline": _text(run.pipeline),
        "mode": run.mode,
        "dialect": run.dialect,
        "status": run.status,
        "finished": run.finished,
        "duration_s": run.duration_s,
        "origin": _origin(run.parent),
        "root_cause": _cause(report.root_cause),
        "steps": [_step(step) for step in run.steps],
        "findings": [_finding(finding, run, sources) for finding in report.findings],
        "not_checked": [
            {"rule": entry.rule, "reason": masked_text(entry.reason)} for entry in report.not_checked
        ],
        "unreadable_lines": sum(entry.count for entry in run.unreadable),
        "unread": [
            {"file": masked_text(entry.file), "line": entry.line or None, "reason": masked_text(entry.reason)}
            for entry in run.unreadable
        ],
    }


def _origin(parent: RunParent | None) -> dict[str, Any] | None:
    if parent is None:
        return None
    return {"kind": parent.kind, "run": masked_text(parent.run), "step": _text(parent.step)}


def _cause(cause: Finding | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    return {
        "stage": cause.stage,
        "step": _text(cause.step),
        "rule": cause.rule,
        "message": masked_text(cause.message),
    }


def _step(step: StepState) -> dict[str, Any]:
    return {
        "id": masked_text(step.id),
        "driver": _text(step.driver),
        "status": step.status,
        "rows_in": step.rows_in,
        "rows_out": step.rows_out,
        "rows_out_from": step.rows_out_source,
        "duration_s": step.duration_s,
        "storage": step.storage,
        "inputs": [
            {
                "name": masked_text(entry.name),
                "from_step": _text(entry.from_step),
                "from": entry.location,
                "rows": entry.rows,
                **({"moved_bytes": entry.moved.bytes} if entry.moved else {}),
            }
            for entry in step.inputs
        ],
        "because": _text(step.skipped_because),
        **({"reused_from": _text(step.reused_from)} if step.reused_from else {}),
        "error": _text(step.failure.message) if step.failure else None,
        **({"captures": [_capture(entry) for entry in step.captures]} if step.captures else {}),
        **({"checks": [_check(entry.result) for entry in step.checks]} if step.checks else {}),
        **({"after": [masked_text(name) for name in step.after]} if step.after else {}),
        **({"attempts": step.retries + 1} if step.retries else {}),
        **({"machines": [masked_text(name) for name in step.nodes]} if step.nodes else {}),
    }


def _capture(entry: CapturedInput) -> dict[str, Any]:
    return {
        "input": masked_text(entry.name),
        "from_step": _text(entry.from_step),
        "path": _text(entry.path),
        "bytes": entry.bytes,
        "reason": _text(entry.reason),
    }


def _check(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.check,
        "columns": [masked_text(name) for name in result.columns],
        "rows": result.rows,
        "failed_rows": result.failed_rows,
        "status": "passed" if result.passed else "failed",
        "on_failure": result.on_failure,
    }


def _finding(finding: Finding, run: Run, sources: Mapping[str | None, SourceLocation]) -> dict[str, Any]:
    source = sources.get(finding.step) or sources.get(None)
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "domain": finding.domain,
        "stage": finding.stage,
        "step": _text(finding.step),
        "message": masked_text(finding.message),
        "because": _text(finding.caused_by),
        "fix": _text(finding.fix),
        "evidence": [
            {"file": masked_text(piece.file), "line": piece.line, "quote": masked_text(piece.quote)}
            for piece in finding.evidence
        ],
        "source": {"file": masked_text(source.file), "line": source.line or None}
        if source is not None
        else None,
        "fingerprint": fingerprint(finding, run.pipeline),
        "known": finding.in_baseline,
    }


def _text(text: str | None) -> str | None:
    return None if text is None else masked_text(text)
