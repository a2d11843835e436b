"""The SQLite extractor: exact values in documented types, and a named error for everything else."""

import shutil
import sqlite3
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.connection_test import test_connection as try_connection
from tests.runtime.driving import context, drive


def make(path: Path, *statements: str, wal: bool = False) -> Path:
    session = sqlite3.connect(path, isolation_level=None)
    if wal:
        session.execute("PRAGMA journal_mode = WAL")
    for statement in statements:
        session.execute(statement)
    session.close()
    return path


def read(folder: Path, **config: Any) -> pa.Table:
    return drive("sqlite.extractor", {"path": "a.db", **config}, context(folder))["df"]


def refusal(folder: Path, **config: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        read(folder, **config)
    assert caught.value.fix
    return caught.value


DECLARED = {
    "INTEGER": (str(2**63 - 1), pa.int64(), 2**63 - 1),
    "BIGINT UNSIGNED": (str(-(2**63)), pa.int64(), -(2**63)),
    "REAL": ("0.1", pa.float64(), 0.1),
    "DOUBLE PRECISION": ("9e999", pa.float64(), float("inf")),
    "NUMERIC(10,2)": ("7", pa.float64(), 7.0),
    "VARCHAR(3)": ("'NULL'", pa.large_string(), "NULL"),
    "TEXT": ("'a' || char(0) || 'ž'", pa.large_string(), "a\0ž"),
    "BLOB": ("x'00ff'", pa.large_binary(), b"\0\xff"),
    "BOOLEAN": ("1", pa.bool_(), True),
    "DATE": ("'0001-02-03'", pa.date32(), date(1, 2, 3)),
    "DATETIME": ("'2024-02-29 23:59:59.678901'", pa.timestamp("us"), datetime(2024, 2, 29, 23, 59, 59, 678901)),
    "TIMESTAMP": (
        "'2024-02-29T23:00:00+01:00'",
        pa.timestamp("us", "UTC"),
        datetime(2024, 2, 29, 22, tzinfo=UTC),
    ),
    "TIME": ("'23:59:59.5'", pa.time64("us"), time(23, 59, 59, 500_000)),
    "": ("'x'", pa.large_string(), "x"),
}  # fmt: skip


@pytest.mark.parametrize("declared", DECLARED)
def test_declared_column_has_its_type(tmp_path: Path, declared: str) -> None:
    literal, kind, value = DECLARED[declared]
    make(tmp_path / "a.db", f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES ({literal}), (NULL)")
    for source in ({"table": "t"}, {"query": "SELECT v FROM t; -- all"}):
        column = read(tmp_path, **source)["v"]
        assert (column.type, column.to_pylist()) == (kind, [value, None])


@pytest.mark.parametrize("declared", [name for name in DECLARED if name not in ("", "TIMESTAMP")])
def test_empty_table_keeps_declared_type(tmp_path: Path, declared: str) -> None:
    make(tmp_path / "a.db", f"CREATE TABLE t (v {declared})")
    assert read(tmp_path, table="t")["v"].type == DECLARED[declared][1]


@pytest.mark.parametrize(
    ("declared", "literal", "kind"),
    [
        ("INTEGER", "'12a'", "text"),
        ("INTEGER", "1.5", "real number"),
        ("REAL", "x'00'", "BLOB"),
        ("TEXT", "x'00'", "BLOB"),
        ("NUMERIC", "9007199254740993", "integer"),
        ("BOOLEAN", "2", "integer"),
        ("DATE", "'01/02/2024'", "text"),
        ("DATE", "20240101", "integer"),
        ("DATETIME", "1700000000", "integer"),
        ("DATETIME", "'2024-01-01 10:00:00.1234567'", "text"),
        ("TIME", "'24:00'", "text"),
    ],
)
def test_value_of_another_type_is_named(tmp_path: Path, declared: str, literal: str, kind: str) -> None:
    make(tmp_path / "a.db", f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES (NULL), ({literal})")
    error = refusal(tmp_path, table="t")
    assert error.kind == "value-not-convertible"
    assert (error.facts["column"], error.facts["row"], error.facts["value_type"]) == ("v", 2, kind)


def test_zoned_moment_beside_plain_is_named(tmp_path: Path) -> None:
    values = "('2024-01-01 10:00:00Z'), ('2024-01-01 10:00:00')"
    make(tmp_path / "a.db", "CREATE TABLE t (v DATETIME)", f"INSERT INTO t VALUES {values}")
    assert refusal(tmp_path, table="t").facts["row"] == 2
    stored = read(tmp_path, table="t", types="stored")["v"].to_pylist()
    assert stored == ["2024-01-01 10:00:00Z", "2024-01-01 10:00:00"]


def test_computed_column_has_type_of_all_rows(tmp_path: Path) -> None:
    series = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    make(tmp_path / "a.db")
    table = read(
        tmp_path, query=f"{series} SELECT i * 1 AS i, CASE WHEN i > 4999 THEN 0.5 ELSE i END AS r FROM n"
    )
    assert table.schema.types == [pa.int64(), pa.float64()]
    assert table["i"].to_pylist() == list(range(1, 5001))
    assert table["r"].to_pylist()[-2:] == [4999.0, 0.5]
    error = refusal(tmp_path, query=f"{series} SELECT CASE WHEN i > 4999 THEN 'x' ELSE i END AS m FROM n")
    assert error.message == "step 's': column 'm' contains values of several types: integers and texts"


def test_text_that_is_not_utf8_names_row(tmp_path: Path) -> None:
    make(
        tmp_path / "a.db",
        "CREATE TABLE t (b BLOB, v TEXT)",
        "INSERT INTO t VALUES (x'ff', 'a'), (x'ff', NULL), (x'ff', CAST(x'61ff' AS TEXT))",
    )
    error = refusal(tmp_path, table="t")
    assert (error.kind, error.facts["column"], error.facts["row"]) == ("encoding-wrong", "v", 3)


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        ({"table": "order"}, "table-missing", "did you mean 'orders'?"),
        ({"query": "SELECT * FROM zzz"}, "table-missing", "the file has orders"),
        ({"query": "SELECT nope FROM orders"}, "column-missing", "no such column: nope"),
        ({"query": "SELEC 1"}, "sql-syntax", "check the SQL"),
        ({"query": "SELECT ?"}, "sql-syntax", "write the values into the query"),
        ({"query": "SELECT 1; SELECT 2"}, "query-result-unusable", "write one SELECT"),
        ({"query": "DELETE FROM orders"}, "query-result-unusable", "read-only"),
        ({"query": "CREATE TEMP TABLE t (x)"}, "query-result-unusable", "returns no rows"),
        ({"query": "ATTACH 'other.db' AS o"}, "query-reads-files", "a step of its own"),
        ({"query": "VACUUM INTO 'copy.db'"}, "query-result-unusable", "write one SELECT"),
        ({"path": "b.db", "table": "orders"}, "file-missing", "did you mean 'a.db'?"),
        ({"path": "text.db", "table": "orders"}, "file-format-wrong", "is not a SQLite database"),
        ({"path": "zip.db", "table": "orders"}, "file-format-wrong", "it is a zip archive"),
        ({"path": "torn.db", "table": "orders"}, "file-unreadable", "integrity_check"),
    ],
)  # fmt: skip
def test_failure_has_kind_and_fix(tmp_path: Path, config: dict[str, str], kind: str, words: str) -> None:
    path = make(tmp_path / "a.db", "CREATE TABLE orders (id INTEGER)", "INSERT INTO orders VALUES (1)")
    (tmp_path / "text.db").write_text("a,b\n" * 99)
    (tmp_path / "zip.db").write_bytes(b"PK\x03\x04" + bytes(999))
    (tmp_path / "torn.db").write_bytes(path.read_bytes()[:100] + bytes(8092))
    before = sorted(tmp_path.iterdir())
    error = refusal(tmp_path, **config)
    assert error.kind == kind
    assert words in str(error)
    assert {*tmp_path.iterdir()} - {*before} <= {tmp_path / "artifacts"}


def test_locked_database_is_named(tmp_path: Path) -> None:
    make(tmp_path / "a.db", "CREATE TABLE t (v)")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    error = refusal(tmp_path, table="t", lock_timeout=0)
    other.close()
    assert error.kind == "lock-conflict"
    assert "raise lock_timeout" in str(error)


@pytest.mark.parametrize("leftover", ["none", "empty", "live", "unfinished"])
def test_write_ahead_log_is_read_without_new_files(tmp_path: Path, leftover: str) -> None:
    make(tmp_path / "w.db", "CREATE TABLE t (v INTEGER)", wal=True)
    writer = sqlite3.connect(tmp_path / "w.db", isolation_level=None)
    writer.execute("INSERT INTO t VALUES (1)")
    suffixes = {"none": [], "empty": [], "live": ["-wal", "-shm"], "unfinished": ["-wal"]}[leftover]
    if not suffixes:
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("", *suffixes):
        shutil.copy(tmp_path / f"w.db{suffix}", tmp_path / f"a.db{suffix}")
    if leftover == "empty":
        (tmp_path / "a.db-wal").touch()
    writer.close()
    context(tmp_path)
    before = sorted(tmp_path.iterdir())
    if leftover == "unfinished":
        assert refusal(tmp_path, table="t").kind == "file-unreadable"
    else:
        assert read(tmp_path, table="t")["v"].to_pylist() == [1]
    assert sorted(tmp_path.iterdir()) == before


def test_change_during_read_is_named(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)", wal=True)
    ctx = context(tmp_path)

    def change(rows: int) -> None:
        make(path, "INSERT INTO t VALUES (2)")

    object.__setattr__(ctx, "progress", change)
    with pytest.raises(DriverError) as caught:
        drive("sqlite.extractor", {"path": "a.db", "table": "t"}, ctx)
    assert caught.value.kind == "file-changed"


def test_connection_names_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)")
    connection = {"family": "sqlite", "alias": "main", "path": "a.db"}
    config = {"table": "t", "resolved_connection": connection}
    assert drive("sqlite.extractor", config, context(tmp_path))["df"].num_rows == 1
    assert try_connection("sqlite", {"path": str(path)}).startswith(f"file {path}, 1 table, read by SQLite ")
    with pytest.raises(DriverError) as caught:
        try_connection("sqlite", {"path": str(tmp_path / "none.db")})
    assert caught.value.kind == "file-missing"
    with pytest.raises(DriverError) as caught:
        try_connection("sqlite", {"family": "sqlite", "alias": "main"})
    assert caught.value.message == "@sqlite.main has no 'path'"
