"""postgres.extractor and postgres.writer on a real server: modes, failures, poolers."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.drivers.postgres import connect as postgres_connect
from osiris_inspect.runtime.drivers.postgres import driver
from tests.runtime.driving import context, drive, handed
from tests.runtime.runs import make_run, needs
from tests.runtime.servers import postgres as servers
from tests.runtime.servers.postgres import PASSWORD, Postgres


def write(postgres: Postgres, folder: Path, columns: dict[str, Any], **config: Any) -> dict[str, Any]:
    settled = {"table": "stats", "resolved_connection": postgres.connection, **config}
    return drive("postgres.writer", settled, context(folder), df=handed(folder, pa.table(columns)))


def refused(postgres: Postgres, folder: Path, columns: dict[str, Any], **config: Any) -> str:
    before = postgres.rows("SELECT * FROM stats ORDER BY id")
    with pytest.raises(DriverError) as caught:
        write(postgres, folder, columns, **config)
    assert postgres.rows("SELECT * FROM stats ORDER BY id") == before
    return str(caught.value)


@pytest.fixture(autouse=True)
def stats(postgres: Postgres) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS stats CASCADE",
        "CREATE TABLE stats (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'none', n int, CHECK (n < 1000))",
        "INSERT INTO stats VALUES (1, 'one', 1), (2, 'two', 2)",
    )


@pytest.mark.parametrize("mode", ["append", "insert"])
def test_append_adds_rows(postgres: Postgres, tmp_path: Path, mode: str) -> None:
    assert write(postgres, tmp_path, {"id": [3], "n": [3]}, write_mode=mode) == {"rows_written": 1}
    assert postgres.rows("SELECT * FROM stats WHERE id > 2") == [(3, "none", 3)]


def test_upsert_updates_what_is_there_and_adds_the_rest(postgres: Postgres, tmp_path: Path) -> None:
    assert write(
        postgres, tmp_path, {"id": [2, 3], "n": [20, 30]}, write_mode="upsert", primary_key="id"
    ) == {"rows_written": 2}
    assert postgres.rows("SELECT * FROM stats ORDER BY id") == [
        (1, "one", 1),
        (2, "two", 20),
        (3, "none", 30),
    ]


def test_upsert_of_keys_alone_counts_every_row(postgres: Postgres, tmp_path: Path) -> None:
    assert write(postgres, tmp_path, {"id": [1, 9]}, write_mode="upsert", primary_key="id") == {
        "rows_written": 2
    }


def test_replace_leaves_these_rows_and_no_others(postgres: Postgres, tmp_path: Path) -> None:
    write(postgres, tmp_path, {"id": [2, 5], "n": [20, 50]}, write_mode="replace", primary_key=["id"])
    assert postgres.rows("SELECT id, n FROM stats ORDER BY id") == [(2, 20), (5, 50)]


def test_replace_with_no_row_empties_the_table(postgres: Postgres, tmp_path: Path) -> None:
    columns = {"id": pa.array([], pa.int64())}
    assert write(postgres, tmp_path, columns, write_mode="replace", primary_key="id") == {"rows_written": 0}
    assert postgres.rows("SELECT count(*) FROM stats") == [(0,)]


def test_replace_keeps_rows_that_others_refer_to(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run("CREATE TABLE refers (id bigint REFERENCES stats)", "INSERT INTO refers VALUES (2)")
    write(postgres, tmp_path, {"id": [2], "n": [7]}, write_mode="replace", primary_key="id")
    said = refused(postgres, tmp_path, {"id": [3]}, write_mode="replace", primary_key="id")
    assert '(23503) update or delete on table "stats" violates foreign key constraint' in said
    postgres.run("DROP TABLE refers")


def test_a_key_of_several_columns(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS pairs", "CREATE TABLE pairs (a text, b numeric(6,2), v int, PRIMARY KEY (b, a))"
    )
    for columns in (
        {"a": ["x", "y"], "b": ["1.50", "2"], "v": [1, 2]},
        {"a": ["y", "z"], "b": ["2.00", "1.5"], "v": [3, 4]},
    ):
        write(postgres, tmp_path, columns, table="pairs", write_mode="replace", primary_key=["a", "b"])
    assert postgres.rows("SELECT a, b::text, v FROM pairs ORDER BY a") == [("y", "2.00", 3), ("z", "1.50", 4)]


def test_names_are_taken_as_they_are(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run('DROP SCHEMA IF EXISTS "My Schema" CASCADE', 'CREATE SCHEMA "My Schema"')
    columns = {'a"b': [1], "select": ["x"], "Ünï %s": [True]}
    assert write(
        postgres,
        tmp_path,
        columns,
        schema="My Schema",
        table='t"; drop table stats; --',
        create_if_missing=True,
        write_mode="upsert",
        primary_key='a"b',
    ) == {"rows_written": 1}
    assert postgres.rows('SELECT "select" FROM "My Schema"."t""; drop table stats; --"') == [("x",)]


@pytest.mark.parametrize(
    ("columns", "config", "expected"),
    [
        ({"id": [1]}, {}, '(23505) duplicate key value violates unique constraint "stats_pkey"; Key (id)=(1) already exists.'),
        ({"id": [3, 4, 3, 3]}, {}, "Key (id)=(3) already exists.; COPY stats, line 3; 2 rows of the input repeat a key (id); nothing was written; deduplicate them in an earlier step"),
        ({"id": [1], "n": [2]}, {}, "Key (id)=(1) already exists.; COPY stats, line 1; nothing was written; remove or change the rows whose key exists"),
        ({"id": [3], "name": [None]}, {}, '(23502) null value in column "name"'),
        ({"id": [3], "n": [5000]}, {}, '(23514) new row for relation "stats" violates check constraint "stats_n_check"'),
        ({"idd": [3]}, {}, "table public.stats has no column 'idd'; it has id, name, n; did you mean 'id'?"),
        ({"id": [3]}, {"table": "stat"}, "table public.stat does not exist; did you mean 'stats'?"),
        ({"id": [3]}, {"table": "unheard_of"}, "table public.unheard_of does not exist; set create_if_missing: true to create it"),
        ({"id": [3]}, {"write_mode": "upsert", "primary_key": "key"}, "the frame has no column 'key' of primary_key; it has id"),
        ({"n": [3]}, {"write_mode": "upsert", "primary_key": "n"}, "table public.stats has no unique constraint on (n), which upsert needs; unique are: id"),
        ({"id": [7, 7]}, {"write_mode": "upsert", "primary_key": "id"}, "2 rows of the input have the same primary_key (id=7); nothing was written; deduplicate them in an earlier step, or set on_duplicate_keys: last"),
        ({"id": [3]}, {"schema": "pg_catalog", "table": "osiris_new", "create_if_missing": True}, '(42501) permission denied for schema pg_catalog; the user lacks a privilege; nothing was written; GRANT it, or connect as another user'),
        ({"id": [3]}, {"schema": "nope", "create_if_missing": True}, '(3F000) schema "nope" does not exist'),
        ({"id": [7, None]}, {"write_mode": "replace", "primary_key": "id"}, "1 rows have no value in primary_key (id)"),
    ],
)  # fmt: skip
def test_a_refused_write_leaves_the_table_as_it_was_and_says_why(
    postgres: Postgres, tmp_path: Path, columns: dict[str, Any], config: dict[str, Any], expected: str
) -> None:
    assert expected in refused(postgres, tmp_path, columns, **config)


def test_a_row_that_fails_late_undoes_all_before_it(postgres: Postgres, tmp_path: Path) -> None:
    ids = [*range(10, 200_010), 1]
    assert "line 200001" in refused(postgres, tmp_path, {"id": ids})


def test_of_rows_with_one_key_the_last_is_kept_where_asked(postgres: Postgres, tmp_path: Path) -> None:
    done = write(
        postgres,
        tmp_path,
        {"id": [7, 8, 7], "n": [1, 2, 3]},
        write_mode="upsert",
        primary_key="id",
        on_duplicate_keys="last",
    )
    assert done == {"rows_written": 2}
    assert postgres.rows("SELECT id, n FROM stats WHERE id > 2 ORDER BY id") == [(7, 3), (8, 2)]


def test_rows_that_a_trigger_swallows_are_not_reported_as_written(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.n = 13 THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER swallow BEFORE INSERT ON stats FOR EACH ROW EXECUTE FUNCTION swallow()",
    )
    said = refused(postgres, tmp_path, {"id": [3, 4], "n": [13, 14]})
    assert (
        "the server took 1 of 2 rows (a trigger, rule or policy rejected the rest); nothing was written"
        in said
    )


def test_a_constraint_that_is_checked_at_the_end_undoes_the_write(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run("ALTER TABLE stats ADD CONSTRAINT later UNIQUE (n) DEFERRABLE INITIALLY DEFERRED")
    assert "(23505)" in refused(postgres, tmp_path, {"id": [5, 6], "n": [50, 50]})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "wrong-word"}, "@postgres.main (osiris at 127.0.0.1:{port}): connection to server at \"127.0.0.1\", port {port} failed: FATAL:  password authentication failed for user \"osiris\"; check user and password of the connection"),
        ({"host": "nope.invalid"}, "host 'nope.invalid' is not known; check host"),
        ({"port": 1}, "connection refused; check host and port, and whether the server runs"),
        ({"database": "nope"}, 'database "nope" does not exist'),
        ({"user": ""}, "connection @postgres.main has no 'user' and no dsn"),
        ({"dsn": "postgresql://osiris:half-a-word@[::1:5432/x"}, "the dsn is invalid; write postgresql://user:password@host:port/database"),
        ({"sslmode": "require"}, "server does not support SSL, but SSL was required"),
    ],
)  # fmt: skip
def test_why_no_connection_came_about_names_the_connection_and_no_password(
    postgres: Postgres, tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    connection = {**postgres.connection, "family": "postgres", "alias": "main", **change}
    said = refused(postgres, tmp_path, {"id": [3]}, resolved_connection=connection)
    assert expected.format(port=postgres.port) in said
    for piece in (PASSWORD, "wrong-word", "half-a-word"):
        assert piece not in said


def test_a_direct_host_of_supabase_that_only_ipv6_reaches_says_to_use_the_pooler() -> None:
    needs("bwrap")
    dsn = "postgresql://u:p-word@db.abcdefghijklmnopqrst.supabase.co:5432/postgres?hostaddr=2001:db8::1"
    connecting = f"from osiris_inspect.runtime.drivers.postgres import connect as p; p.connect({{'pg_dsn': {dsn!r}}}, 2)"
    without_network = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", sys.executable, "-c", connecting]
    said = subprocess.run(without_network, capture_output=True, text=True, check=False).stderr
    assert (
        "db.abcdefghijklmnopqrst.supabase.co is a direct host of Supabase, which has only an IPv6 address, and this "
        "machine cannot reach it; use the address of the pooler, which Supabase shows under Connect"
    ) in said
    assert "p-word" not in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("host", "words", "expected"),
    [
        ("db.abc.supabase.co", "failed to resolve host 'db.abc.supabase.co': [Errno -5] No address associated with hostname", "No address associated with hostname; db.abc.supabase.co is a direct host of Supabase"),
        ("db.abc.supabase.co", "connection timeout expired", "connection timeout expired; db.abc.supabase.co is a direct host of Supabase"),
        ("db.abc.supabase.co", 'connection to server at "2001:db8::1", port 5432 failed: Cannot assign requested address', "is a direct host of Supabase"),
        ("db.abc.supabase.co", 'connection to server at "1.2.3.4", port 5432 failed: FATAL:  password authentication failed', "check user and password of the connection"),
        ("aws-0-eu.pooler.supabase.com", "connection timeout expired", "no answer in time; check host, port and firewall"),
        ("pg.example", 'connection to server at "2001:db8::1", port 5432 failed: Network is unreachable', "pg.example may have only an IPv6 address, which this machine cannot reach; use an address with IPv4"),
    ],
)  # fmt: skip
def test_what_a_system_without_a_way_says_is_told_apart(host: str, words: str, expected: str) -> None:
    error = postgres_connect._connect_error(psycopg.OperationalError(words), {}, {"host": host})
    assert expected in str(error)


@pytest.mark.parametrize("raw", [False, True], ids=["escaped", "as it is"])
def test_an_address_may_hold_its_password_escaped_or_as_it_is(postgres: Postgres, raw: bool) -> None:
    dsn = f"postgresql://osiris:{PASSWORD}@127.0.0.1:{postgres.port}/movies" if raw else postgres.dsn
    assert driver.test_connection({"pg_dsn": dsn}).endswith("database movies, user osiris, no TLS")


def test_a_privilege_that_is_missing_is_named(postgres: Postgres, tmp_path: Path) -> None:
    connection = {**postgres.connection, "user": "guest"}
    said = refused(postgres, tmp_path, {"id": [3]}, resolved_connection=connection)
    assert (
        "(42501) permission denied for table stats; the user lacks a privilege; nothing was written; GRANT it"
        in said
    )


def test_a_statement_over_its_time_is_ended_and_nothing_is_written(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$",
        "CREATE TRIGGER slow BEFORE INSERT ON stats FOR EACH ROW EXECUTE FUNCTION slow()",
    )
    said = refused(postgres, tmp_path, {"id": [3]}, statement_timeout=0.2)
    assert "(57014) canceling statement due to statement timeout" in said


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_pooler_in_transaction_mode_serves_every_mode(
    postgres: Postgres, tmp_path: Path, mode: str
) -> None:
    with servers.behind_pgbouncer(postgres) as port:
        connection = {"pg_dsn": postgres.dsn_at(port)}
        for number in (10, 20, 30):
            write(
                postgres,
                tmp_path,
                {"id": [number]},
                write_mode=mode,
                primary_key="id",
                resolved_connection=connection,
                statement_timeout=30,
            )
        config = {
            "query": "SELECT count(*) AS n FROM stats",
            "resolved_connection": connection,
            "query_timeout": 30,
        }
        assert drive("postgres.extractor", config, context(tmp_path))["df"]["n"].to_pylist() == [
            1 if mode == "replace" else 5
        ]


def test_where_policies_hold_rows_go_in_all_the_same(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "ALTER TABLE stats ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE stats FORCE ROW LEVEL SECURITY",
        "CREATE POLICY all_rows ON stats USING (true) WITH CHECK (id < 100)",
    )
    assert write(postgres, tmp_path, {"id": [3]}) == {"rows_written": 1}
    assert "violates row-level security policy" in refused(postgres, tmp_path, {"id": [300]})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT *\nFROM nope", 'step \'s\': PostgreSQL query failed in line 2: (42P01) relation "nope" does not exist; check the names of tables'),
        ("SELECT nam FROM stats", "column \"nam\" does not exist"),
        ("SELEC 1", "failed in line 1: (42601) syntax error at or near \"SELEC\"; check the SQL"),
        ("SET a.b = 1", "the query returns no rows; write a SELECT"),
        ("SELECT 1; SELECT 2", "(42601) cannot insert multiple commands into a prepared statement"),
        ("SELECT 'infinity'::timestamp AS x", "column 'x' contains 'infinity', which is not a valid timestamp[us]; exclude it or cast it to text in the query"),
        ("SELECT 1/(id - 2) FROM stats", "PostgreSQL query failed: (22012) division by zero"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_query_is_said_in_the_servers_words(
    postgres: Postgres, tmp_path: Path, query: str, expected: str
) -> None:
    with pytest.raises(DriverError) as caught:
        drive(
            "postgres.extractor",
            {"query": query, "resolved_connection": postgres.connection},
            context(tmp_path),
        )
    assert expected in str(caught.value)


def test_rows_come_in_order_and_progress_is_told(postgres: Postgres, tmp_path: Path) -> None:
    told: list[int] = []
    config = {
        "query": "SELECT n, repeat('x', n % 300) AS t FROM generate_series(1, 100000) n;",
        "resolved_connection": postgres.connection,
    }
    table = drive("postgres.extractor", config, context(tmp_path, told))["df"]
    assert table["n"].to_pylist() == list(range(1, 100_001))
    assert len(told) > 2
    assert told[-1] == 100_000


def test_one_column_of_nothing_keeps_its_rows(postgres: Postgres, tmp_path: Path) -> None:
    config = {
        "query": "SELECT NULL::text AS a UNION ALL SELECT '' UNION ALL SELECT NULL",
        "resolved_connection": postgres.connection,
    }
    assert drive("postgres.extractor", config, context(tmp_path))["df"]["a"].to_pylist() == [None, "", None]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["id\tn"], "the frame has one column, 'id\\tn': its file was read with another delimiter; set delimiter: \"\\t\""),
        (["id;n"], "the frame has one column, 'id;n': its file was read with another delimiter; set delimiter: ';'"),
        (["id", "n", "id"], "the frame has 2 columns named 'id'; give each column its own name"),
        (["id", "ID"], "table public.stats has no column 'ID'; it has id, name, n"),
        (["id", 7], "table public.stats has no column '7'; it has id, name, n"),
    ],
)  # fmt: skip
def test_error_shows_names_of_the_frame(
    postgres: Postgres, tmp_path: Path, names: list[Any], text: str
) -> None:
    frame = pd.DataFrame([list(range(len(names)))], columns=names)
    settled = {"table": "stats", "resolved_connection": postgres.connection}
    with pytest.raises(DriverError) as caught:
        drive("postgres.writer", settled, context(tmp_path), df=handed(tmp_path, frame))
    assert text in str(caught.value)
    assert caught.value.facts["rows_written"] == 0


def test_hint_with_near_column_is_a_suggestion(postgres: Postgres, tmp_path: Path) -> None:
    settled = {"query": "SELECT nam FROM stats", "resolved_connection": postgres.connection}
    with pytest.raises(DriverError) as caught:
        drive("postgres.extractor", settled, context(tmp_path))
    assert caught.value.fix == "did you mean 'stats.name'?"


def test_other_hint_stays_in_the_message(postgres: Postgres, tmp_path: Path) -> None:
    settled = {"query": "SELECT 1 WHERE now() = 1", "resolved_connection": postgres.connection}
    with pytest.raises(DriverError) as caught:
        drive("postgres.extractor", settled, context(tmp_path))
    assert "You might need to add explicit type casts" in caught.value.message
    assert caught.value.fix == "cast one side to the type of the other"


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_frame_with_most_columns_is_written(postgres: Postgres, tmp_path: Path, mode: str) -> None:
    postgres.run("DROP TABLE IF EXISTS wide")
    columns = {"id": [1, 2], **{f"c{number}": [number % 2 == 0, True] for number in range(1599)}}
    config = {"table": "wide", "write_mode": mode, "primary_key": "id", "create_if_missing": True}
    assert write(postgres, tmp_path, columns, **config) == {"rows_written": 2}
    if mode != "append":
        assert write(postgres, tmp_path, columns, **config) == {"rows_written": 2}
    assert postgres.rows("SELECT id, c0, c1, c1598 FROM wide ORDER BY id") == [
        (1, True, False, True),
        (2, True, True, True),
    ]


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(
    ("number", "code", "fix"),
    [
        (
            1600,
            "54000",
            "write fewer columns or shorter values, or put several columns into one of type jsonb",
        ),
        (1601, "54011", "write fewer columns, or put several into one of type jsonb"),
    ],
)
def test_frame_too_wide_for_table_is_refused(
    postgres: Postgres, tmp_path: Path, mode: str, number: int, code: str, fix: str
) -> None:
    postgres.run("DROP TABLE IF EXISTS wide")
    columns = {f"c{number}": [5] for number in range(number)}
    config = {"table": "wide", "write_mode": mode, "primary_key": "c0", "create_if_missing": True}
    with pytest.raises(DriverError) as caught:
        write(postgres, tmp_path, columns, **config)
    assert (caught.value.facts["code"], caught.value.fix) == (code, fix)
    assert postgres.rows("SELECT to_regclass('wide')") == [(None,)]


SLEEP = "pg_sleep(1.25)"


@pytest.mark.parametrize(("limit", "expected"), [({"postgres.main": 2}, 2), ({}, 4)])
@pytest.mark.parametrize("on", ["none", "bwrap"])
def test_connection_has_at_most_its_limit_of_sessions(
    postgres: Postgres, tmp_path: Path, on: str, limit: dict[str, int], expected: int
) -> None:
    steps = [f"s{number}" for number in range(5)]
    text = 'oml_version: "0.1.0"\nname: limited\nsteps:\n' + "".join(
        f"  - {{id: {step}, component: postgres.extractor, "
        f'config: {{connection: "@postgres.main", query: "SELECT 1 AS n FROM {SLEEP}"}}}}\n'
        for step in steps
    )
    used = Connections(dict.fromkeys(steps, postgres.connection), max_parallel=limit)
    counts: list[int] = []
    is_over = threading.Event()
    watcher = threading.Thread(target=_count_sessions, args=(postgres, counts, is_over))
    watcher.start()
    try:
        outcome = make_run(tmp_path, on, text=text, connections=used, jobs=4)
    finally:
        is_over.set()
        watcher.join()
    assert outcome.status == "success", outcome.reason
    assert max(counts) == expected


def _count_sessions(postgres: Postgres, counts: list[int], is_over: threading.Event) -> None:
    """Note again and again how many sessions run the query of the steps."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
        f"AND query LIKE '%{SLEEP}%'"
    )
    with postgres.session() as session:
        while not is_over.wait(0.02):
            counts += [row[0] for row in session.execute(query)]
