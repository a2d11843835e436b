import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.making import CHAIN, native, run_dir, succeeding_locally
from tests.samples import SAMPLES

pytestmark = pytest.mark.sampled(3)

SPILLED = SAMPLES / "all_spilled"


def sql(run: Path, query: str, *words: str | Path, cwd: Path) -> Done:
    return osiris_inspect("sql", run, query, *words, cwd=cwd, env={"XDG_CACHE_HOME": str(cwd / "cache")})


def answer(run: Path, query: str, cwd: Path) -> list[dict[str, object]]:
    done = sql(run, query, "--format", "json", cwd=cwd)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_events_and_steps_are_tables(tmp_path: Path) -> None:
    asked = "select s.step, s.status, count(*) events from steps s join events e using (step) group by all order by 1"
    told = answer(SPILLED, asked, tmp_path)
    assert [row["step"] for row in told] == ["compute-stats", "extract-movies", "write-stats"]
    assert {row["status"] for row in told} == {"succeeded"}


def test_a_spilled_frame_is_a_table_of_the_name_of_its_step(tmp_path: Path) -> None:
    (frame,) = SPILLED.rglob("extract-movies/output.parquet")
    told = answer(SPILLED, 'select count(*) n from "extract-movies"', tmp_path)
    assert told == [{"n": pq.read_metadata(frame).num_rows}]


def test_findings_come_with_their_proof(tmp_path: Path) -> None:
    told = answer(
        SAMPLES / "original_nonetype",
        "select rule, line, quote from findings where severity = 'error'",
        tmp_path,
    )
    assert told[0] == {"rule": "frame-dropped-from-cache", "line": 22, "quote": '"rows_processed": 14'}


def test_metrics_and_times_are_there(tmp_path: Path) -> None:
    (row,) = answer(
        SPILLED, "select max(value) most, min(ts) first from metrics where metric = 'rows_out'", tmp_path
    )
    assert row["most"] == 14.0
    assert str(row["first"]).startswith("20")


