"""Explanations as JSON. Keys are added, never renamed; unknown values are null."""

from typing import Any

from osiris_inspect.inspector.text.sanitize import masked_text
from osiris_inspect.inspector.why.input_trace import InputTrace, TraceStep
from osiris_inspect.inspector.why.step_explanation import StepExplanation
from osiris_inspect.model.finding import Evidence, Finding

SCHEMA_VERSION = 1


def document(why: StepExplanation) -> dict[str, Any]:
    """Return the explanation as plain values, secrets masked."""
    return {
        "schema_version": SCHEMA_VERSION,
        "step": masked_text(why.step.id),
        "status": why.step.status,
        "verdict": masked_text(why.verdict),
        "inputs": [_way(way) for way in why.input_traces],
        "more_inputs": why.more_inputs,
        "then": [_turn(turn) for turn in why.output_trace],
        "causes": [_finding(finding) for finding in why.causes],
        "consequences": [masked_text(step) for step in why.consequences],
    }


def _way(way: InputTrace) -> dict[str, Any]:
    return {
        "name": masked_text(way.name) or None,
        "from_step": None if way.from_step is None else masked_text(way.from_step),
        "from": way.place,
        "walk": [_turn(turn) for turn in way.trace_steps],
    }


def _turn(turn: TraceStep) -> dict[str, Any]:
    return {
        "at": masked_text(turn.name),
        "outcome": turn.result or None,
        "text": masked_text(turn.text),
        "evidence": [_evidence(piece) for piece in turn.evidence],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "step": None if finding.step is None else masked_text(finding.step),
        "message": masked_text(finding.message),
        "fix": None if finding.fix is None else masked_text(finding.fix),
        "because": None if finding.caused_by is None else masked_text(finding.caused_by),
        "evidence": [_evidence(piece) for piece in finding.evidence],
    }


def _evidence(piece: Evidence) -> dict[str, Any]:
    return {"file": masked_text(piece.file), "line": piece.line, "quote": masked_text(piece.quote)}
