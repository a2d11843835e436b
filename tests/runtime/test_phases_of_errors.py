"""Server errors have the phase of the step, and their fix depends on it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pymysql
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.mysql import driver as mysql
from osiris_inspect.runtime.drivers.mysql.errors import query_error
from osiris_inspect.runtime.drivers.postgres.connect import connect
from tests.runtime.driving import context, drive, handed
from tests.runtime.servers.mariadb import MariaDb
from tests.runtime.servers.postgres import Postgres
from tests.runtime.test_errors_of_servers import rest_server

ENDPOINT = {"user": "u", "password": "p", "database": "d", "host": "127.0.0.1"}


def failure(folder: Path, component: str, config: dict[str, object], **inputs: object) -> DriverError:
    with pytest.raises(DriverError) as caught:
        drive(component, config, context(folder), **inputs)
    return caught.value


@contextmanager
def other_server(*, greeting: bytes = b"", answer: bytes = b"") -> Iterator[int]:
    """Yield the port of a server that greets, or else answers the first bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                session, _ = listener.accept()
            except OSError:
                return
            with session, suppress(ConnectionError):
                if not greeting:
                    session.recv(1000)
                session.sendall(greeting or answer)
                session.recv(1000)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


# --- MySQL


def test_mysql_access_denied_after_login_is_not_the_password(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.run(
        "CREATE OR REPLACE TABLE movies.base (id int)",
        "CREATE OR REPLACE USER 'etl_old'@'%'",
        "CREATE OR REPLACE DEFINER='etl_old'@'%' VIEW movies.orphan AS SELECT id FROM movies.base",
        "DROP USER 'etl_old'@'%'",
    )
    config = {"query": "SELECT * FROM orphan", "resolved_connection": mariadb.connection}
    error = failure(tmp_path, "mysql.extractor", config)
    assert error.kind != "authentication-failed"
    assert error.facts["phase"] == "querying"
    assert "definer" in (error.fix or "")
    assert "password of the connection" not in (error.fix or "")


def test_mysql_login_failure_is_the_password(mariadb: MariaDb, tmp_path: Path) -> None:
    connection = {**mariadb.connection, "password": "wrong"}
    error = failure(tmp_path, "mysql.extractor", {"query": "SELECT 1", "resolved_connection": connection})
    assert (error.kind, error.facts["phase"]) == ("authentication-failed", "connecting")
    assert error.fix == "check user and password of the connection"


@pytest.mark.parametrize(
    ("code", "kind", "fix"),
    [
        (1045, "permission-denied", "definer"),
        (1820, "authentication-failed", "new password"),
        (1194, "query-failed", "REPAIR TABLE"),
        (145, "query-failed", "REPAIR TABLE"),
        (1049, "database-missing", "in the query"),
        (1226, "connection-refused", "limit"),
        (1449, "query-failed", "definer"),
        (1644, "query-failed", "routine or trigger"),
    ],
)
def test_mysql_query_error_is_advised_by_code(code: int, kind: str, fix: str) -> None:
    error = query_error(pymysql.OperationalError(code, "words"), {"family": "mysql", "alias": "db"})
    assert error.kind == kind
    assert fix in (error.fix or "")


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail ESMTP\r\n", b"\0\0\0\0", b"\x01\0\0\0\x0a"]
)
def test_mysql_client_at_port_of_other_server(greeting: bytes) -> None:
    with other_server(greeting=greeting) as port, pytest.raises(DriverError) as caught:
        mysql.connect({**ENDPOINT, "port": port}, 2)
    assert caught.value.kind == "config-value-invalid"
    assert "another kind of server than MySQL" in caught.value.message


def test_mysql_port_without_greeting_is_named(postgres: Postgres) -> None:
    with pytest.raises(DriverError) as caught:
        mysql.connect({**ENDPOINT, "port": postgres.port}, 1)
    assert caught.value.kind == "network-timeout"
    assert "no MySQL greeting" in caught.value.message
    assert "another kind of server" in (caught.value.fix or "")


# --- PostgreSQL


@pytest.mark.parametrize("mode", ["prefer", "disable"])
def test_postgres_client_at_port_of_mariadb(mariadb: MariaDb, mode: str) -> None:
    with pytest.raises(DriverError) as caught:
        connect({**ENDPOINT, "port": mariadb.port, "sslmode": mode}, 2)
    assert caught.value.kind == "config-value-invalid"
    assert "another kind of server than PostgreSQL" in caught.value.message
    assert "host and port" in (caught.value.fix or "")
    assert caught.value.facts["phase"] == "connecting"


