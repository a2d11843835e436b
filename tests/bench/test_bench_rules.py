"""What the rules cost over a long log, beside the index it needs in any case. ``pytest -m bench -s tests/bench/test_bench_rules.py``.

CPU time of the process, user and system; the parts of one report follow each other in one process, each round in a
process of its own. ``OSIRIS_BENCH_EVENTS`` sets the number of events (10,000,000).
"""

from pathlib import Path

import pytest

from tests.bench.test_bench_reading import ROUNDS, measured, medians
from tests.bench.test_bench_reading import log as _log

pytestmark = pytest.mark.bench
log = _log


def test_rules_over_a_long_log(log: Path, tmp_path: Path) -> None:
    rounds = {"all": [measured("rules", log, tmp_path / str(number)) for number in range(ROUNDS)]}
    index, loaded, spent = (medians(rounds, key)["all"] for key in ("index", "load", "rules"))
    asked, findings = rounds["all"][0]["asked"], rounds["all"][0]["findings"]
    assert asked > 50
    print(
        f"\nindex {index:.2f} s, whole reading {loaded:.2f} s, {asked} rules {spent:.2f} s of CPU: {findings} findings"
    )
    print(f"the rules add {spent / index:.1%} to the index, {spent / loaded:.1%} to the reading")
