"""mysql.extractor on a real server: what it streams, and what it says when it cannot."""

import io
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.drivers.mysql import binary_protocol as mysql_binary
from osiris_inspect.runtime.drivers.mysql import driver as mysql
from osiris_inspect.runtime.drivers.mysql import wire_protocol as mysql_wire
from osiris_inspect.runtime.drivers.mysql.types import TypeOptions, column_for_field
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from tests.runtime.driving import context, drive
from tests.runtime.servers import mariadb as servers
from tests.runtime.servers.mariadb import PASSWORD, MariaDb
from tests.runtime.servers.places import binary, folder_of, free_port, user_for

pytestmark = pytest.mark.sampled(3)


def extracted(
    mariadb: MariaDb, folder: Path, query: str, told: list[int] | None = None, **config: Any
) -> pa.Table:
    settled = {"query": query, "resolved_connection": mariadb.connection, **config}
    return drive("mysql.extractor", settled, context(folder, told))["df"]


def message(mariadb: MariaDb, folder: Path, query: str = "SELECT 1", **config: Any) -> str:
    with pytest.raises(DriverError) as caught:
        extracted(mariadb, folder, query, **config)
    return str(caught.value)


@pytest.fixture(scope="module", autouse=True)
def movies(mariadb: MariaDb) -> None:
    mariadb.run(
        "CREATE OR REPLACE TABLE movies (movie_id INT PRIMARY KEY, title VARCHAR(50))",
        "INSERT INTO movies VALUES (1, '100% Wolf'), (2, 'Alien'), (3, NULL)",
        "CREATE OR REPLACE TABLE numbers AS SELECT seq AS n, REPEAT('x', seq % 400) AS t FROM seq_1_to_100000",
    )


def test_a_percent_sign_in_the_query_is_one(mariadb: MariaDb, tmp_path: Path) -> None:
    assert extracted(mariadb, tmp_path, "SELECT title FROM movies WHERE title LIKE '100%' AND 7 % 4 = 3")[
        "title"
    ].to_pylist() == ["100% Wolf"]


def test_a_password_may_hold_what_addresses_are_made_of(mariadb: MariaDb) -> None:
    assert set("@:/%!#ä") <= set(PASSWORD)
    assert "database movies, user osiris@%" in mysql.test_connection(mariadb.connection)


def test_every_row_comes_once_in_order_through_many_blocks(mariadb: MariaDb, tmp_path: Path) -> None:
    told: list[int] = []
    table = extracted(mariadb, tmp_path, "SELECT n, t FROM numbers ORDER BY n", told)
    assert table["n"].to_pylist() == list(range(1, 100_001))
    assert table["t"].to_pylist() == ["x" * (n % 400) for n in range(1, 100_001)]
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == 100_000


def test_a_row_longer_than_a_packet_is_whole(mariadb: MariaDb, tmp_path: Path) -> None:
    mib = 1 << 20
    table = extracted(
        mariadb,
        tmp_path,
        f"SELECT 1 AS a, REPEAT('x', {20 * mib}) AS b, REPEAT('y', {17 * mib}) AS c UNION ALL SELECT 2, 'p', NULL",
    )
    assert [(row["a"], len(row["b"]), row["c"] and len(row["c"])) for row in table.to_pylist()] == [
        (1, 20 * mib, 17 * mib),
        (2, 1, None),
    ]


@pytest.mark.parametrize("length", [0xFFFFFF - 5, 0xFFFFFF - 4, 0xFFFFFF - 3, 0xFFFFFF])
def test_a_row_that_fills_a_packet_exactly_is_whole(mariadb: MariaDb, tmp_path: Path, length: int) -> None:
    table = extracted(mariadb, tmp_path, f"SELECT REPEAT('x', {length}) AS b UNION ALL SELECT 'end'")
    assert [len(value) for value in table["b"].to_pylist()] == [length, 3]