def test_postgres_client_at_http_port() -> None:
    with (
        other_server(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as port,
        pytest.raises(DriverError) as caught,
    ):
        connect({**ENDPOINT, "port": port}, 2)
    assert caught.value.kind == "config-value-invalid"


def test_postgres_error_of_trigger_is_not_of_the_frame(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS phases",
        "CREATE TABLE phases (id int)",
        "CREATE OR REPLACE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO audit_gone VALUES (NEW.id); RETURN NEW; END'",
        "CREATE TRIGGER audited BEFORE INSERT ON phases FOR EACH ROW EXECUTE FUNCTION audited()",
    )
    config = {"table": "phases", "resolved_connection": postgres.connection}
    error = failure(tmp_path, "postgres.writer", config, df=handed(tmp_path, pa.table({"id": [1]})))
    assert (error.kind, error.facts["phase"]) == ("table-missing", "writing")
    assert "trigger" in (error.fix or "")
    postgres.run("DROP TABLE phases")


def test_postgres_query_error_has_phase(postgres: Postgres, tmp_path: Path) -> None:
    config = {"query": "SELECT 'x'::int", "resolved_connection": postgres.connection}
    error = failure(tmp_path, "postgres.extractor", config)
    assert (error.kind, error.facts["phase"]) == ("value-refused", "querying")
    assert "in the query" in (error.fix or "")


# --- encodings


@pytest.fixture
def latin1(postgres: Postgres) -> Iterator[str]:
    """The name of a database with the encoding LATIN1."""
    with postgres.session(user="root", database="postgres") as session:
        session.autocommit = True
        session.execute("DROP DATABASE IF EXISTS western")
        session.execute(
            "CREATE DATABASE western OWNER osiris ENCODING 'LATIN1' TEMPLATE template0 "
            "LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    yield "western"
    with postgres.session(user="root", database="postgres") as session:
        session.autocommit = True
        session.execute("DROP DATABASE western WITH (FORCE)")


def test_postgres_latin1_database_keeps_text(postgres: Postgres, latin1: str, tmp_path: Path) -> None:
    connection = {**postgres.connection, "database": latin1}
    frame = pa.table({"id": [1], "name": ["Ziékov ü"]})
    config = {"table": "cities", "resolved_connection": connection, "create_if_missing": True}
    drive("postgres.writer", config, context(tmp_path), df=handed(tmp_path, frame))
    with postgres.session(database=latin1) as session:
        row = session.execute("SELECT char_length(name), name FROM cities").fetchone()
    assert row == (len("Ziékov ü"), "Ziékov ü")
    query = {"query": "SELECT id, name FROM cities", "resolved_connection": connection}
    table = drive("postgres.extractor", query, context(tmp_path))["df"]
    assert table["name"].to_pylist() == ["Ziékov ü"]


def test_postgres_character_outside_of_latin1_is_named(
    postgres: Postgres, latin1: str, tmp_path: Path
) -> None:
    connection = {**postgres.connection, "database": latin1}
    config = {"table": "cities", "resolved_connection": connection, "create_if_missing": True}
    error = failure(tmp_path, "postgres.writer", config, df=handed(tmp_path, pa.table({"name": ["Žižkov"]})))
    assert error.kind == "value-refused"
    assert "encoding" in (error.fix or "")


def test_postgres_encoding_of_dsn_does_not_change_text(postgres: Postgres) -> None:
    with connect({"dsn": f"{postgres.dsn}?client_encoding=LATIN1"}, 5) as session:
        assert session.info.encoding == "utf-8"


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1", "cp1250"])
def test_mysql_text_is_read_in_every_charset(mariadb: MariaDb, tmp_path: Path, charset: str) -> None:
    connection = {**mariadb.connection, "charset": charset}
    query = "SELECT CONVERT('é' USING latin1) AS náme"
    table = drive("mysql.extractor", {"query": query, "resolved_connection": connection}, context(tmp_path))[
        "df"
    ]
    assert table.to_pydict() == {"náme": ["é"]}


# --- REST


def rest_failure(folder: Path, url: str) -> DriverError:
    connection = {"url": url, "key": "k"}
    config = {"table": "stats", "resolved_connection": connection, "retries": 0}
    return failure(folder, "supabase.writer", config, df=handed(folder, pa.table({"id": [1]})))


def test_rest_client_with_tls_at_plain_port(tmp_path: Path) -> None:
    with other_server(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = rest_failure(tmp_path, f"https://127.0.0.1:{port}")
    assert error.kind == "config-value-invalid"
    assert "write http://" in (error.fix or "")


def test_rest_client_at_port_that_does_not_speak_http(tmp_path: Path) -> None:
    with other_server(greeting=b"J\0\0\0\x0a8.0.36\0abc\r\n\r\n") as port:
        error = rest_failure(tmp_path, f"http://127.0.0.1:{port}")
    assert error.kind == "config-value-invalid"
    assert "does not answer in HTTP" in error.message


@pytest.mark.parametrize(
    ("answer", "kind", "fix"),
    [
        ("402 Payment Required\r\nContent-Length: 2\r\n\r\n{}", "request-refused", "plan, quota"),
        (
            "302 Found\r\nLocation: https://sso.acme.example/login?next=%2F\r\nContent-Length: 0\r\n\r\n",
            "authentication-failed",
            "login page",
        ),
        (
            "302 Found\r\nLocation: https://www.acme.example/rest/v1/\r\nContent-Length: 0\r\n\r\n",
            "config-value-invalid",
            "set url",
        ),
        (
            "400 Bad Request\r\nContent-Length: 57\r\n\r\nThe plain HTTP request was sent to HTTPS port, closing it.",
            "config-value-invalid",
            "write https://",
        ),
    ],
)
def test_rest_answer_is_advised_by_its_meaning(tmp_path: Path, answer: str, kind: str, fix: str) -> None:
    with other_server(answer=f"HTTP/1.1 {answer}".encode()) as port:
        error = rest_failure(tmp_path, f"http://127.0.0.1:{port}")
    assert error.kind == kind
    assert fix in (error.fix or "")


@pytest.mark.parametrize("code", ["42P01", "42703"])
def test_rest_name_that_a_trigger_misses_is_not_of_the_table(tmp_path: Path, code: str) -> None:
    with rest_server((400, {"code": code, "message": 'relation "audit" does not exist'})) as url:
        error = rest_failure(tmp_path, url)
    assert "table public.stats does not exist" not in error.message
    assert "trigger" in (error.fix or "")
    assert error.facts["phase"] == "writing"
