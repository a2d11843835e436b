"""Errors of databases are data: kinds, fixes and facts of real servers, and what a writer says was written."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.error_info import ERROR_KINDS
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.finding import Severity
from tests.cli.shell import osiris_inspect
from tests.runtime.driving import context, drive, handed
from tests.runtime.servers.mariadb import MariaDb
from tests.runtime.servers.places import free_port
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import KEY, PostgRest

OUTCOMES = ("nothing was written", "rows were written", "unknown whether rows were written")


def failure(folder: Path, component: str, config: Mapping[str, Any], **inputs: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        drive(component, config, context(folder), **inputs)
    error = caught.value
    assert error.kind in ERROR_KINDS
    assert error.fix
    assert str(error).endswith(f"; {error.fix}")
    return error


def write_failure(folder: Path, component: str, columns: Mapping[str, Any], **config: Any) -> DriverError:
    """Return the error of a write, which states exactly one outcome."""
    error = failure(folder, component, config, df=handed(folder, pa.table(columns)))
    assert "rows_written" in error.facts
    written = error.facts["rows_written"]
    assert ("unknown whether rows were written" in error.message) == (written == "unknown")
    assert not (written == "unknown" and "nothing was written" in error.message)
    return error


@pytest.mark.parametrize(
    ("query", "kind", "expected"),
    [
        ("SELECT 1 FROM nope", "table-missing", {"code": 1146, "table": "movies.nope"}),
        ("SELECT nope", "column-missing", {"code": 1054, "column": "nope"}),
        ("SELEC 1", "sql-syntax", {"code": 1064}),
        ("SELECT 1 FROM nope.t", "permission-denied", {"code": 1142}),
        ("SELECT nope(1)", "query-failed", {}),
        ("DO 1", "query-result-unusable", {}),
        ("SELECT POW(10, 999)", "query-failed", {"code": 1690}),
        ("SELECT CAST('2024-00-10' AS DATE) AS d", "value-not-convertible", {"column": "d"}),
    ],
)
def test_mysql_query_failure_has_kind_and_facts(
    mariadb: MariaDb, tmp_path: Path, query: str, kind: str, expected: dict[str, Any]
) -> None:
    config = {"query": query, "resolved_connection": mariadb.connection}
    error = failure(tmp_path, "mysql.extractor", config)
    assert error.kind == kind
    assert {key: error.facts[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "wrong"}, "authentication-failed"),
        ({"host": "nope.invalid"}, "host-not-found"),
        ({"port": 1}, "connection-refused"),
        ({"port": "x"}, "config-value-invalid"),
        ({"database": "nope"}, "permission-denied"),
        ({"database": "nope", "user": "root", "password": ""}, "database-missing"),
        ({"user": ""}, "config-value-missing"),
        ({"ssl_mode": "sometimes"}, "config-value-invalid"),
        ({"charset": "utf9"}, "config-value-invalid"),
        ({"host": "x" * 70 + ".invalid"}, "config-value-invalid"),
        ({"ssl_ca": "/nope.pem"}, "file-missing"),
        ({"ssl_mode": "required"}, "tls-failed"),
    ],
)
def test_mysql_connection_failure_has_kind(
    mariadb: MariaDb, tmp_path: Path, change: dict[str, Any], kind: str
) -> None:
    connection = {**mariadb.connection, **change}
    config = {"query": "SELECT 1", "resolved_connection": connection}
    assert failure(tmp_path, "mysql.extractor", config).kind == kind


@pytest.mark.parametrize(("what", "kind"), [("KILL", "connection-lost"), ("KILL QUERY", "query-cancelled")])
def test_mysql_query_that_is_killed_is_told_apart(
    mariadb: MariaDb, tmp_path: Path, what: str, kind: str
) -> None:
    mark = f"victim of {what}"
    find = f"SELECT id FROM information_schema.processlist WHERE info LIKE '%{mark}%' AND command = 'Execute'"

    def kill() -> None:
        with mariadb.session() as session, session.cursor() as cursor:
            while not cursor.execute(find):
                pass
            cursor.execute(f"{what} {cursor.fetchone()[0]}")

    thread = threading.Thread(target=kill)
    thread.start()
    query = f"SELECT seq, '{mark}' FROM seq_1_to_100000 WHERE SLEEP(0.001) = 0"
    config = {"query": query, "resolved_connection": mariadb.connection}
    error = failure(tmp_path, "mysql.extractor", config)
    thread.join(20)
    assert error.kind == kind


def test_mysql_query_timeout_has_kind(mariadb: MariaDb, tmp_path: Path) -> None:
    query = "SELECT seq FROM seq_1_to_1000000 WHERE SLEEP(0.01) = 0"
    config = {"query": query, "resolved_connection": mariadb.connection, "query_timeout": 0.2}
    error = failure(tmp_path, "mysql.extractor", config)
    assert (error.kind, error.fix) == ("query-timeout", "raise query_timeout")


@pytest.fixture
def items(postgres: Postgres) -> Iterator[None]:
    postgres.run(
        "DROP TABLE IF EXISTS items, owners",
        "CREATE TABLE owners (id int PRIMARY KEY)",
        "CREATE TABLE items (id bigint PRIMARY KEY, name varchar(3) NOT NULL DEFAULT 'x', n int CHECK (n > 0), "
        "owner int REFERENCES owners DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO items VALUES (1, 'one', 1)",
    )
    yield
    postgres.run("DROP TABLE IF EXISTS items, owners")


@pytest.mark.parametrize(
    ("query", "kind", "expected"),
    [
        ("SELECT *\nFROM nope", "table-missing", {"code": "42P01", "line": 2}),
        ("SELECT nope", "column-missing", {"code": "42703"}),
        ("SELEC 1", "sql-syntax", {"code": "42601"}),
        ("SELECT 1/0", "query-failed", {"code": "22012"}),
        ("SELECT 'x'::int", "value-refused", {"code": "22P02"}),
        ("SELECT (SELECT generate_series(1, 2))", "query-failed", {"code": "21000"}),
        ("SELECT nope(1)", "query-failed", {"code": "42883"}),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "connection-lost", {"code": "57P01"}),
        ("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)", "query-cancelled", {"code": "57014"}),
        ("SELECT 1 FROM pg_authid", "permission-denied", {"code": "42501"}),
        ("SELECT 'infinity'::timestamp AS t", "value-not-convertible", {"column": "t", "value": "infinity"}),
        ("CREATE TEMP TABLE t (a int)", "query-result-unusable", {}),
    ],
)
def test_postgres_query_failure_has_kind_and_facts(
    postgres: Postgres, tmp_path: Path, query: str, kind: str, expected: dict[str, Any]
) -> None:
    user = "guest" if kind == "permission-denied" else "osiris"
    connection = {**postgres.connection, "user": user}
    error = failure(tmp_path, "postgres.extractor", {"query": query, "resolved_connection": connection})
    assert error.kind == kind
    assert {key: error.facts[key] for key in expected} == expected


def test_postgres_query_timeout_has_kind(postgres: Postgres, tmp_path: Path) -> None:
    config = {"query": "SELECT pg_sleep(9)", "resolved_connection": postgres.connection, "query_timeout": 0.1}
    assert failure(tmp_path, "postgres.extractor", config).kind == "query-timeout"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "wrong"}, "authentication-failed"),
        ({"user": "stranger"}, "authentication-failed"),
        ({"host": "nope.invalid"}, "host-not-found"),
        ({"port": 1}, "connection-refused"),
        ({"database": "nope"}, "database-missing"),
        ({"database": ""}, "config-value-missing"),
        ({"dsn": "postgres://x y"}, "config-value-invalid"),
        ({"sslmode": "require"}, "tls-failed"),
        ({"sslmode": "sometimes"}, "config-value-invalid"),
        ({"port": 99999}, "config-value-invalid"),
    ],
)
def test_postgres_connection_failure_has_kind(
    postgres: Postgres, tmp_path: Path, change: dict[str, Any], kind: str
) -> None:
    config = {"query": "SELECT 1", "resolved_connection": {**postgres.connection, **change}}
    assert failure(tmp_path, "postgres.extractor", config).kind == kind


def test_connection_limit_of_a_role_is_no_wrong_password(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "DROP ROLE IF EXISTS few", "CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 0", user="root"
    )
    connection = {**postgres.connection, "user": "few", "password": "few"}
    error = failure(tmp_path, "postgres.extractor", {"query": "SELECT 1", "resolved_connection": connection})
    assert (error.kind, "connection limit" in error.fix) == ("connection-refused", True)


@pytest.mark.usefixtures("items")
@pytest.mark.parametrize(
    ("columns", "config", "kind", "expected"),
    [
        ({"id": [1]}, {}, "constraint-violated", {"code": "23505", "constraint": "items_pkey"}),
        ({"id": [3, 2, 3]}, {}, "duplicate-keys", {"code": "23505", "rows": 1, "columns": ["id"]}),
        ({"id": [2], "name": [None]}, {}, "constraint-violated", {"code": "23502", "column": "name"}),
        ({"id": [2], "n": [0]}, {}, "constraint-violated", {"code": "23514"}),
        ({"id": [2], "owner": [9]}, {}, "constraint-violated", {"code": "23503"}),
        ({"id": [2], "name": ["long"]}, {}, "value-refused", {"code": "22001"}),
        ({"id": [1.5]}, {}, "value-refused", {"column": "id", "type": "bigint"}),
        ({"idd": [2]}, {}, "column-missing", {"column": "idd", "columns": ["id", "name", "n", "owner"]}),
        ({"id": [2]}, {"table": "item"}, "table-missing", {"table": "public.item"}),
        ({"id": [2, 2]}, {"write_mode": "upsert", "primary_key": "id"}, "duplicate-keys", {"rows": 2, "columns": ["id"]}),
        ({"id": [2, None]}, {"write_mode": "upsert", "primary_key": "id"}, "null-keys", {"rows": 1}),
        ({"id": [2], "n": [1]}, {"write_mode": "upsert", "primary_key": "n"}, "constraint-missing", {"columns": ["n"]}),
        ({"id": [2]}, {"write_mode": "upsert", "primary_key": "key"}, "column-missing", {"column": "key"}),
    ],
)  # fmt: skip
def test_postgres_write_failure_has_kind_and_facts(
    postgres: Postgres,
    tmp_path: Path,
    columns: dict[str, Any],
    config: dict[str, Any],
    kind: str,
    expected: dict[str, Any],
) -> None:
    settled = {"table": "items", "resolved_connection": postgres.connection, **config}
    error = write_failure(tmp_path, "postgres.writer", columns, **settled)
    assert error.kind == kind
    assert {key: error.facts[key] for key in expected} == expected
    assert error.facts["rows_written"] == 0
    assert postgres.rows("SELECT count(*) FROM items") == [(1,)]


@pytest.mark.usefixtures("items")
@pytest.mark.parametrize(("body", "written"), [("", 0), ("DEFERRABLE INITIALLY DEFERRED", "unknown")])
def test_postgres_connection_lost_before_and_at_commit(
    postgres: Postgres, tmp_path: Path, body: str, written: int | str
) -> None:
    kind = "CONSTRAINT TRIGGER ended AFTER INSERT" if body else "TRIGGER ended BEFORE INSERT"
    postgres.run(
        "CREATE OR REPLACE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'",
        f"CREATE {kind} ON items {body} FOR EACH ROW EXECUTE FUNCTION ended()",
    )
    config = {"table": "items", "resolved_connection": postgres.connection}
    error = write_failure(tmp_path, "postgres.writer", {"id": [2]}, **config)
    assert (error.kind, error.facts["rows_written"]) == ("connection-lost", written)


@pytest.mark.usefixtures("items")
def test_postgres_lock_of_another_session_has_kind(postgres: Postgres, tmp_path: Path) -> None:
    connection = {**postgres.connection, "options": "-c lock_timeout=100ms"}
    config = {"table": "items", "resolved_connection": connection}
    with postgres.session() as other, other.transaction():
        other.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        error = write_failure(tmp_path, "postgres.writer", {"id": [2]}, **config)
    assert (error.kind, error.facts["code"]) == ("lock-conflict", "55P03")


@pytest.mark.usefixtures("items")
def test_postgres_read_only_session_has_kind(postgres: Postgres, tmp_path: Path) -> None:
    connection = {**postgres.connection, "options": "-c default_transaction_read_only=on"}
    config = {"table": "items", "resolved_connection": connection}
    error = write_failure(tmp_path, "postgres.writer", {"id": [2]}, **config)
    assert error.kind == "database-read-only"


@pytest.mark.usefixtures("items")
def test_postgres_trigger_that_drops_rows_has_kind(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION dropped() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER dropped BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION dropped()",
    )
    config = {"table": "items", "resolved_connection": postgres.connection}
    error = write_failure(tmp_path, "postgres.writer", {"id": [2, 3]}, **config)
    assert (error.kind, error.facts["rows"], error.facts["rows_accepted"]) == ("rows-rejected", 2, 0)


@pytest.mark.usefixtures("items")
def test_postgres_policy_is_not_a_missing_grant(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "ALTER TABLE items ENABLE ROW LEVEL SECURITY", "GRANT SELECT, INSERT ON items TO guest", user="osiris"
    )
    connection = {**postgres.connection, "user": "guest"}
    config = {"table": "items", "resolved_connection": connection}
    error = write_failure(tmp_path, "postgres.writer", {"id": [2]}, **config)
    assert error.kind == "permission-denied"
    assert "add a policy" in (error.fix or "")


Answer = tuple[int, Any]
"""Status and body of a response: an object is sent as JSON, a text as HTML."""


@contextmanager
def rest_server(*answers: Answer | None, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of a server that accepts every read and answers writes in turn; None ends the connection."""
    pending = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            return

        def do_GET(self) -> None:
            if "osiris" in self.path:  # whether a column is JSON
                self.send(400, {"code": "42883", "message": "operator does not exist"})
            else:
                self.send(200, [], {"Content-Range": "*/0"})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = pending.pop(0) if len(pending) > 1 else pending[0]
            if answer is None:
                self.close_connection = True
            else:
                self.send(*answer, headers or {})

        def send(self, status: int, body: Any, headers: Mapping[str, str] = {}) -> None:
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def rest_failure(folder: Path, url: str, *, rows: int = 2, **config: Any) -> DriverError:
    settled = {
        "table": "stats",
        "resolved_connection": {"url": url, "key": KEY},
        "retries": 0,
        "primary_key": "id",
        **config,
    }
    columns = {"id": list(range(rows)), "v": ["a"] * rows}
    return write_failure(folder, "supabase.writer", columns, **settled)


