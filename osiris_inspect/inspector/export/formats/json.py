"""JSON for programs. The schema is stable: keys are added, never renamed; what is not known is null, never guessed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from osiris_inspect.inspector.export import NO_JOB, Job
from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.project.source_location import Source, sources_of
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import whole
from osiris_inspect.model.finding import Finding, fingerprint

SCHEMA_VERSION = 1


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    job: Job = NO_JOB,
) -> None:
    """Write one JSON document with every report."""
    del width, color, job  # for formats that people or a CI system read
    json.dump(document(reports), out, indent=2, allow_nan=False)
    out.write("\n")


def document(reports: Sequence[Report]) -> dict[str, Any]:
    """The document, as plain values."""
    return {"schema_version": SCHEMA_VERSION, "runs": [_run(report) for report in reports]}


def _run(report: Report) -> dict[str, Any]:
    run, sources = report.run, sources_of(report.run)
    return {
        "path": whole(mirrors.shown(run.path)),
        "run": whole(run.id),
        "pipeline": _text(run.pipeline),
        "mode": run.mode,
        "dialect": run.dialect,
        "status": run.status,
        "finished": run.finished,
        "duration_s": run.duration_s,
        "root_cause": _cause(report.root_cause),
        "steps": [_step(step) for step in run.steps],
        "findings": [_finding(finding, run, sources) for finding in report.findings],
        "not_checked": [{"rule": entry.rule, "reason": whole(entry.reason)} for entry in report.not_checked],
        "unreadable_lines": sum(entry.count for entry in run.unread),
        "unread": [
            {"file": whole(entry.file), "line": entry.line or None, "reason": whole(entry.reason)}
            for entry in run.unread
        ],
    }


def _cause(cause: Finding | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    return {
        "stage": cause.stage,
        "step": _text(cause.step),
        "rule": cause.rule,
        "message": whole(cause.message),
    }


def _step(step: StepState) -> dict[str, Any]:
    return {
        "id": whole(step.id),
        "driver": _text(step.driver),
        "status": step.status,
        "rows_in": step.rows_in,
        "rows_out": step.rows_out,
        "rows_out_from": step.rows_out_from,
        "duration_s": step.duration_s,
        "storage": step.storage,
        "inputs": [
            {
                "name": whole(entry.name),
                "from_step": _text(entry.from_step),
                "from": entry.place,
                "rows": entry.rows,
            }
            for entry in step.inputs
        ],
        "because": _text(step.because),
        "error": _text(step.failure.message) if step.failure else None,
    }


def _finding(finding: Finding, run: Run, sources: Mapping[str | None, Source]) -> dict[str, Any]:
    source = sources.get(finding.step) or sources.get(None)
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "domain": finding.domain,
        "stage": finding.stage,
        "step": _text(finding.step),
        "message": whole(finding.message),
        "because": _text(finding.because),
        "fix": _text(finding.fix),
        "evidence": [
            {"file": whole(piece.file), "line": piece.line, "quote": whole(piece.quote)}
            for piece in finding.evidence
        ],
        "source": {"file": whole(source.file), "line": source.line or None} if source is not None else None,
        "fingerprint": fingerprint(finding, run.pipeline),
        "known": finding.known,
    }


def _text(text: str | None) -> str | None:
    return None if text is None else whole(text)
