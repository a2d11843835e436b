import json
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.diagnosis.engine import builtin_rules
from osiris_inspect.inspector.diagnosis.evidence.error_text import error_texts
from osiris_inspect.inspector.diagnosis.rule_index import INDEX_FILE, indexed_rules
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.lineage import build_lineage
from tests.make_rule_index import index

SAMPLES = Path(__file__).parents[2] / "sample_logs"
BUILT = {rule.id: rule for rule in builtin_rules() if rule.group}


def test_index_is_current() -> None:
    assert index() == INDEX_FILE.read_text(encoding="utf-8"), "run python -m tests.make_rule_index"


def test_indexed_rule_declares_what_its_module_does() -> None:
    indexed = {rule.id: replace(rule, check=BUILT[rule.id].check) for rule in indexed_rules()}
    assert indexed == {name: replace(rule, rule_manual="") for name, rule in BUILT.items()}


@pytest.mark.parametrize("sample", ["good_local", "all_spilled", "empty_source"])
def test_rule_that_searches_errors_needs_some(sample: str) -> None:
    run = load(next((SAMPLES / sample).glob("run_*")))
    assert not any(error_texts(run)), "the run has errors"
    lineage = build_lineage(run)
    entries = json.loads(INDEX_FILE.read_bytes()).items()
    searching = [name.rpartition(".")[2].replace("_", "-") for name, entry in entries if "searches" in entry]
    assert len(searching) > 50
    assert {name: found for name in searching if (found := [*BUILT[name].check(run, lineage)])} == {}