CACHE = {"code": "PGRST204", "message": "Could not find the 'v' column of 'stats' in the schema cache"}
NO_TABLE = {"code": "PGRST205", "message": "Could not find the table 'public.stats' in the schema cache"}
POLICY = {"code": "42501", "message": 'new row violates row-level security policy for table "stats"'}
NGINX = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>x</body></html>"
CLOUDFLARE = "<!DOCTYPE html>\n<!--[if lt IE 7]> <html> <![endif]-->\n<head>\n<title>x.co | 521: Web server is down</title>"


@pytest.mark.parametrize(
    ("answer", "kind", "fix"),
    [
        ((400, CACHE), "schema-cache-stale", "run NOTIFY pgrst, 'reload schema' in the database"),
        ((404, NO_TABLE), "schema-cache-stale", "run NOTIFY pgrst, 'reload schema' in the database"),
        ((403, POLICY), "permission-denied", "add a policy that lets the key's role write these rows"),
        ((403, {"code": "42501", "message": "permission denied"}), "permission-denied", "GRANT it, or use the service"),
        ((413, NGINX), "request-refused", "set a smaller batch_size"),
        ((401, {"message": "Invalid API key"}), "authentication-failed", "check key of the connection"),
        ((401, {"code": "PGRST301", "message": "JWT expired"}), "authentication-failed", "check key of the connection"),
        ((500, {"code": "57014", "message": "canceling statement due to statement timeout"}), "query-timeout", "raise the timeout"),
        ((409, {"code": "23505", "message": "duplicate key"}), "constraint-violated", "remove or change the rows"),
        ((400, {"code": "42P10", "message": "no unique constraint"}), "constraint-missing", "add a unique constraint"),
        ((400, {"code": "22P02", "message": "invalid input syntax"}), "value-refused", "correct the value"),
        ((400, {"code": "25006", "message": "read-only transaction"}), "database-read-only", "connect to a server"),
        ((500, {"code": "53100", "message": "No space left on device"}), "disk-full", "free disk space"),
        ((400, {"code": "42883", "message": "function net.http_post does not exist"}), "query-failed", "create the function"),
        ((406, {"message": "no"}), "request-refused", "check url"),
        ((404, {"message": "no route"}), "endpoint-missing", "check url"),
        ((403, "<html><title>Access denied</title>"), "permission-denied", "find out which server"),
        ((429, {"message": "slow down"}), "rate-limited", "run the step again later"),
        ((503, {"code": "PGRST002", "message": "no database"}), "service-failed", "look at the status"),
        ((301, ""), "config-value-invalid", "check url"),
    ],
)  # fmt: skip
def test_rest_rejection_has_kind_and_wrote_nothing(
    tmp_path: Path, answer: Answer, kind: str, fix: str
) -> None:
    with rest_server(answer) as url:
        error = rest_failure(tmp_path, url, rows=1)
    assert error.kind == kind
    assert (error.fix or "").startswith(fix)
    assert error.facts["http_status"] == answer[0]
    assert error.facts["rows_written"] == 0
    assert "nothing was written" in str(error)
    assert "<" not in str(error)


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([(521, CLOUDFLARE)], "service-failed"),
        ([(502, "<html>no title")], "service-failed"),
        ([(504, "late")], "network-timeout"),
        ([None], "connection-lost"),
    ],
)
def test_rest_failure_of_gateway_leaves_outcome_unknown(
    tmp_path: Path, answers: list[Answer | None], kind: str, mode: str
) -> None:
    with rest_server(*answers) as url:
        error = rest_failure(tmp_path, url, write_mode=mode)
    assert (error.kind, error.facts["rows_written"]) == (kind, "unknown")
    assert "<" not in str(error)


