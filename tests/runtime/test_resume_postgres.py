"""Resumed runs write no row twice: counted in PostgreSQL, also after kills around COMMIT."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from osiris_inspect.model.errors import AlreadyResumed, MayHaveWritten, RunNotReadable
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.replay.earlier.earlier_run import RunLock
from osiris_inspect.runtime.replay.reuse_plan import PlanOptions
from tests.runtime.dying_writer import DYING_COMPONENTS, NAME
from tests.runtime.faulty import REPO
from tests.runtime.resuming import resume, texts
from tests.runtime.runs import ENVIRONMENT, make_run
from tests.runtime.servers.postgres import Postgres

PIPELINE = f"""\
oml_version: "0.1.0"
name: loaded
steps:
  - {{id: ext, component: filesystem.csv_extractor, config: {{path: movies.csv}}}}
  - id: first
    component: postgres.writer
    needs: [ext]
    config: {{connection: "@postgres.main", table: first, write_mode: insert}}
  - {{id: few, component: duckdb.processor, needs: [ext], config: {{query: SELECT id FROM df WHERE id < LIMIT}}}}
  - id: second
    component: {NAME}
    needs: [few]
    config: {{connection: "@postgres.main", table: second, write_mode: insert, die: DIE}}
"""
ROWS = {"first": 14, "second": 5}


def _text(die: str = "never", limit: str = "5") -> str:
    return PIPELINE.replace("DIE", die).replace("LIMIT", limit)


@pytest.fixture(autouse=True)
def tables(postgres: Postgres) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS first, second",
        "CREATE TABLE first (id bigint, title text, director text, rating float8)",
        "CREATE TABLE second (id bigint)",
        "CREATE OR REPLACE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(5); RETURN NEW; END $$",
    )


def _connections(postgres: Postgres) -> Connections:
    return Connections(dict.fromkeys(("first", "second"), postgres.connection))


def _counts(postgres: Postgres) -> dict[str, int]:
    """Rows of both tables, of which none is there twice."""
    for table in ROWS:
        assert postgres.rows(f"SELECT id FROM {table} GROUP BY id HAVING count(*) > 1") == []
    return {table: postgres.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ROWS}


def _kill_host(folder: Path, postgres: Postgres) -> Path:
    """Run the pipeline in another process, which is killed after the commit; return the run."""
    code = (
        "import sys; from pathlib import Path; from tests.runtime.test_resume_postgres import killed; "
        "killed(Path(sys.argv[1]), int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(folder), str(postgres.port)]
    done = subprocess.run(command, cwd=REPO, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    (run,) = (folder / "logs").glob("run_*")
    return run


def killed(folder: Path, port: int) -> None:
    """Run the pipeline whose writer kills this process."""
    connections = _connections(Postgres(port, folder))
    make_run(
        folder, "none", text=_text("host after commit"), components=DYING_COMPONENTS, connections=connections
    )


@pytest.mark.parametrize(
    "die", ["before", "during", "after commit", "host after commit", "fail after commit"]
)
def test_killed_writer_never_writes_twice(tmp_path: Path, postgres: Postgres, die: str) -> None:
    more = {"components": DYING_COMPONENTS, "connections": _connections(postgres)}
    if die == "during":
        postgres.run("CREATE TRIGGER slow BEFORE INSERT ON second FOR EACH ROW EXECUTE FUNCTION wait()")
    if die == "host after commit":
        path = _kill_host(tmp_path, postgres)
    else:
        path = make_run(tmp_path, "none", text=_text(die), **more).path
    postgres.run("DROP TRIGGER IF EXISTS slow ON second")
    has_committed = "commit" in die
    expected = {"first": 14, "second": 5 if has_committed else 0}
    assert _counts(postgres) == expected
    with pytest.raises(MayHaveWritten) as caught:
        resume(tmp_path, path, text=_text(), **more)
    assert str(caught.value) == (
        "'second' may have written before the run ended, and would write twice; look into the target, "
        "then add --accept second if the rows are there, or --rerun second"
    )
    assert _counts(postgres) == expected
    decided = {"accepted" if has_committed else "rerun": frozenset({"second"})}
    entries, outcome = resume(tmp_path, path, text=_text(), options=PlanOptions(**decided), **more)
    assert outcome.status == "success"
    assert _counts(postgres) == ROWS
    assert texts(entries)["first"] == "done: wrote 14 rows"
    assert texts(entries)["second"] == ("done: --accept" if has_committed else "run: --rerun")
    with pytest.raises(AlreadyResumed):
        resume(tmp_path, path, text=_text(), options=PlanOptions(**decided), **more)
    assert _counts(postgres) == ROWS


def test_failed_chain_writes_each_table_once(tmp_path: Path, postgres: Postgres) -> None:
    more = {"components": DYING_COMPONENTS, "connections": _connections(postgres)}
    path = make_run(tmp_path, text=_text(limit="nope"), **more).path
    for _ in range(2):
        entries, outcome = resume(tmp_path, path, text=_text(limit="nope"), **more)
        assert texts(entries)["first"] == "done: wrote 14 rows"
        assert outcome.status == "failed"
        path = outcome.path
    assert resume(tmp_path, path, text=_text(), **more)[1].status == "success"
    assert _counts(postgres) == ROWS


def test_killed_resume_keeps_done_writers(tmp_path: Path, postgres: Postgres) -> None:
    more = {"components": DYING_COMPONENTS, "connections": _connections(postgres)}
    path = make_run(tmp_path, text=_text(limit="nope"), **more).path
    _, second = resume(tmp_path, path, text=_text(limit="nope"), **more)
    log = second.path / "events.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])  # as after a kill at the first line
    assert orjson.loads(log.read_bytes())["origin"]["done"] == ["first"]
    entries, outcome = resume(tmp_path, second.path, text=_text(), **more)
    assert texts(entries)["first"].startswith("done")
    assert outcome.status == "success"
    assert _counts(postgres) == ROWS


def test_run_is_resumed_once_at_a_time(tmp_path: Path, postgres: Postgres) -> None:
    more = {"components": DYING_COMPONENTS, "connections": _connections(postgres)}
    path = make_run(tmp_path, text=_text(limit="nope"), **more).path
    with RunLock(path), pytest.raises(RunNotReadable, match="another process continues it"):
        resume(tmp_path, path, text=_text(), **more)
    assert _counts(postgres) == {"first": 14, "second": 0}
