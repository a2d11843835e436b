"""A password that is a common word changes nothing of what a run reports."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.runtime.connections.connections import Connections
from tests.runtime.runs import events_of, make_run

pytestmark = pytest.mark.sampled(3)

PIPELINE = """
oml_version: "0.1.0"
name: movies
steps:
  - {id: load_movies, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: stats, component: duckdb.processor, needs: [load_movies], config: {query: "SELECT count(*) AS total FROM df_load_movies"}}
  - {id: save, component: postgres.writer, needs: [stats], config: {connection: "@postgres.db", table: directors}}
"""
WORDS = (
    *(
        "error",
        "movies",
        "postgres",
        "load_movies",
        "stats",
        "save",
        "total",
        "directors",
        "filesystem",
        "database",
    ),
    *(
        "connection",
        "password",
        "localhost",
        "extractor",
        "admin",
        "root",
        "test",
        "secret",
        "refused",
        "timestamp",
    ),
)


def _verdict(folder: Path, password: str) -> tuple[Any, ...]:
    """Run the pipeline, which fails to connect, with a password; return what is reported."""
    connection = {"host": "127.0.0.1", "port": 1, "user": "app", "database": "d", "password": password}
    connection |= {"family": "postgres", "alias": "db"}
    connections = Connections({"save": connection}, (password,))
    run = make_run(folder, "local", text=PIPELINE, connections=connections).path
    report = analyze(run)
    causes = [(cause.rule, cause.message, cause.step, cause.fix) for cause in report.findings]
    steps = [(step.id, step.driver, step.status) for step in report.run.steps]
    names = [event["event"] for event in events_of(run) if event["event"] != "secrets_masked_by_place"]
    return causes, steps, sorted(names)


@cache
def _expected(folder: Path) -> tuple[Any, ...]:
    return _verdict(folder, "Zq7kTrv9PxLm2wQd")


@pytest.mark.parametrize("word", WORDS)
def test_word_as_password_changes_no_report(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, word: str
) -> None:
    pytest.importorskip("psycopg")
    expected = _expected(tmp_path_factory.getbasetemp())
    assert expected[0][0][0] == "connection-refused"
    assert _verdict(tmp_path, word) == expected
    (run,) = (tmp_path / "logs").iterdir()
    (notice,) = [event for event in events_of(run) if event["event"] == "secrets_masked_by_place"]
    assert notice["count"] == 1