def test_rest_page_is_quoted_by_its_title(tmp_path: Path) -> None:
    with rest_server((521, CLOUDFLARE)) as url:
        assert "(HTTP 521) x.co | 521: Web server is down; unknown" in str(rest_failure(tmp_path, url))


def test_rest_rejection_after_lost_response_is_unknown(tmp_path: Path) -> None:
    with rest_server((502, "x"), (401, {"message": "Invalid API key"})) as url:
        error = rest_failure(tmp_path, url, write_mode="upsert", retries=1)
    assert (error.kind, error.facts["rows_written"]) == ("authentication-failed", "unknown")


def test_rest_rows_of_earlier_batches_are_counted(tmp_path: Path) -> None:
    answers: list[Answer] = [(201, ""), (403, POLICY)]
    with rest_server(*answers, headers={"Content-Range": "*/1"}) as url:
        error = rest_failure(tmp_path, url, batch_size=1)
    assert error.facts["rows_written"] == 1
    assert "1 of 2 rows were written" in str(error)


def test_rest_missing_count_is_one_statement(tmp_path: Path) -> None:
    with rest_server((201, "")) as url:
        error = rest_failure(tmp_path, url)
    assert (error.kind, error.facts["rows_written"]) == ("write-unconfirmed", "unknown")


def test_rest_fewer_rows_than_sent_are_counted(tmp_path: Path) -> None:
    with rest_server((201, ""), headers={"Content-Range": "*/1"}) as url:
        error = rest_failure(tmp_path, url)
    assert error.kind == "rows-rejected"
    assert (error.facts["rows_accepted"], error.facts["rows"], error.facts["rows_written"]) == (1, 2, 1)


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        ({"url": f"http://127.0.0.1:{free_port()}", "key": KEY}, "connection-refused"),
        ({"url": "http://nope.invalid", "key": KEY}, "host-not-found"),
        ({"url": "x.supabase.co", "key": KEY}, "config-value-invalid"),
        ({"key": KEY}, "config-value-missing"),
        ({"url": "http://127.0.0.1:1"}, "config-value-missing"),
        ({"url": "http://127.0.0.1:1", "key": "a\nb"}, "config-value-invalid"),
    ],
    ids=["closed port", "no host", "no scheme", "no url", "no key", "broken key"],
)
def test_rest_connection_failure_has_kind(tmp_path: Path, connection: dict[str, Any], kind: str) -> None:
    config = {"table": "t", "resolved_connection": connection, "retries": 0}
    frame = handed(tmp_path, pa.table({"id": [1]}))
    assert failure(tmp_path, "supabase.writer", config, df=frame).kind == kind


