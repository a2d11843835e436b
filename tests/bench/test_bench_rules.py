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

PARTS = """
import json as text
steps = ("extract-movies", "extract-directors", "compute-stats", "join-all", "write-stats")
needs = {"compute-stats": ["extract-movies"], "join-all": ["compute-stats", "extract-directors"], "write-stats": ["join-all"]}
planned = [{"id": step, "driver": "duckdb.processor", "needs": needs.get(step, [])} for step in steps]
(log.parent / "manifest.yaml").write_text(text.dumps({"name": "bench", "steps": planned}))
from osiris_inspect.inspector.diagnosis.engine import builtin_rules, run_rules
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.reader.loader import load
builtin_rules()
def cpu():
    own = os.times()
    return own.user + own.system
begin = cpu()
LineIndex().index_new_lines(os.open(log, os.O_RDONLY))
indexed = cpu() - begin
begin = cpu()
run = load(log.parent, now=4e9, cache=cache)
loaded = cpu() - begin
begin = cpu()
lineage = build_lineage(run)
findings, not_checked = run_rules(run, lineage)
done(index=indexed, load=loaded, rules=cpu() - begin, asked=len(builtin_rules()) - len(not_checked), findings=len(findings))
"""


def test_rules_over_a_long_log(log: Path, tmp_path: Path) -> None:
    rounds = {"all": [measured(PARTS, log, tmp_path / str(number)) for number in range(ROUNDS)]}
    index, loaded, spent = (medians(rounds, key)["all"] for key in ("index", "load", "rules"))
    asked, findings = rounds["all"][0]["asked"], rounds["all"][0]["findings"]
    assert asked > 50
    print(
        f"\nindex {index:.2f} s, whole reading {loaded:.2f} s, {asked} rules {spent:.2f} s of CPU: {findings} findings"
    )
    print(f"the rules add {spent / index:.1%} to the index, {spent / loaded:.1%} to the reading")
