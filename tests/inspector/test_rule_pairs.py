"""Two rules that explain one error have a declared order: the cause, then the more general one."""

from itertools import combinations
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.engine import FALLBACK_RULE, builtin_order
from osiris_inspect.model.finding import Severity
from tests.inspector.making import CHAIN, failing_locally, run_dir
from tests.inspector.proofs import NEAR_VARIANTS, VARIANTS
from tests.inspector.test_rules import ERRORS
from tests.inspector.test_service_errors import EXAMPLES

TEXTS = sorted({text for _, text, *_ in (*ERRORS, *VARIANTS, *NEAR_VARIANTS, *EXAMPLES)})
WRAPPERS = (
    "{}",
    "Batch write failed after retry: {}",
    "Table creation failed: {}",
    "MySQL connection failed for step extract: {}",
)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_rules_for_one_error_have_an_order(tmp_path: Path, wrapper: str) -> None:
    order, unordered = builtin_order(), set()
    for number, text in enumerate(TEXTS):
        run = run_dir(tmp_path / str(number), failing_locally(wrapper.format(text)), steps=CHAIN)
        rules = {
            finding.rule
            for finding in analyze(run).findings
            if finding.severity is Severity.ERROR and finding.rule != FALLBACK_RULE
        }
        unordered |= {
            f"{first} and {second}: {text}"
            for first, second in combinations(sorted(rules), 2)
            if not order.precedes(first, second) and not order.precedes(second, first)
        }
    assert sorted(unordered) == []