def test_rest_table_and_column_that_are_missing(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> None:
    postgres.run("DROP TABLE IF EXISTS things", "CREATE TABLE things (id int)")
    postgrest.look()
    config = {"resolved_connection": postgrest.connection, "retries": 0}
    kinds: dict[str, Callable[[], DriverError]] = {
        "table-missing": lambda: write_failure(
            tmp_path, "supabase.writer", {"id": [1]}, table="no", **config
        ),
        "column-missing": lambda: write_failure(
            tmp_path, "supabase.writer", {"nope": [1]}, table="things", **config
        ),
    }
    assert {kind: fail().kind for kind, fail in kinds.items()} == {kind: kind for kind in kinds}
    postgres.run("DROP TABLE things")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (NGINX, "(HTTP 413) Request Entity Too Large; nothing was written"),
        ("<html><style>a{}</style><body>Blocked by\n<b>the firewall</b></body>", "(HTTP 413) Blocked by the firewall;"),
        ("<html><body></body></html>", "(HTTP 413) an HTML page without a text;"),
    ],
)  # fmt: skip
def test_page_is_shown_without_markup(tmp_path: Path, page: str, text: str) -> None:
    with rest_server((413, page)) as url:
        error = str(rest_failure(tmp_path, url))
    assert text in error
    assert error.count("written") == 1


