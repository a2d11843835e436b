"""Runs that read and write SQLite files, the same on every transport of this machine."""

import sqlite3
from pathlib import Path

import pytest

from osiris_inspect.model.errors import PipelineError
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.runtime.faulty import COMPONENTS
from tests.runtime.runs import NAMES, events_of, make_run
from tests.runtime.test_sqlite import make
from tests.runtime.test_sqlite_writer import rows

pytestmark = pytest.mark.usefixtures("nothing_left")

EVERYWHERE = pytest.mark.parametrize("on", NAMES)
READ = "{id: first, component: filesystem.csv_extractor, config: {path: movies.csv, columns: [title]}}"


def pipeline(*steps: str) -> str:
    return 'oml_version: "0.1.0"\nname: files\nsteps:\n' + "".join(f"  - {step}\n" for step in steps)


def write(step: str, config: str, needs: str = "first") -> str:
    return f"{{id: {step}, component: sqlite.writer, needs: [{needs}], config: {{path: shop.db, {config}}}}}"


def error_of(outcome: RunResult) -> dict[str, object]:
    failed = next(event for event in events_of(outcome.path) if event["event"] == "step_failed")
    info: dict[str, object] = failed["error_info"]
    return info


@EVERYWHERE
@pytest.mark.parametrize("wal", [False, True])
def test_two_tables_of_one_file_are_written_and_read(tmp_path: Path, on: str, wal: bool) -> None:
    path = make(tmp_path / "shop.db", "CREATE TABLE old (v)", "INSERT INTO old VALUES (1)", wal=wal)
    path.chmod(0o640)
    text = pipeline(
        READ,
        write("second", "table: a, create_if_missing: true"),
        write("third", "table: b, create_if_missing: true"),
        "{id: fourth, component: sqlite.extractor, config: {path: shop.db, query: SELECT count(*) AS n FROM old}}",
        "{id: fifth, component: filesystem.csv_writer, needs: [fourth], config: {path: n.csv}}",
    )  # fmt: skip
    outcome = make_run(tmp_path, on, text=text)
    assert outcome.status == "success", outcome.reason
    assert rows(path, "SELECT count(*) FROM old") == [(1,)]
    assert rows(path, "SELECT * FROM a ORDER BY 1") == rows(path, "SELECT * FROM b ORDER BY 1") != []
    assert (tmp_path / "n.csv").read_text() == "n\n1\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert not [*tmp_path.glob("shop.db-*"), *tmp_path.glob(".*")]


@EVERYWHERE
def test_failed_write_leaves_file_unchanged(tmp_path: Path, on: str) -> None:
    path = make(tmp_path / "shop.db", "CREATE TABLE a (title INTEGER)")
    before = path.read_bytes()
    outcome = make_run(tmp_path, on, text=pipeline(READ, write("second", "table: a")))
    assert error_of(outcome)["kind"] == "value-refused"
    assert path.read_bytes() == before
    assert not [*tmp_path.glob("shop.db-*"), *tmp_path.glob(".*")]


@pytest.mark.parametrize("on", ["landlock", "bwrap"])
def test_sandbox_refuses_file_with_log_of_another_program(tmp_path: Path, on: str) -> None:
    path = make(tmp_path / "shop.db", "CREATE TABLE a (title TEXT)", wal=True)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("INSERT INTO a VALUES ('theirs')")
    outcome = make_run(tmp_path, on, text=pipeline(READ, write("second", "table: a")))
    other.close()
    assert error_of(outcome)["kind"] == "lock-conflict"
    assert rows(path, "SELECT title FROM a") == [("theirs",)]


def test_step_names_path_or_connection(tmp_path: Path) -> None:
    step = "{id: r, component: sqlite.extractor, config: {%s}}"
    for config, words in {
        "table: a": "lacks 'path' or 'connection'; add path: SQLite file",
        "table: a, path: a.db, connection: '@sqlite.main'": "'path' and 'connection' are both set; remove one of them",
        "path: a.db": "lacks 'query' or 'table'; add query:",
    }.items():
        with pytest.raises(PipelineError) as caught:
            compile_pipeline(pipeline(step % config), "p.yaml", COMPONENTS)
        assert words in str(caught.value)
