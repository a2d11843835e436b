"""An answer for programs. Keys are added, never renamed; what is not known is null."""

from typing import Any

from osiris_inspect.inspector.text.sanitize import whole
from osiris_inspect.inspector.why.input_trace import Turn, Way
from osiris_inspect.inspector.why.step_explanation import Why
from osiris_inspect.model.finding import Evidence, Finding

SCHEMA_VERSION = 1


def document(why: Why) -> dict[str, Any]:
    """The answer as plain values, secrets masked."""
    return {
        "schema_version": SCHEMA_VERSION,
        "step": whole(why.step.id),
        "status": why.step.status,
        "verdict": whole(why.verdict),
        "inputs": [_way(way) for way in why.ways],
        "then": [_turn(turn) for turn in why.turns],
        "causes": [_finding(finding) for finding in why.causes],
        "consequences": [whole(step) for step in why.consequences],
    }


def _way(way: Way) -> dict[str, Any]:
    return {
        "name": whole(way.name) or None,
        "from_step": None if way.from_step is None else whole(way.from_step),
        "from": way.place,
        "walk": [_turn(turn) for turn in way.turns],
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "at": whole(turn.name),
        "outcome": turn.outcome or None,
        "text": whole(turn.text),
        "evidence": [_evidence(piece) for piece in turn.evidence],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "step": None if finding.step is None else whole(finding.step),
        "message": whole(finding.message),
        "fix": None if finding.fix is None else whole(finding.fix),
        "because": None if finding.because is None else whole(finding.because),
        "evidence": [_evidence(piece) for piece in finding.evidence],
    }


def _evidence(piece: Evidence) -> dict[str, Any]:
    return {"file": whole(piece.file), "line": piece.line, "quote": whole(piece.quote)}