@pytest.mark.parametrize("is_other", [False, True])
def test_steps_with_one_wrong_password_have_one_cause(
    postgres: Postgres, tmp_path: Path, *, is_other: bool
) -> None:
    wrong = {**postgres.connection, "password": "not-the-password"}
    named = {"main": wrong, "other": {**wrong, "port": free_port()}}
    (tmp_path / "osiris_connections.yaml").write_text(json.dumps({"connections": {"postgres": named}}))
    second = "@postgres.other" if is_other else "@postgres.main"
    text = (
        'oml_version: "0.1.0"\nname: p\nsteps:\n'
        '  - {id: a, component: postgres.extractor, needs: [], config: {connection: "@postgres.main", query: SELECT 1}}\n'
        f'  - {{id: b, component: postgres.extractor, needs: [], config: {{connection: "{second}", query: SELECT 2}}}}\n'
    )
    (tmp_path / "p.yaml").write_text(text)
    done = osiris_inspect("run", "p.yaml", cwd=tmp_path)
    assert done.code == 1
    (path,) = (tmp_path / "logs").glob("run_*")
    findings = [finding for finding in analyze(path).findings if finding.severity == Severity.ERROR]
    causes = [(finding.rule, finding.step) for finding in findings if finding.caused_by is None]
    if is_other:
        assert causes == [("authentication-failed", "a"), ("connection-refused", "b")]
    else:
        assert causes == [("authentication-failed", "a")]
        assert [(finding.step, finding.caused_by) for finding in findings[1:]] == [("b", findings[0].id)]
