"""supabase.writer over REST, before a real PostgreSQL: modes, what is tried again and what not, what a person is told."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.supabase import driver as supabase
from tests.runtime.driving import context, drive, handed
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import NEW_KEY, PostgRest


def write(rest: PostgRest, folder: Path, columns: dict[str, Any], **config: Any) -> int:
    settled = {"table": "rest_stats", "resolved_connection": rest.connection, **config}
    done = drive("supabase.writer", settled, context(folder), df=handed(folder, pa.table(columns)))
    return int(done["rows_written"])


def refused(rest: PostgRest, folder: Path, columns: dict[str, Any], **config: Any) -> str:
    with pytest.raises(DriverError) as caught:
        write(rest, folder, columns, **config)
    return str(caught.value)


def posts(rest: PostgRest) -> list[int]:
    return [rows for method, _, rows in rest.requests if method == "POST"]


@pytest.fixture(autouse=True)
def stats(postgres: Postgres, postgrest: PostgRest) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS rest_stats, rest_pairs, rest_new",
        "CREATE TABLE rest_stats (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'none', n int)",
        "INSERT INTO rest_stats VALUES (1, 'one', 1), (2, 'two', 2)",
    )
    postgrest.look()


def ids(postgres: Postgres) -> list[int]:
    return [row[0] for row in postgres.rows("SELECT id FROM rest_stats ORDER BY id")]


@pytest.mark.parametrize("mode", ["append", "insert"])
def test_append_adds_rows_in_batches(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, mode: str
) -> None:
    assert write(postgrest, tmp_path, {"id": range(10, 35)}, write_mode=mode, batch_size=10) == 25
    assert posts(postgrest) == [10, 10, 5]
    assert ids(postgres) == [1, 2, *range(10, 35)]


def test_append_leaves_missing_key_to_server(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run("ALTER TABLE rest_stats ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 3)")
    assert write(postgrest, tmp_path, {"n": [3, 4]}, primary_key="id") == 2
    assert ids(postgres) == [1, 2, 3, 4]


def test_upsert_updates_what_is_there_and_leaves_other_columns(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    assert (
        write(postgrest, tmp_path, {"id": [2, 3], "n": [20, 30]}, write_mode="upsert", primary_key="id") == 2
    )
    assert postgres.rows("SELECT * FROM rest_stats ORDER BY id") == [
        (1, "one", 1),
        (2, "two", 20),
        (3, "none", 30),
    ]


def test_replace_removes_every_stale_row_however_many_pages_they_fill(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run("INSERT INTO rest_stats (id) SELECT generate_series(1000, 6000)")
    assert (
        write(postgrest, tmp_path, {"id": range(2500, 5000)}, write_mode="replace", primary_key="id") == 2500
    )
    assert ids(postgres) == list(range(2500, 5000))


def test_replace_by_a_key_of_several_columns_of_any_kind(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run(
        "CREATE TABLE rest_pairs (a text, b numeric(30,10), c timestamptz, v int, PRIMARY KEY (a, b, c))"
    )
    postgrest.look()
    names = ['x,"(y)', "z\\ &", "ž.eq.1"]
    wide = "12345678901234567890.1234567891"

    def rows(some: list[str], v: int) -> dict[str, Any]:
        return {
            "a": some,
            "b": [wide] * len(some),
            "c": ["2024-01-01 00:00:00.123456+01"] * len(some),
            "v": [v] * len(some),
        }

    key = ["a", "b", "c"]
    write(postgrest, tmp_path, rows(names, 1), table="rest_pairs", write_mode="replace", primary_key=key)
    write(postgrest, tmp_path, rows(names[1:], 2), table="rest_pairs", write_mode="replace", primary_key=key)
    assert postgres.rows("SELECT a, b::text, v FROM rest_pairs ORDER BY a") == [
        (name, wide, 2) for name in names[1:]
    ]


def test_a_replace_that_cannot_remove_says_what_is_written_and_what_stays(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgrest.faults = ["none", 500]
    settled = {"write_mode": "replace", "primary_key": "id"}
    said = refused(postgrest, tmp_path, {"id": [2, 3]}, retries=0, **settled)
    assert "Supabase write to public.rest_stats failed: (HTTP 500) fault; all 2 rows were written" in said
    assert "some stale rows may remain; run the step again" in said
    assert ids(postgres) == [1, 2, 3]
    write(postgrest, tmp_path, {"id": [2, 3]}, **settled)
    assert ids(postgres) == [2, 3]


def test_replace_with_no_row_empties_the_table(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    assert (
        write(postgrest, tmp_path, {"id": pa.array([], pa.int64())}, write_mode="replace", primary_key="id")
        == 0
    )
    assert ids(postgres) == []


def test_a_key_of_the_new_kind_is_no_bearer(postgrest: PostgRest, tmp_path: Path) -> None:
    assert (
        write(postgrest, tmp_path, {"id": [3]}, resolved_connection={**postgrest.connection, "key": NEW_KEY})
        == 1
    )


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("status", [429, 503])
def test_what_the_database_never_saw_is_sent_again(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, mode: str, status: int
) -> None:
    postgrest.faults = [status, status]
    assert write(postgrest, tmp_path, {"id": [3]}, write_mode=mode, primary_key="id") == 1
    assert ids(postgres) == [1, 2, 3]


@pytest.mark.parametrize("fault", ["drop", 502, 504])
def test_an_insert_whose_answer_was_lost_is_not_sent_again(
    postgrest: PostgRest, tmp_path: Path, fault: int | str
) -> None:
    postgrest.faults = [fault]
    said = refused(postgrest, tmp_path, {"id": range(10, 20)}, batch_size=100)
    assert posts(postgrest) == [10]
    assert (
        "unknown whether rows were written; look which rows were written before the step runs again; upsert can be repeated"
        in said
    )


@pytest.mark.parametrize("fault", ["drop", "refuse", 502, 504])
def test_an_upsert_whose_answer_was_lost_is_sent_again_and_writes_once(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, fault: int | str
) -> None:
    postgrest.faults = [fault]
    assert write(postgrest, tmp_path, {"id": [3]}, write_mode="upsert", primary_key="id") == 1
    assert ids(postgres) == [1, 2, 3]


def test_retries_that_are_used_up_say_how_many_rows_stay(postgrest: PostgRest, tmp_path: Path) -> None:
    postgrest.faults = [503] * 9
    said = refused(postgrest, tmp_path, {"id": [3]}, retries=1)
    assert "Supabase write to public.rest_stats failed: (HTTP 503) fault; nothing was written" in said
    assert posts(postgrest) == [1, 1]


def test_a_batch_that_fails_says_how_many_rows_were_written_before(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    said = refused(postgrest, tmp_path, {"id": [10, 11, 12, 1, 13]}, batch_size=3)
    assert (
        '(23505) duplicate key value violates unique constraint "rest_stats_pkey"; Key (id)=(1) already exists'
        in said
    )
    assert "; 3 of 5 rows were written before and stay; " in said
    assert ids(postgres) == [1, 2, 10, 11, 12]


def test_rows_that_repeat_a_key_are_blamed(postgrest: PostgRest, tmp_path: Path) -> None:
    said = refused(postgrest, tmp_path, {"id": [10, 11, 10]})
    assert "1 row of the input repeats a key (id); nothing was written; deduplicate them" in said


def test_a_batch_that_takes_the_server_too_long_goes_in_halves(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION slow_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$",
        "CREATE TRIGGER slow_row BEFORE INSERT ON rest_stats FOR EACH ROW EXECUTE FUNCTION slow_row()",
    )
    postgrest.longest_ms = 300
    assert write(postgrest, tmp_path, {"id": range(10, 42)}) == 32
    assert posts(postgrest)[0] == 32
    assert max(posts(postgrest)[1:]) <= 16
    assert len(ids(postgres)) == 34


def test_rows_that_a_trigger_swallows_are_not_reported_as_written(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION swallow_rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER swallow_rest BEFORE INSERT ON rest_stats FOR EACH ROW EXECUTE FUNCTION swallow_rest()",
    )
    assert "the server took 0 of 1 rows (a trigger, rule or policy rejected the rest)" in refused(
        postgrest, tmp_path, {"id": [3]}
    )


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rows_that_the_server_did_not_count_are_not_reported_as_written(
    postgrest: PostgRest, tmp_path: Path, mode: str
) -> None:
    postgrest.faults = ["uncounted"]
    said = refused(postgrest, tmp_path, {"id": [3]}, write_mode=mode, primary_key="id")
    assert "the server did not report how many of 1 rows it took" in said
    assert "unknown whether rows were written" in said
    assert "nothing was written" not in said


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_server_that_is_elsewhere_is_named_and_nothing_is_taken_for_written(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, mode: str
) -> None:
    postgrest.faults = ["elsewhere"]
    said = refused(postgrest, tmp_path, {"id": [3]}, write_mode=mode, primary_key="id")
    assert "(HTTP 301) the server redirects to http://127.0.0.1:" in said
    assert "; nothing was written; set url of the connection to that" in said
    assert ids(postgres) == [1, 2]


@pytest.mark.parametrize(
    "name", ["a b", 'a"b', 'a" b', "a,b", "a\\b", "a.b", "a(b)", "ž: %26", "and", "select"]
)
def test_names_of_tables_and_columns_may_hold_what_addresses_are_made_of(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, name: str
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    table = f"t {name}".replace(".", "_")  # a dot divides schema and table
    named = '"' + table.replace('"', '""') + '"'
    postgres.run(f"DROP TABLE IF EXISTS {named}", f"CREATE TABLE {named} ({quoted} text PRIMARY KEY, v int)")
    postgrest.look()
    settled = {"table": table, "schema": "public", "write_mode": "replace", "primary_key": name}
    for rows in ({name: ["x", "y"], "v": [1, 2]}, {name: ["y"], "v": [3]}):
        write(postgrest, tmp_path, rows, **settled)
    assert postgres.rows(f"SELECT * FROM {named}") == [("y", 3)]
    postgres.run(f"DROP TABLE {named}")


@pytest.mark.parametrize("name", ["a/b", ".."])
def test_a_table_that_no_address_can_hold_is_named(postgrest: PostgRest, tmp_path: Path, name: str) -> None:
    said = refused(postgrest, tmp_path, {"id": [3]}, table=name)
    assert f"table {name!r} cannot be addressed over REST; write over SQL, with pg_dsn" in said


DOCUMENTS = ['{"n": 1000000000000000000000000000001, "l": [1, "a"]}', "[]", None, "5", '"text"']
# not JSON's null: over REST it is the same as nothing


@pytest.mark.parametrize("channel", ["sql", "rest"])
@pytest.mark.parametrize("kind", ["jsonb", "json", "text"])
def test_json_in_a_column_of_text_is_json_in_a_column_of_json_over_either_way(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, kind: str, channel: str
) -> None:
    postgres.run("DROP TABLE IF EXISTS rest_new", f'CREATE TABLE rest_new (id int, "j k" {kind})')
    postgrest.look()
    connection = {**postgrest.connection, "pg_dsn": postgres.dsn}
    columns = {"id": range(5), "j k": pa.array(DOCUMENTS, pa.large_string())}
    write(postgrest, tmp_path, columns, table="rest_new", channel=channel, resolved_connection=connection)
    found = [row[0] for row in postgres.rows('SELECT "j k"::text FROM rest_new ORDER BY id')]
    if kind == "jsonb":
        assert found[0] == '{"l": [1, "a"], "n": 1000000000000000000000000000001}'
        found[0] = DOCUMENTS[0]
    assert [_plain(text) for text in found] == [_plain(text) for text in DOCUMENTS]


def _plain(text: str | None) -> str | None:
    return text and text.replace(" ", "")


@pytest.mark.parametrize(
    ("columns", "config", "expected"),
    [
        ({"id": [3]}, {"table": "nope"}, "table public.nope does not exist; set create_if_missing: true, with pg_dsn in the connection"),
        ({"id": [3]}, {"table": "nope", "create_if_missing": True}, "table public.nope does not exist; set pg_dsn in the connection: only SQL can create a table"),
        ({"id": [3], "nam": [1]}, {}, "(42703) column nam does not exist; nothing was written"),
        ({"id": [3], "name": [None]}, {}, '(23502) null value in column "name" of relation "rest_stats" violates not-null constraint'),
        ({"id": ["x"]}, {}, '(22P02) invalid input syntax for type bigint: "x"'),
        ({"id": [3]}, {"schema": "private"}, "(PGRST106) The schema must be one of the following: public; nothing was written; expose the schema in the project's API settings"),
        ({"id": [3, 3]}, {"write_mode": "upsert", "primary_key": "id"}, "2 rows of the input have the same primary_key (id=3); nothing was written; deduplicate them in an earlier step, or set on_duplicate_keys: last"),
        ({"id": [3], "n": [4]}, {"write_mode": "upsert", "primary_key": "n"}, "(42P10) there is no unique or exclusion constraint matching the ON CONFLICT specification; nothing was written; add a unique constraint on primary_key"),
        ({"id": [3]}, {"channel": "sql"}, "step 's': channel is sql, but the connection has no pg_dsn"),
    ],
)  # fmt: skip
def test_a_refused_write_says_why(
    postgres: Postgres,
    postgrest: PostgRest,
    tmp_path: Path,
    columns: dict[str, Any],
    config: dict[str, Any],
    expected: str,
) -> None:
    assert expected in refused(postgrest, tmp_path, columns, **config)
    assert ids(postgres) == [1, 2]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"key": "eyJhbGciOiJIUzI1NiJ9.wrong.key"}, "(PGRST301) JWSError JWSInvalidSignature; nothing was written; check key of the connection"),
        ({"key": ""}, "@supabase.main (http://127.0.0.1:{port}/rest/v1) has no 'key'"),
        ({"key": "key\nwith a break"}, "key contains invalid characters"),
        ({"url": "http://127.0.0.1:1"}, "Supabase connection failed: @supabase.main (http://127.0.0.1:1/rest/v1): connection refused; nothing was written; check url, and whether the server runs"),
        ({"url": "http://nope.invalid"}, "@supabase.main (http://nope.invalid/rest/v1): the host is not known; nothing was written; check url"),
        ({"url": "x.supabase.co"}, "needs url: https://<project>.supabase.co, or pg_dsn"),
        ({"url": "http://127.0.0.1:99999"}, "@supabase.main (http://127.0.0.1:99999/rest/v1): url is invalid: "),
        ({"url": "http://127.0.0.1:{port}/elsewhere"}, "table public.rest_stats does not exist"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_be_used_is_never_taken_for_a_missing_table(
    postgrest: PostgRest, tmp_path: Path, change: dict[str, str], expected: str
) -> None:
    port = postgrest.port
    change = {key: value.replace("{port}", str(port)) for key, value in change.items()}
    connection = {**postgrest.connection, "family": "supabase", "alias": "main", **change}
    said = refused(
        postgrest, tmp_path, {"id": [3]}, resolved_connection=connection, retries=0, create_if_missing=True
    )
    assert expected.replace("{port}", str(port)) in said
    assert "wrong.key" not in said


def test_a_table_that_cannot_be_made_is_named_and_nothing_is_called_written(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    connection = {**postgrest.connection, "pg_dsn": postgres.dsn.replace("osiris:", "guest:")}
    told = {"table": "rest_new", "channel": "rest", "create_if_missing": True}
    said = refused(postgrest, tmp_path, {"id": [1]}, resolved_connection=connection, **told)
    assert (
        "step 's': table public.rest_new cannot be created: (42501) permission denied for schema public"
        in said
    )
    assert posts(postgrest) == []


def test_a_privilege_that_the_key_lacks_is_named(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run("REVOKE INSERT ON rest_stats FROM osiris")
    assert (
        "(42501) permission denied for table rest_stats; the key's role lacks a privilege; nothing was written; "
        "GRANT it, or use the service role's key" in refused(postgrest, tmp_path, {"id": [3]})
    )


def test_with_an_address_the_table_is_made_and_waited_for(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    connection = {**postgrest.connection, "pg_dsn": postgres.dsn}
    assert (
        write(
            postgrest,
            tmp_path,
            {"id": [1], "v": ["x"]},
            table="rest_new",
            channel="rest",
            create_if_missing=True,
            write_mode="upsert",
            primary_key="id",
            resolved_connection=connection,
        )
        == 1
    )
    assert postgres.rows("SELECT * FROM rest_new") == [(1, "x")]


def test_with_an_address_rows_go_over_sql(postgres: Postgres, postgrest: PostgRest, tmp_path: Path) -> None:
    connection = {**postgrest.connection, "pg_dsn": postgres.dsn}
    assert write(postgrest, tmp_path, {"id": [7]}, resolved_connection=connection) == 1
    assert postgrest.requests == []
    assert ids(postgres) == [1, 2, 7]


def test_probe_says_what_answers(postgres: Postgres, postgrest: PostgRest) -> None:
    assert (
        supabase.test_connection(postgrest.connection)
        == f"REST at the connection (http://127.0.0.1:{postgrest.port}/rest/v1)"
    )
    assert "PostgreSQL" in supabase.test_connection({**postgrest.connection, "pg_dsn": postgres.dsn})
    with pytest.raises(DriverError, match="PGRST301"):
        supabase.test_connection({**postgrest.connection, "key": "wrong"})


@pytest.mark.parametrize(
    ("name", "delimiter"), [("id;n", "';'"), ("id\tn", r'"\t"')], ids=["semicolons", "tabs"]
)
def test_header_read_as_one_column_names_delimiter(
    postgrest: PostgRest, tmp_path: Path, name: str, delimiter: str
) -> None:
    text = refused(postgrest, tmp_path, {name: ["1;2"]})
    assert f"the frame has one column, {name!r}" in text
    assert text.endswith(f"set delimiter: {delimiter} in the step that reads the file")