def test_two_columns_of_one_name_both_come(mariadb: MariaDb, tmp_path: Path) -> None:
    table = extracted(mariadb, tmp_path, "SELECT 1 AS a, 'x' AS a")
    assert [column.to_pylist() for column in table.columns] == [[1], ["x"]]


def test_a_procedure_gives_its_one_result(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.run("CREATE OR REPLACE PROCEDURE one() SELECT title FROM movies ORDER BY movie_id")
    assert extracted(mariadb, tmp_path, "CALL one()").num_rows == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM moviez", "step 's': MySQL query failed: (1146) Table 'movies.moviez' doesn't exist; check the names of tables in the query; did you mean 'movies'?"),
        ("SELECT titel FROM movies", "(1054) Unknown column 'titel' in 'SELECT'; check the names of columns in the query"),
        ("SELEC 1", "(1064) You have an error in your SQL syntax"),
        ("SELECT ? FROM movies", "(1064) You have an error in your SQL syntax"),
        ("SET @a = 1", "step 's': the query returns no rows; write a SELECT"),
        ("SELECT 1; SELECT 2", "(1064) You have an error in your SQL syntax"),
        ("SELECT * FROM mysql.user", "(1142) SELECT command denied to user 'osiris'@"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE movies", "MySQL query failed: (4166) The used command is not allowed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_query_is_said_in_the_servers_words(
    mariadb: MariaDb, tmp_path: Path, query: str, expected: str
) -> None:
    assert expected in message(mariadb, tmp_path, query)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "wrong-word"}, "MySQL connection failed: @mysql.main (osiris at 127.0.0.1:{port}): (1045) Access denied for user 'osiris'@'127.0.0.1' (using password: YES); check user and password of the connection"),
        ({"host": "nope.invalid"}, "MySQL connection failed: @mysql.main (osiris at nope.invalid:{port}): host 'nope.invalid' is not known: "),
        ({"port": 1}, "MySQL connection failed: @mysql.main (osiris at 127.0.0.1:1): connection refused; check host and port, and whether the server runs"),
        ({"port": "33o6"}, "@mysql.main (osiris at 127.0.0.1:33o6): port is '33o6'; it takes a number from 1 to 65535"),
        ({"database": "nope"}, "Access denied for user 'osiris'@'%' to database 'nope'; the user may not use this database"),
        ({"database": ""}, "@mysql.main (osiris at 127.0.0.1:{port}) has no 'database'"),
        ({"ssl_mode": "sometimes"}, "ssl_mode is 'sometimes'; it takes one of disabled, preferred, required, verify_ca, verify_identity"),
        ({"ssl_mode": "required"}, "SSL"),
    ],
)  # fmt: skip
def test_why_no_connection_came_about_names_the_connection_and_no_password(
    mariadb: MariaDb, tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    connection = {**mariadb.connection, "family": "mysql", "alias": "main", **change}
    said = message(mariadb, tmp_path, resolved_connection=connection)
    assert expected.format(port=mariadb.port) in said
    assert PASSWORD not in said
    assert "wrong-word" not in said


def test_a_server_that_does_not_answer_is_given_up(mariadb: MariaDb, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = {**mariadb.connection, "port": silent.getsockname()[1]}
        assert (
            "no answer in time: the port accepted the connection, but sent no MySQL greeting; check the port"
            in message(mariadb, tmp_path, resolved_connection=connection, connect_timeout=1)
        )


def test_a_query_over_its_time_is_ended_by_the_server(mariadb: MariaDb, tmp_path: Path) -> None:
    said = message(mariadb, tmp_path, "SELECT SLEEP(30)", query_timeout=0.1)
    assert "it took longer than query_timeout allows: (1969)" in said


def test_a_query_that_is_asked_to_stop_ends_on_the_server_too(mariadb: MariaDb, tmp_path: Path) -> None:
    ctx = context(tmp_path)
    config = {"query": "SELECT SLEEP(300), 'to be stopped'", "resolved_connection": mariadb.connection}
    said: list[str] = []

    def run() -> None:
        try:
            drive("mysql.extractor", config, ctx)
        except DriverError as error:
            said.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    with mariadb.session() as session, session.cursor() as cursor:
        while not _running(cursor):
            assert thread.is_alive()
        ctx.cancel.cancel()
        thread.join(20)
        assert not thread.is_alive()
        gone_by = time.monotonic() + 20  # what was killed is listed until the server has seen it
        while _running(cursor):
            assert time.monotonic() < gone_by


def _running(cursor: Any) -> bool:
    cursor.execute(
        "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%to be stopped%' AND info NOT LIKE '%count%'"
    )
    return bool(cursor.fetchone()[0])


def test_a_server_that_dies_in_the_middle_is_an_error_and_no_short_frame(tmp_path: Path) -> None:
    with servers.serve() as server:
        config = {
            "query": "SELECT seq, REPEAT('x', 1000) FROM seq_1_to_2000000",
            "resolved_connection": {**server.connection, "user": "osiris"},
        }
        settled = {**all_components()["mysql.extractor"].defaults, **config}
        stream = drivers.load_driver("mysql.extractor").run(
            step_id="s", config=settled, inputs={}, ctx=context(tmp_path)
        )["df"]  # type: ignore[index]
        stream.read_next_batch()
        server.kill()
        with pytest.raises(DriverError, match=r"MySQL query failed: the connection .* was lost"):
            stream.read_all()


def test_tls_is_used_where_the_server_has_it_and_its_certificate_is_checked_when_asked() -> None:
    with folder_of(user_for("mysql")) as folder:
        certificate, key = _certificate(folder)
        with servers.serve(f"--ssl-cert={certificate}", f"--ssl-key={key}") as server:
            for mode in ("preferred", "required"):
                assert "no TLS" not in mysql.test_connection({**server.connection, "ssl_mode": mode})
            assert "no TLS" in mysql.test_connection({**server.connection, "ssl_mode": "disabled"})
            assert "no TLS" not in mysql.test_connection({**server.connection, "ssl_ca": str(certificate)})
            with pytest.raises(DriverError, match=r"(?i)certificate"):
                mysql.test_connection({**server.connection, "ssl_mode": "verify_ca"})


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [binary("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o644)
    return certificate, key


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 100, 1 << 20])
def test_rows_are_whole_however_the_stream_is_cut(size: int) -> None:
    rows = [(b"a", None), (b"", b"x" * 300), (b"y" * 70_000, b"z"), (None, None)]
    packets = [b"".join(_value(value) for value in row) for row in rows]
    stream = (
        b"".join(len(packet).to_bytes(3, "little") + b"\0" + packet for packet in packets)
        + b"\x05\0\0\0\xfe\0\0\0\0"
    )
    place = 0

    def read(most: int) -> bytes:
        nonlocal place
        part = stream[place : place + min(size, most)]
        place += len(part)
        return part

    found = [
        row
        for columns in mysql_wire.read_columns(read, [None] * 2, mysql_wire.ResultEnd())
        for row in zip(*(column.to_pylist() for column in columns), strict=True)
    ]
    assert found == rows


@given(
    st.lists(
        st.binary(max_size=70) | st.integers(0, 2**24).map(lambda n: n.to_bytes(8, "little") * 9), max_size=40
    )
)
@pytest.mark.parametrize("first", [0, 5])
def test_rows_full_of_zero_bytes_are_found(first: int, values: list[bytes]) -> None:
    rows = [bytes([first]) + value + bytes(number % 7) for number, value in enumerate(values * 20)]
    stream = b"".join(
        len(row).to_bytes(3, "little") + bytes([number % 256]) + row
        for number, row in enumerate([*rows, b"\xfe\0\0\0\0"], start=14)
    )
    blocks = mysql_wire.blocks(io.BytesIO(stream).read1, mysql_wire.ResultEnd(), max_first_byte=first)
    found = [
        data[start : start + len(row)]
        for data, starts in blocks
        for start, row in zip(starts, rows, strict=True)
    ]
    assert found == rows


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (b"", FIELD_TYPE.LONG),
        (b"\0", FIELD_TYPE.LONG),
        (b"\0\0\1\2\3", FIELD_TYPE.LONG),
        (b"\0\0\7", FIELD_TYPE.DATETIME),
        (b"\0\0\2x", FIELD_TYPE.VAR_STRING),
        (b"\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", FIELD_TYPE.VAR_STRING),
    ],
)
def test_a_row_shorter_than_its_values_is_an_error(row: bytes, kind: int) -> None:
    field = SimpleNamespace(
        name="v", type_code=kind, length=10, scale=0, flags=0, charsetnr=45, org_table="t"
    )
    stream = len(row).to_bytes(3, "little") + b"\1" + row + b"\x05\0\0\2\xfe\0\0\0\0"
    columns = [column_for_field(field, TypeOptions())]
    with pytest.raises(mysql_wire.StreamEnded):
        list(mysql_binary.read_columns(io.BytesIO(stream).read1, columns, mysql_wire.ResultEnd()))


