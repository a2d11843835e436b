"""Rules of a plan that the forty cases do not reach."""

from pathlib import Path

import pytest

from osiris_inspect.model.errors import NothingToResume
from osiris_inspect.runtime.replay.earlier_run import read_earlier_run
from osiris_inspect.runtime.replay.resume import check_unfinished
from osiris_inspect.runtime.replay.reuse_plan import PlanOptions
from tests.runtime.resuming import plan, texts
from tests.runtime.runs import make_run, order

SHARED = """\
oml_version: "0.1.0"
name: shared
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: bad, component: duckdb.processor, needs: [ext], config: {query: SELECT COLUMN FROM df}}
  - {id: write, component: filesystem.csv_writer, needs: [bad], config: {path: between.csv}}
  - {id: read, component: filesystem.csv_extractor, config: {path: between.csv}}
  - {id: last, component: duckdb.processor, needs: [read], config: {query: SELECT * FROM df}}
"""


def test_reader_of_rewritten_file_runs_again(tmp_path: Path) -> None:
    (tmp_path / "between.csv").write_text("id\n1\n")
    path = make_run(tmp_path, text=SHARED.replace("COLUMN", "nope"), env={"E2B_FORCE_SPILL": "1"}).path
    entries = plan(path, order(tmp_path, text=SHARED.replace("COLUMN", "id")))
    assert texts(entries) == {
        "ext": "reuse",
        "bad": "run: did not succeed",
        "write": "run: did not succeed",
        "read": "run: it waits for write, which runs again: it writes between.csv, which this step reads",
        "last": "run: it needs read, which runs again",
    }


def test_step_after_forced_one_runs(tmp_path: Path) -> None:
    path = make_run(tmp_path, env={"E2B_FORCE_SPILL": "1"}).path
    with pytest.raises(NothingToResume):
        check_unfinished(read_earlier_run(path))
    entries = plan(path, order(tmp_path), PlanOptions({"compute-stats": "--from compute-stats"}))
    assert texts(entries) == {
        "extract-movies": "reuse",
        "compute-stats": "run: --from compute-stats",
        "write-stats": "done: wrote 3 rows",
    }
