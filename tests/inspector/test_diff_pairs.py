"""First divergence and cause of pairs of runs: those of tuning, and those that were kept away from it."""

from pathlib import Path

import pytest

from tests.inspector import diff_pairs_dev, diff_pairs_validation
from tests.inspector.diff_pairs import Pair, diff_of, judged

SETS = {"dev": diff_pairs_dev, "validation": diff_pairs_validation}
CASES = [(name, pair) for name, pairs in SETS.items() for pair in pairs.PAIRS]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("name", "pair"), CASES, ids=lambda entry: entry if isinstance(entry, str) else entry.name
)
def test_pair_has_first_divergence_and_cause(tmp_path: Path, name: str, pair: Pair) -> None:
    diff = diff_of(pair, SETS[name].PIPELINE, SETS[name].FILES, tmp_path)
    shown = [entry.difference.name for entry in diff.ranked[:5]], [step.step for step in diff.first]
    assert judged(pair, diff) == (True, True), shown


def test_pairs_are_of_every_kind_and_half_are_kept_away() -> None:
    assert len(diff_pairs_validation.PAIRS) >= 20
    assert len(CASES) >= 40
    assert len({pair.name for _, pair in CASES}) == len(CASES)
