"""The SQLite writer: one transaction a step, exact values, and a file that a failure leaves as it was."""

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import context, drive, handed
from tests.runtime.test_sqlite import make

FRAME = pd.DataFrame({"k": [1, 2], "v": ["a", "b"]})


def write(folder: Path, frame: Any, **config: Any) -> int:
    settled = {"path": "a.db", "table": "t", **config}
    return int(drive("sqlite.writer", settled, context(folder), df=handed(folder, frame))["rows_written"])


def rows(path: Path, query: str = "SELECT * FROM t ORDER BY 1") -> list[tuple[Any, ...]]:
    session = sqlite3.connect(path)
    found = session.execute(query).fetchall()
    session.close()
    return found


def refusal(folder: Path, frame: Any, **config: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        write(folder, frame, **config)
    assert caught.value.fix
    assert caught.value.facts.get("rows_written") == 0
    return caught.value


def databases(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if "a.db" in path.name}


def test_missing_file_is_created_if_wanted(tmp_path: Path) -> None:
    error = refusal(tmp_path, FRAME)
    assert (error.kind, databases(tmp_path)) == ("file-missing", set())
    assert "set create_if_missing: true" in str(error)
    assert write(tmp_path, FRAME, create_if_missing=True, path="new/a.db") == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.db"]
    assert rows(tmp_path / "new" / "a.db") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("append", [(0, "z"), (1, "a"), (2, "b")]),
        ("insert", [(0, "z"), (1, "a"), (2, "b")]),
        ("replace", [(1, "a"), (2, "b")]),
    ],
)
@pytest.mark.parametrize("wal", [False, True])
def test_mode_treats_existing_rows(
    tmp_path: Path, mode: str, expected: list[tuple[Any, ...]], wal: bool
) -> None:
    make(tmp_path / "a.db", "CREATE TABLE t (k INTEGER, v TEXT)", "INSERT INTO t VALUES (0, 'z')", wal=wal)
    assert write(tmp_path, FRAME, write_mode=mode) == 2
    assert rows(tmp_path / "a.db") == expected
    assert databases(tmp_path) == {"a.db"}


def test_upsert_updates_rows_with_key(tmp_path: Path) -> None:
    for frame in (FRAME, pd.DataFrame({"k": [2, 3], "v": ["B", "c"]})):
        write(tmp_path, frame, write_mode="upsert", primary_key="k", create_if_missing=True)
    assert rows(tmp_path / "a.db") == [(1, "a"), (2, "B"), (3, "c")]


def test_repeated_keys_are_named_or_last_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"k": [1, 1], "v": ["a", "b"]})
    config = {"write_mode": "upsert", "primary_key": "k", "create_if_missing": True}
    error = refusal(tmp_path, frame, **config)
    assert (error.kind, databases(tmp_path)) == ("duplicate-keys", set())
    assert "(k=1); nothing was written" in error.message
    assert write(tmp_path, frame, **config, on_duplicate_keys="last") == 1
    assert rows(tmp_path / "a.db") == [(1, "b")]


def test_missing_keys_are_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"k": [1, None], "v": ["a", "b"]})
    error = refusal(tmp_path, frame, write_mode="upsert", primary_key="k", create_if_missing=True)
    assert (error.kind, error.facts["rows"]) == ("null-keys", 1)


@pytest.mark.parametrize(
    ("statements", "config", "kind", "words"),
    [
        ((), {}, "table-missing", "set create_if_missing: true"),
        (("CREATE TABLE tt (k)",), {}, "table-missing", "did you mean 'tt'?"),
        (("CREATE TABLE t (k)",), {}, "column-missing", "has no column 'v'; it has k"),
        (("CREATE TABLE s (k, v)", "CREATE VIEW t AS SELECT * FROM s"), {}, "config-value-invalid", "is a view"),
        (("CREATE TABLE t (k, v AS (k))",), {}, "value-refused", "is generated"),
        (("CREATE TABLE t (k, v)",), {"write_mode": "upsert", "primary_key": "k"}, "constraint-missing", "unique are: none"),
        (("CREATE TABLE t (k, v CHECK (v <> 'b'))",), {}, "constraint-violated", "CHECK constraint failed"),
        (("CREATE TABLE t (k, v UNIQUE)", "INSERT INTO t VALUES (0, 'b')"), {}, "constraint-violated", "UNIQUE"),
        (("CREATE TABLE t (k, v)", "CREATE TRIGGER g BEFORE INSERT ON t WHEN NEW.k = 2 BEGIN SELECT RAISE(IGNORE); END"), {}, "rows-rejected", "took 1 of 2 rows"),
    ],
)  # fmt: skip
def test_failure_leaves_file_as_it_was(
    tmp_path: Path, statements: tuple[str, ...], config: dict[str, Any], kind: str, words: str
) -> None:
    path = make(tmp_path / "a.db", "CREATE TABLE other (x)", *statements)
    before = path.read_bytes()
    error = refusal(tmp_path, FRAME, **config)
    assert error.kind == kind
    assert words in str(error)
    assert path.read_bytes() == before
    assert databases(tmp_path) == {"a.db"}


def test_locked_file_is_named(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", "CREATE TABLE t (k, v)")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    error = refusal(tmp_path, FRAME, lock_timeout=0)
    other.close()
    assert (error.kind, rows(path)) == ("lock-conflict", [])


def test_other_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("a,b\n" * 99)
    assert refusal(tmp_path, FRAME, create_if_missing=True).kind == "file-format-wrong"
    assert (tmp_path / "a.db").read_text() == "a,b\n" * 99


def test_names_that_differ_in_case_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, pd.DataFrame({"a": [1], "A": [2]}), create_if_missing=True)
    assert (error.kind, error.facts["column"]) == ("frame-refused", "A")
    assert databases(tmp_path) == set()


Values = Callable[[], pa.Array]


@pytest.mark.parametrize(
    ("declared", "value", "stored"),
    [
        ("REAL", 2**53, 2.0**53),
        ("REAL", 2**53 + 1, None),
        ("TEXT", 7, "7"),
        ("TEXT", 0.1, None),
        ("INTEGER", 1.0, 1),
        ("INTEGER", 1.5, None),
        ("INTEGER", "7", 7),
        ("INTEGER", "seven", None),
        ("INTEGER", "9223372036854775808", None),
        ("NUMERIC(10,2)", Decimal("1.50"), 1.5),
        ("NUMERIC(10,2)", Decimal("1.00000000000000000001"), None),
        ("STRING", "12", 12),
        ("STRING", "00123", None),
        ("STRING", "1e5", None),
        ("STRING", "x1", "x1"),
        ("DATE", "2024-01-01", "2024-01-01"),
        ("TEXT", b"a", None),
        ("", b"a", b"a"),
        ("", "00123", "00123"),
    ],
)
def test_existing_column_keeps_or_refuses(tmp_path: Path, declared: str, value: Any, stored: Any) -> None:
    path = make(tmp_path / "a.db", f"CREATE TABLE t (v {declared})")
    frame = pa.table({"v": pa.array([None, value])})
    if stored is None:
        error = refusal(tmp_path, frame)
        assert (error.kind, error.facts["column"], error.facts["row"]) == ("value-refused", "v", 2)
        assert rows(path) == []
    else:
        write(tmp_path, frame)
        assert rows(path, "SELECT v, typeof(v) FROM t")[1] == rows(path, f"SELECT {literal(stored)}, typeof({literal(stored)})")[0]  # fmt: skip


def literal(value: Any) -> str:
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return repr(value)
