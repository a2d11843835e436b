"""Forty cases of resume: each fault with each change since. The expected plans were written from the rules."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.runtime.resuming import resume, texts
from tests.runtime.runs import make_run

PIPELINE = """\
oml_version: "0.1.0"
name: resumed
steps:
  - {id: ext1, component: filesystem.csv_extractor, config: {path: one.csv, limit: LIMIT}}
  - {id: a, component: duckdb.processor, needs: [ext1], config: {query: "SELECT id, v * FACTOR AS v FROM df ORDER BY id"}}
  - {id: w1, component: filesystem.csv_writer, needs: [a], config: {path: W1}}
  - {id: ext2, component: filesystem.csv_extractor, config: {path: two.csv}}
  - {id: j, needs: [a, ext2], component: JOIN}
  - {id: w2, component: sqlite.writer, needs: [j], config: {path: out.db, table: TABLE, write_mode: append}}
"""
JOIN = (
    'duckdb.processor, config: {query: "SELECT id, df_a.v + df_ext2.v AS v FROM df_a JOIN df_ext2 USING (id) '
    'WHERE df_a.v >= LEAST ORDER BY id"}'
)
GOOD = {
    "JOIN": JOIN,
    "LIMIT": "100",
    "FACTOR": "10",
    "W1": "w1.csv",
    "LEAST": "0",
    "TABLE": "t",
    "one.csv": "one.csv",
}
FAULTS = {
    "ext1 fails": {"one.csv": "none.csv"},
    "a fails": {"FACTOR": "nope"},
    "j fails": {"LEAST": "nope"},
    "w2 fails": {"TABLE": "missing"},
    "j is killed": {"JOIN": "test.faulty, config: {do: kill_9}"},
}
CHANGES: dict[str, dict[str, str]] = {
    "nothing": {},
    "configuration of ext1": {"LIMIT": "3"},
    "configuration of a": {"FACTOR": "100"},
    "configuration of j": {"LEAST": "20"},
    "configuration of w1": {"W1": "other.csv"},
    "rows of one.csv": {},
    "frames of both sources are gone": {},
    "code of the processor": {},
}
FAILED, REUSE, NEEDED = "run: did not succeed", "reuse", "done: its frame is not needed"
WROTE, GONE = "done: wrote 4 rows", "run: its frame is no longer on disk"
NEEDS_EXT1, NEEDS_A = "run: it needs ext1, which runs again", "run: it needs a, which runs again"
LIMIT, QUERY = "run: its configuration differs in limit", "run: its configuration differs in query"
CODE = "run: the code of duckdb.processor differs (osiris_inspect.runtime.drivers.duckdb)"

# each line: ext1, a, w1, ext2, j, w2
_EXT1_FAILED = (FAILED, FAILED, FAILED, REUSE, FAILED, FAILED)
_A_FAILED = (REUSE, FAILED, FAILED, REUSE, FAILED, FAILED)
_J_FAILED = (REUSE, REUSE, WROTE, REUSE, FAILED, FAILED)
_W2_FAILED = (REUSE, REUSE, WROTE, REUSE, REUSE, FAILED)
_OF_J = {
    "nothing": _J_FAILED,
    "configuration of ext1": (LIMIT, NEEDS_EXT1, WROTE, REUSE, FAILED, FAILED),
    "configuration of a": (REUSE, QUERY, WROTE, REUSE, FAILED, FAILED),
    "configuration of j": _J_FAILED,
    "configuration of w1": _J_FAILED,
    "rows of one.csv": _J_FAILED,
    "frames of both sources are gone": (NEEDED, REUSE, WROTE, GONE, FAILED, FAILED),
    "code of the processor": (REUSE, CODE, WROTE, REUSE, FAILED, FAILED),
}
EXPECTED = {
    "ext1 fails": {
        **dict.fromkeys(CHANGES, _EXT1_FAILED),
        "frames of both sources are gone": (FAILED, FAILED, FAILED, GONE, FAILED, FAILED),
    },
    "a fails": {
        **dict.fromkeys(CHANGES, _A_FAILED),
        "configuration of ext1": (LIMIT, FAILED, FAILED, REUSE, FAILED, FAILED),
        "frames of both sources are gone": (GONE, FAILED, FAILED, GONE, FAILED, FAILED),
    },
    "j fails": _OF_J,
    "w2 fails": {
        "nothing": _W2_FAILED,
        "configuration of ext1": (LIMIT, NEEDS_EXT1, WROTE, REUSE, NEEDS_A, FAILED),
        "configuration of a": (REUSE, QUERY, WROTE, REUSE, NEEDS_A, FAILED),
        "configuration of j": (REUSE, REUSE, WROTE, REUSE, QUERY, FAILED),
        "configuration of w1": _W2_FAILED,
        "rows of one.csv": _W2_FAILED,
        "frames of both sources are gone": (NEEDED, REUSE, WROTE, NEEDED, REUSE, FAILED),
        "code of the processor": (REUSE, CODE, WROTE, REUSE, CODE, FAILED),
    },
    "j is killed": _OF_J,
}
STEPS = ("ext1", "a", "w1", "ext2", "j", "w2")


def _text(values: dict[str, str]) -> str:
    text = PIPELINE
    for name, value in {**GOOD, **values}.items():
        text = text.replace(name, value)
    return text


def _sources(folder: Path, first_v: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    ids = range(1, 5)
    (folder / "one.csv").write_text("id,v\n" + "".join(f"{n},{n + first_v}\n" for n in ids))
    (folder / "two.csv").write_text("id,v\n" + "".join(f"{n},{n}\n" for n in ids))
    with sqlite3.connect(folder / "out.db") as database:
        database.execute("CREATE TABLE t (id INTEGER, v INTEGER)")
    database.close()


def _rows(folder: Path) -> list[tuple[int, int]]:
    with sqlite3.connect(folder / "out.db") as database:
        rows = database.execute("SELECT id, v FROM t ORDER BY rowid").fetchall()
    database.close()
    return rows


def _other_code(path: Path) -> None:
    """Let the log say that the processor had other code."""
    log = path / "events.jsonl"
    lines = []
    for line in log.read_bytes().splitlines():
        event = orjson.loads(line)
        if event["event"] == "driver_registered" and event["driver"] == "duckdb.processor":
            event["code"]["file_sha256"] = "sha256:0"
        lines.append(orjson.dumps(event))
    log.write_bytes(b"\n".join(lines) + b"\n")


def _remove_frames(path: Path) -> None:
    for step in ("ext1", "ext2"):
        shutil.rmtree(path / "artifacts" / step)


_AFTERWARDS: dict[str, Callable[[Path], None]] = {
    "code of the processor": _other_code,
    "frames of both sources are gone": _remove_frames,
}


def _first(folder: Path, fault: str) -> RunResult:
    on = "none" if fault == "j is killed" else "local"
    return make_run(folder, on, text=_text(FAULTS[fault]), env={"E2B_FORCE_SPILL": "1"})


@pytest.mark.sampled(6)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fault", FAULTS)
def test_plan_and_rows_are_right(tmp_path: Path, fault: str, change: str) -> None:
    made, fresh = tmp_path / "made", tmp_path / "fresh"
    _sources(made)
    first = _first(made, fault)
    assert first.status == "failed"
    w1 = (made / "w1.csv").read_bytes() if (made / "w1.csv").exists() else None
    _AFTERWARDS.get(change, lambda _: None)(first.path)
    _sources(fresh)
    if change == "rows of one.csv":
        rows = "id,v\n1,50\n2,60\n3,70\n4,80\n"
        (made / "one.csv").write_text(rows)
        if fault == "ext1 fails":
            (fresh / "one.csv").write_text(rows)
    entries, outcome = resume(made, first.path, text=_text(CHANGES[change]))
    assert texts(entries) == dict(zip(STEPS, EXPECTED[fault][change], strict=True))
    assert outcome.status == "success", outcome.reason
    assert make_run(fresh, text=_text(CHANGES[change])).status == "success"
    assert _rows(made) == _rows(fresh)
    if w1 is not None:
        assert (made / "w1.csv").read_bytes() == w1
        assert not (made / "other.csv").exists()
    else:
        name = CHANGES[change].get("W1", "w1.csv")
        assert (made / name).read_bytes() == (fresh / name).read_bytes()
