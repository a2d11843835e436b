"""Each rule is proved from both sides: a run that must hit, and one that comes near and must not."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.engine import builtin_rules
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from tests.inspector.proofs import Proof, hits, near_misses

IDS = {rule.id for rule in builtin_rules() if rule.group} - {"reported-error"}
HITS, NEAR_MISSES = tuple(hits()), tuple(near_misses())


@pytest.fixture(autouse=True)
def _words_hide_no_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search each text that is left out for its lack of words."""

    def has_word(pattern: LazyRegex, text: str) -> bool:
        has_one = has_required_word(pattern, text)
        assert has_one or _compiled(pattern.text, pattern.flags).search(text) is None, pattern.text
        return has_one

    has_required_word = LazyRegex.has_required_word
    monkeypatch.setattr(LazyRegex, "has_required_word", has_word)
    monkeypatch.setattr(LazyRegex, "is_compiled", False)  # check all texts, also after the first match


_compiled = cache(re.compile)


def found(told: Report) -> set[str]:
    return {finding.rule for finding in told.findings}


@pytest.mark.parametrize("proof", HITS, ids=str)
def test_run_that_must_hit_does(tmp_path: Path, proof: Proof) -> None:
    told = analyze(proof.make(tmp_path))
    assert proof.rule in found(told)
    _quotes_stand_in_their_lines(told)


@pytest.mark.parametrize("proof", NEAR_MISSES, ids=str)
def test_run_that_comes_near_does_not(tmp_path: Path, proof: Proof) -> None:
    assert proof.rule not in found(analyze(proof.make(tmp_path)))


@pytest.mark.parametrize("proofs", [HITS, NEAR_MISSES], ids=["hits", "near misses"])
def test_every_rule_has_its_runs(proofs: tuple[Proof, ...]) -> None:
    counted = Counter(proof.rule for proof in proofs)
    assert sorted(IDS - counted.keys()) == []
    assert sorted(counted.keys() - IDS) == []


def _quotes_stand_in_their_lines(told: Report) -> None:
    for finding in told.findings:
        for piece in finding.evidence:
            line = (told.run.path / piece.file).read_bytes().split(b"\n")[piece.line - 1]
            assert piece.quote, finding.id
            assert piece.quote in line.decode("utf-8", "replace"), str(piece)
