"""Databases, side by side with the fastest ways of Python: pandas, connectorx, ADBC, PostgREST's client.

Each task runs in a process of its own, so that its peak of memory is its own. No time is asserted, but that every row is
there. Run with ``-m bench -s``; ``pip install connectorx adbc-driver-postgresql`` adds the strongest peers.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
REPOSITORY = Path(__file__).parents[2]


def measured(task: str, **settings: Any) -> dict[str, Any]:
    command = [sys.executable, "-m", databases_measured.__name__, task, json.dumps(settings)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


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
    ours = measured("mysql_ours", connection=dict(maria.connection))
    for task, name in (("mysql_connectorx", "connectorx"), ("mysql_read_sql", "pandas read_sql")):
        if name != "connectorx" or has(name):
            peer = measured(task, url=root)
            print_rows(f"{ROWS:,} rows out of MariaDB", ours, name, peer)
            assert ours["rows"] == peer["rows"] == ROWS


def test_rows_into_postgres(elephant: Postgres) -> None:
    settings = {"connection": dict(elephant.connection), "url": address(elephant.connection), "rows": ROWS}
    ours = measured("postgres_ours", **settings, mode="append")
    upsert = measured("postgres_ours", **settings, mode="upsert")
    for task, name in (("postgres_adbc", "pandas to_sql over ADBC"), ("postgres_to_sql", "pandas to_sql")):
        if task != "postgres_adbc" or has("adbc_driver_postgresql"):
            peer = measured(task, **settings)
            print_rows(f"{ROWS:,} rows into PostgreSQL, append", ours, name, peer)
            print_row("upsert of as many, beside append", upsert["s"], name, peer["s"])
            assert ours["rows"] == upsert["rows"] == peer["rows"] == ROWS


def test_rows_over_rest(elephant: Postgres) -> None:
    with rest_servers.serve(elephant) as rest:
        found = []
        for task in ("rest_ours", "rest_postgrest"):
            elephant.run(
                "DROP TABLE IF EXISTS rest_bench",
                "CREATE TABLE rest_bench (id bigint, a bigint, b float8, c bool, d text, e timestamp, f bigint, g text, h float8, i text)",
            )
            rest.look()
            found.append(measured(task, connection=dict(rest.connection), rows=REST_ROWS))
            assert elephant.rows("SELECT count(*) FROM rest_bench") == [(REST_ROWS,)]
    print_rows(f"{REST_ROWS:,} rows over REST", found[0], "postgrest in batches of 500", found[1])