def test_all_metrics_of_a_long_file_can_be_asked(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    line = b'{"ts":"2026-01-01T00:00:00+00:00","metric":"beat","value":1,"tags":{"step":"extract"}}\n'
    (run / "metrics.jsonl").write_bytes(line * 60_000 + b'{"metric":"torn\n' + line)
    told = answer(run, "select count(*) n, max(line) last from metrics where metric = 'beat'", tmp_path)
    assert told == [{"n": 60_001, "last": 60_002}]
    assert "metrics.jsonl:60001" in osiris_inspect("summarize", run, cwd=tmp_path).out


def test_every_field_of_an_event_can_be_asked(tmp_path: Path) -> None:
    told = answer(
        SPILLED, "select fields->>'path' path from events where event = 'artifact_created'", tmp_path
    )
    assert {"path": "artifacts/extract-movies/output.parquet"} in told


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('{here}/secret.txt')",
        "select * from read_parquet('{here}/*.parquet')",
        "copy steps to '{here}/out.csv'",
        "attach '{here}/x.db'",
        "create table x as select 1",
        "select 1; select 2",
        "set enable_external_access = true",
        "install httpfs",
        "select * from query('copy steps to ''{here}/out.csv''')",
    ],
)
def test_nothing_else_can_be_reached_or_written(tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    pq.write_table(pq.read_table(next(iter(SPILLED.rglob("*.parquet")))), tmp_path / "x.parquet")
    before = {path.name for path in tmp_path.iterdir()}
    done = sql(SPILLED, query.replace("{here}", str(tmp_path)), cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == before


def test_the_folders_a_run_lies_in_are_no_columns_of_its_frames(tmp_path: Path) -> None:
    run = tmp_path / "day=3" / SPILLED.name
    shutil.copytree(SPILLED, run)
    query = 'select * from "extract-movies"'
    assert answer(run, query, tmp_path) == answer(SPILLED, query, tmp_path)


def test_a_frame_cannot_be_written_over(tmp_path: Path) -> None:
    frame = next(iter(SPILLED.rglob("extract-movies/output.parquet"))).resolve()
    before = frame.read_bytes()
    assert sql(SPILLED, f"copy steps to '{frame}'", cwd=tmp_path).code == 2
    assert frame.read_bytes() == before


def test_a_query_that_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    done = sql(SPILLED, "select nothing from steps", cwd=tmp_path)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "nothing" in done.err


def test_the_formats_hold_the_same_rows(tmp_path: Path) -> None:
    query = "select step, rows_out, started from steps order by 1"
    wanted = answer(SPILLED, query, tmp_path)
    table = sql(SPILLED, query, cwd=tmp_path).out.splitlines()
    assert [line.split()[0] for line in table[2:]] == [row["step"] for row in wanted]
    csv = pd.read_csv(io.StringIO(sql(SPILLED, query, "-f", "csv", cwd=tmp_path).out))
    assert csv["rows_out"].tolist() == [row["rows_out"] for row in wanted]
    sql(SPILLED, query, "-f", "parquet", "-o", tmp_path / "x.parquet", cwd=tmp_path)
    parquet = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [(row["step"], row["rows_out"]) for row in parquet] == [
        (row["step"], row["rows_out"]) for row in wanted
    ]


def test_a_step_of_the_name_of_a_table_keeps_its_frame(tmp_path: Path) -> None:
    run = run_dir(
        tmp_path,
        [native("output_stored", 1, step_id="events", rows=1)],
        steps=[("events", "x.extractor", [])],
    )
    frame = run / "artifacts" / "events" / "output.parquet"
    frame.parent.mkdir(parents=True)
    pd.DataFrame({"day": pd.to_datetime(["2026-01-31T10:00"]).tz_localize("Europe/Prague")}).to_parquet(frame)
    assert len(answer(run, "select * from events", tmp_path)) == 1
    assert answer(run, "select * from frame_events", tmp_path) == [{"day": "2026-01-31T09:00:00+00:00"}]


def test_a_frame_that_is_damaged_leaves_the_others(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    (run / "artifacts" / "extract").mkdir(parents=True)
    (run / "artifacts" / "extract" / "output.parquet").write_bytes(b"PAR1 no parquet at all PAR1")
    done = sql(run, "select count(*) n from steps", "-f", "json", cwd=tmp_path)
    assert done.out == '{"n":2}\n'
    assert "frame of 'extract' cannot be read" in done.err


def test_hostile_text_of_a_log_stays_text(tmp_path: Path) -> None:
    line = native(
        "step_failed", 1, step_id="a", error="\x1b[31m mysql://u:hunter22@h/d \ud800", rows=10**30, seq_=1
    )
    run = run_dir(tmp_path, [json.dumps(line).encode() + b"\n", b'{"event":"x","ts":1e300,"n":NaN}\n'])
    out = sql(run, "select * from events", cwd=tmp_path).out
    assert "hunter22" not in out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 4


def test_a_length_of_time_is_told_in_words(tmp_path: Path) -> None:
    asked = "select interval 100 second as took, null::interval as none"
    assert answer(SPILLED, asked, tmp_path) == [{"took": "00:01:40", "none": None}]


def test_findings_are_those_that_the_folder_leaves(tmp_path: Path) -> None:
    lines = succeeding_locally()
    lines[4]["rows"] = 0
    run = run_dir(tmp_path, lines, steps=CHAIN)
    asked = "select rule, step from findings where rule = 'zero-rows-from-source'"
    assert answer(run, asked, tmp_path) == [{"rule": "zero-rows-from-source", "step": "extract"}]
    (tmp_path / ".osiris-inspect.toml").write_text(
        'ignore = ["zero-rows-from-source@extract: empty on Sundays"]\n'
    )
    assert answer(run, asked, tmp_path) == []


def test_what_goes_wrong_far_into_an_answer_is_said_in_one_line(tmp_path: Path) -> None:
    done = sql(
        SPILLED, "select if(i = 90000, 'x', '1')::int n from range(100000) t(i)", "-f", "json", cwd=tmp_path
    )
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "Could not convert" in done.err


def test_table_that_is_none_is_answered_with_those_there_are(tmp_path: Path) -> None:
    done = sql(SPILLED, 'select * from "extract-movis"', cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert 'there are "compute-stats", events, "extract-movies", findings, metrics, steps' in done.err