def test_a_server_that_prepares_nothing_still_answers(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.run("SET GLOBAL max_prepared_stmt_count = 0")
    try:
        table = extracted(mariadb, tmp_path, "SELECT n, t FROM numbers ORDER BY n LIMIT 1000")
        missing = message(mariadb, tmp_path, "SELECT * FROM moviez")
    finally:
        mariadb.run("SET GLOBAL max_prepared_stmt_count = 16382")
    assert table["n"].to_pylist() == list(range(1, 1001))
    assert "(1146) Table 'movies.moviez' doesn't exist" in missing


@pytest.mark.parametrize("query", ["SHOW TABLES LIKE 'movies'", "EXPLAIN SELECT 1", "VALUES (1)", "WITH a AS (SELECT 1) SELECT * FROM a", "INSERT INTO kept VALUES (1) RETURNING 1", "EXECUTE IMMEDIATE 'SELECT 1'"])  # fmt: skip
def test_each_kind_of_statement_that_has_rows_is_executed_once(
    mariadb: MariaDb, tmp_path: Path, query: str
) -> None:
    mariadb.run("CREATE OR REPLACE TABLE kept (a INT)")
    assert extracted(mariadb, tmp_path, query).num_rows == 1
    assert extracted(mariadb, tmp_path, "SELECT * FROM kept").num_rows == query.startswith("INSERT")


def test_a_lock_is_waited_for_once(mariadb: MariaDb, tmp_path: Path) -> None:
    with mariadb.session() as session, session.cursor() as cursor:
        cursor.execute("LOCK TABLES movies WRITE")
        begin = time.monotonic()
        assert "query_timeout" in message(mariadb, tmp_path, "SELECT * FROM movies", query_timeout=1)
        assert time.monotonic() - begin < 2


def test_a_stream_that_ends_too_early_is_an_error() -> None:
    parts = iter([b"\x02\0\0\0\x01a", b""])
    with pytest.raises(mysql_wire.StreamEnded):
        list(mysql_wire.read_columns(lambda most: next(parts), [None], mysql_wire.ResultEnd()))


def _value(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    if len(value) < 251:
        return bytes([len(value)]) + value
    if len(value) < 1 << 16:
        return b"\xfc" + len(value).to_bytes(2, "little") + value
    return b"\xfd" + len(value).to_bytes(3, "little") + value


def test_a_free_port_refuses() -> None:
    connection = {"host": "127.0.0.1", "port": free_port(), "database": "d", "user": "u", "password": "p"}
    with pytest.raises(DriverError, match="connection refused"):
        mysql.test_connection(connection)
