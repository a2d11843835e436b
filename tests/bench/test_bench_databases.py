"""Databases side by side with what one would write by hand: pandas over pymysql and SQLAlchemy, REST in batches of 500.

Each side runs in a process of its own, so that its peak of memory is its own. Prints, beside what is aimed at; asserts that
every row is there, and no time. Run with ``-m bench -s``.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.runtime.servers import mariadb as maria_servers
from tests.runtime.servers import postgres as postgres_servers
from tests.runtime.servers import postgrest as rest_servers
from tests.runtime.servers.mariadb import MariaDb
from tests.runtime.servers.postgres import Postgres

pytest.importorskip("sqlalchemy", reason="the other side of the comparison is pandas over SQLAlchemy")
pytestmark = pytest.mark.bench
ROWS = 1_000_000
REST_ROWS = 100_000

COMMON = """
import json, re, sys, tempfile, time
from pathlib import Path
import pandas as pd, pyarrow as pa
told = json.loads(sys.argv[1])
# of this process alone: what getrusage tells begins with the peak of the process that started it
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
def frame(rows):
    import numpy as np
    n = np.arange(rows)
    return pd.DataFrame({"id": n, "a": n * 7 % 1000, "b": n / 3, "c": n % 2 == 0, "d": pd.Series(n % 5000).astype(str).radd("name "),
        "e": pd.Timestamp("2024-01-01") + pd.to_timedelta(n % 10**6, unit="s"), "f": n * 11, "g": "text", "h": n / 7, "i": pd.Series(n).astype(str)})
def done(began, before, rows, how=None): print(json.dumps({"s": time.perf_counter() - began, "bytes": peak() - before, "rows": rows}))
"""
OURS = """
from tests.runtime.driving import context, handed, drive, STORAGES
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
folder = Path(tempfile.mkdtemp())
"""
SIDES = {
    "mysql ours": OURS
    + """
import osiris_inspect.runtime.drivers.mysql, pyarrow.compute
config = {**all_components()["mysql.extractor"].defaults, "query": "SELECT * FROM bench", "resolved_connection": told["connection"]}
store = FrameStore(folder, SpillPolicy())
before, began = peak(), time.perf_counter()
kept = store.put("s", drivers.load_driver("mysql.extractor").run(step_id="s", config=config, inputs={}, ctx=context(folder)))
done(began, before, kept.rows)
""",
    "mysql theirs": """
import sqlalchemy as sa, pymysql
url = sa.URL.create("mysql+pymysql", **told["url"])
engine = sa.create_engine(url)
before, began = peak(), time.perf_counter()
found = pd.read_sql("SELECT * FROM bench", engine)
done(began, before, len(found))
""",
    "postgres ours": OURS
    + """
import osiris_inspect.runtime.drivers.postgres, pyarrow.csv, pyarrow.compute
resolved = handed(folder, frame(told["rows"]))
before, began = peak(), time.perf_counter()
written = drive("postgres.writer", {"table": "ours", "create_if_missing": True, "write_mode": told["mode"], "primary_key": "id", "resolved_connection": told["connection"]}, context(folder), df=resolved)
done(began, before, written["rows_written"])
""",
    "postgres theirs": """
import sqlalchemy as sa
engine = sa.create_engine(sa.URL.create("postgresql+psycopg", **told["url"]))
given = frame(told["rows"])
before, began = peak(), time.perf_counter()
given.to_sql("theirs", engine, index=False, if_exists="append", chunksize=500, method=None)
done(began, before, len(given))
""",
    "rest ours": OURS
    + """
resolved = handed(folder, frame(told["rows"]))
before, began = peak(), time.perf_counter()
written = drive("supabase.writer", {"table": "rest_bench", "resolved_connection": told["connection"]}, context(folder), df=resolved)
done(began, before, written["rows_written"])
""",
    "rest theirs": """
from postgrest import SyncPostgrestClient
given = frame(told["rows"])
key = told["connection"]["key"]
client = SyncPostgrestClient(told["connection"]["url"] + "/rest/v1", headers={"apikey": key, "Authorization": "Bearer " + key})
before, began = peak(), time.perf_counter()
given["e"] = given["e"].astype(str)
records = given.to_dict("records")
for start in range(0, len(records), 500):
    client.from_("rest_bench").insert(records[start:start + 500]).execute()
done(began, before, len(records))
""",
}


def side(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", COMMON + SIDES[name], json.dumps(told)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{name}: {found['rows']:,} rows, {found['s']:.2f} s, +{found['bytes'] / 1e6:.0f} MB", end="")
    return found


def compare(ours: Mapping[str, Any], theirs: Mapping[str, Any], what: str, aim: float | None = None) -> None:
    found = float(ours[what]) / float(theirs[what])
    aimed = f", {aim:.2f} is aimed at" if aim is not None else ""
    print(f"\n  {what}: {found:.2f} of theirs{aimed}", end="")


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


def test_a_million_rows_out_of_mariadb(maria: MariaDb) -> None:
    # as root: pymysql sends passwords in latin-1, and ours holds more
    root = {**address(maria.connection), "username": "root", "password": ""}
    told = {"connection": dict(maria.connection), "url": root}
    ours, theirs = side("mysql ours", told), side("mysql theirs", told)
    assert ours["rows"] == theirs["rows"] == ROWS
    compare(ours, theirs, "s", 0.35)
    compare(ours, theirs, "bytes", 0.25)


def test_a_million_rows_into_postgres(elephant: Postgres) -> None:
    told = {"connection": dict(elephant.connection), "url": address(elephant.connection), "rows": ROWS}
    ours = side("postgres ours", {**told, "mode": "append"})
    again = side("postgres ours", {**told, "mode": "upsert"})
    theirs = side("postgres theirs", told)
    assert ours["rows"] == again["rows"] == theirs["rows"] == ROWS
    compare(ours, theirs, "s", 0.15)
    compare(again, theirs, "s")


def test_rows_over_rest(elephant: Postgres) -> None:
    with rest_servers.serve(elephant) as rest:
        found = []
        for name in ("rest ours", "rest theirs"):
            elephant.run(
                "DROP TABLE IF EXISTS rest_bench",
                "CREATE TABLE rest_bench (id bigint, a bigint, b float8, c bool, d text, e timestamp, f bigint, g text, h float8, i text)",
            )
            rest.look()
            found.append(side(name, {"connection": dict(rest.connection), "rows": REST_ROWS}))
            assert elephant.rows("SELECT count(*) FROM rest_bench") == [(REST_ROWS,)]
    compare(found[0], found[1], "s", 0.5)
