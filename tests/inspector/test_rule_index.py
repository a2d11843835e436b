from pathlib import Path

import pytest

from osiris_inspect.inspector.diagnosis.engine import builtin_rules
from osiris_inspect.inspector.diagnosis.recorded_facts import RecordedFacts
from osiris_inspect.inspector.diagnosis.rule_index import INDEX_FILE, indexed_rules
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.lineage import build_lineage
from tests.make_rule_index import index

SAMPLES = Path(__file__).parents[2] / "sample_logs"
BUILT = {rule.id: rule for rule in builtin_rules() if rule.group}


def test_index_is_current() -> None:
    assert index() == INDEX_FILE.read_text(encoding="utf-8"), "run python -m tests.make_rule_index"


def test_indexed_rule_declares_what_its_module_does() -> None:
    indexed = {rule.id: rule._replace(check=BUILT[rule.id].check) for rule in indexed_rules()}
    assert indexed == {name: rule._replace(rule_manual="") for name, rule in BUILT.items()}


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir()))
def test_rule_finds_nothing_without_what_it_searches(sample: str) -> None:
    run = load(next((SAMPLES / sample).glob("run_*")))
    facts, lineage = RecordedFacts(run), build_lineage(run)
    not_applied = [rule for rule in BUILT.values() if not facts.has_any(rule.searches)]
    assert len(not_applied) > 30
    assert {rule.id: found for rule in not_applied if (found := [*rule.check(run, lineage)])} == {}


def test_error_is_searched_in_a_failed_run() -> None:
    run = load(next((SAMPLES / "missing_input").glob("run_*")))
    facts = RecordedFacts(run)
    assert facts.has_any(BUILT["column-missing"].searches)
    assert not facts.has_any(BUILT["left-join-drops-rows"].searches)
