"""Databases, side by side with the fastest ways of Python: pandas, connectorx, ADBC, PostgREST's client.

Each task runs in a process of its own, so that its peak of memory is its own, and in turn with the others; medians are
printed. No time is asserted, but that every row is there. Run with ``-m bench -s``; ``pip install connectorx adbc-driver-postgresql`` adds the strongest peers.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.bench import databases_measured
from tests.bench.pairs import print_row
from tests.runtime.servers import mariadb as maria_servers
from tests.runtime.servers import postgres as postgres_servers
from tests.runtime.servers import postgrest as rest_servers
from tests.runtime.servers.mariadb import MariaDb
from tests.runtime.servers.postgres import Postgres

pytest.importorskip("sqlalchemy", reason="the peers need SQLAlchemy")
pytestmark = pytest.mark.bench
ROWS = 1_000_000
REST_ROWS = 100_000
ROUNDS = 5
REPOSITORY = Path(__file__).parents[2]


def measured(task: str, **settings: Any) -> dict[str, Any]:
    command = [sys.executable, "-m", databases_measured.__name__, task, json.dumps(settings)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured_in_turn(
    tasks: Mapping[str, Callable[[], dict[str, Any]]], rows: int, before: Callable[[], None] = lambda: None
) -> dict[str, dict[str, Any]]:
    """The medians of each task, in rounds; the first round, which fills the caches of the server, is not counted.

    ``before`` is called before each task.
    """
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in tasks}
    for number in range(ROUNDS + 1):
        for name, task in tasks.items():
            before()
            result = task()
            assert result["rows"] == rows
            if number:
                results[name].append(result)
    return {
        name: {key: statistics.median(result[key] for result in own) for key in ("s", "cpu", "bytes")}
        for name, own in results.items()
    }


def has(module: str) -> bool:
    if find_spec(module) is None:
        print(f"\n{module} is not installed and left out")
        return False
    return True


def print_rows(what: str, ours: Mapping[str, Any], name: str, peer: Mapping[str, Any]) -> None:
    print_row(what, ours["s"], name, peer["s"])
    print_row("the same, CPU of the client", ours["cpu"], name, peer["cpu"])
    print_row("the same, memory", ours["bytes"] / 1e6, name, peer["bytes"] / 1e6, "MB")


@pytest.fixture(scope="module")
def maria() -> Iterator[MariaDb]:
    with maria_servers.serve() as server:
        server.run(
            "CREATE TABLE bench (id BIGINT UNSIGNED, a INT, b DOUBLE, c TINYINT(1), d VARCHAR(20), e DATETIME, f DECIMAL(12,2), g CHAR(4), h DATE, i VARCHAR(20))",
            f"INSERT INTO bench SELECT seq, seq % 1000, seq / 3e0, seq % 2, CONCAT('name ', seq % 5000), '2024-01-01' + INTERVAL seq % 1000000 SECOND, seq * 1.25, 'text', '2024-01-01' + INTERVAL seq % 9000 DAY, seq FROM seq_1_to_{ROWS}",
        )
        yield server


@pytest.fixture(scope="module")
def elephant() -> Iterator[Postgres]:
    with postgres_servers.serve() as server:
        yield server


def address(connection: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "username": connection["user"],
        **{key: connection[key] for key in ("password", "host", "port", "database")},
    }


def test_rows_out_of_mariadb(maria: MariaDb) -> None:
    # as root: pymysql sends passwords in latin-1, and ours has more
    root = {**address(maria.connection), "username": "root", "password": ""}
    tasks = {"ours": partial(measured, "mysql_ours", connection=dict(maria.connection))}
    if has("connectorx"):
        tasks["connectorx"] = partial(measured, "mysql_connectorx", url=root)
    tasks["pandas read_sql"] = partial(measured, "mysql_read_sql", url=root)
    medians = measured_in_turn(tasks, ROWS)
    ours = medians.pop("ours")
    for name, peer in medians.items():
        print_rows(f"{ROWS:,} rows out of MariaDB", ours, name, peer)


def test_rows_into_postgres(elephant: Postgres) -> None:
    settings = {"connection": dict(elephant.connection), "url": address(elephant.connection), "rows": ROWS}
    tasks = {
        "append": partial(measured, "postgres_ours", **settings, mode="append"),
        "upsert": partial(measured, "postgres_ours", **settings, mode="upsert"),
    }
    if has("adbc_driver_postgresql"):
        tasks["pandas to_sql over ADBC"] = partial(measured, "postgres_adbc", **settings)
    tasks["pandas to_sql"] = partial(measured, "postgres_to_sql", **settings)
    medians = measured_in_turn(
        tasks, ROWS, lambda: elephant.run("DROP TABLE IF EXISTS append, upsert, adbc, plain")
    )
    append, upsert = medians.pop("append"), medians.pop("upsert")
    for name, peer in medians.items():
        print_rows(f"{ROWS:,} rows into PostgreSQL, append", append, name, peer)
        print_row("upsert of as many, beside append", upsert["s"], name, peer["s"])


def test_rows_over_rest(elephant: Postgres) -> None:
    with rest_servers.serve(elephant) as rest:

        def create_table() -> None:
            elephant.run(
                "DROP TABLE IF EXISTS rest_bench",
                "CREATE TABLE rest_bench (id bigint, a bigint, b float8, c bool, d text, e timestamp, f bigint, g text, h float8, i text)",
            )
            rest.look()

        def written(task: str) -> dict[str, Any]:
            result = measured(task, connection=dict(rest.connection), rows=REST_ROWS)
            assert elephant.rows("SELECT count(*) FROM rest_bench") == [(REST_ROWS,)]
            return result

        tasks = {task: partial(written, task) for task in ("rest_ours", "rest_postgrest")}
        medians = measured_in_turn(tasks, REST_ROWS, create_table)
    name = "postgrest in batches of 500"
    print_rows(f"{REST_ROWS:,} rows over REST", medians["rest_ours"], name, medians["rest_postgrest"])
