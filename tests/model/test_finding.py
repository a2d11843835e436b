import pytest

from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity


def test_claim_without_evidence_is_not_made() -> None:
    with pytest.raises(ValueError, match="no evidence"):
        Finding("x", Severity.ERROR, Confidence.HIGH, "code", "m", ())


def test_address_names_rule_and_step() -> None:
    proof = (Evidence("events.jsonl", 3, "x"),)
    assert Finding("x", Severity.ERROR, Confidence.HIGH, "code", "m", proof, step="a").id == "x@a"
    assert Finding("x", Severity.ERROR, Confidence.HIGH, "code", "m", proof).id == "x"


def test_worst_and_surest_come_first() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [
        Severity.ERROR,
        Severity.WARNING,
        Severity.NOTE,
    ]
    assert sorted(Confidence, key=lambda confidence: confidence.rank)[0] == Confidence.HIGH
