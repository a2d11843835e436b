"""The accuracy of the diagnosis over every generated case, printed: ``pytest -m bench -s tests/bench/test_bench_accuracy.py``."""

from pathlib import Path

import pytest

from tests.inspector.accuracy import lines, measure, runs_of_generated
from tests.inspector.generated import cases

pytestmark = pytest.mark.bench


def test_guilty_step_is_found_in_95_of_100_of_all_cases(tmp_path: Path) -> None:
    found = measure(runs_of_generated(tmp_path, len(list(cases()))))
    print("\n".join(lines("every generated case", found)))
    assert found.step_right >= 0.95 * found.failed, found.misses
    assert found.confidently_wrong <= 0.01 * found.failed, found.misses
