"""Rows in the binary form of COPY stand in the table as rows in CSV do, and are refused with the same words."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.postgres import copy_writer
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.servers.postgres import Postgres

pytest.importorskip("pgpq", reason="the binary form needs pgpq")
INF, NAN = float("inf"), float("nan")
DAYS = [-719_162, 2_932_896, None, 0, -1]
COLUMNS: dict[str, tuple[str, pa.Array]] = {
    "b": ("boolean", pa.array([True, False, None, True, True])),
    "i": ("smallint", pa.array([-(2**15), 2**15 - 1, None, 0, 1], pa.int64())),
    "j": ("integer", pa.array([-(2**31), 2**31 - 1, None, 0, 1], pa.int64())),
    "k": ("bigint", pa.array([-(2**63), 2**63 - 1, None, 0, 1], pa.int64())),
    "u": ("bigint", pa.array([2**63 - 1, 0, None, 0, 1], pa.uint64())),
    "f": ("real", pa.array([3.4e38, -0.0, None, -INF, 0.1], pa.float32())),
    "d": ("double precision", pa.array([5e-324, -0.0, 1.7976931348623157e308, INF, 0.1])),
    "n": ("double precision", pa.array([NAN, None, 1 / 3, -INF, 2**53 + 2.0])),
    "t": ("text", pa.array(["", None, "\\N", '"q"\r\n\t\\.', "ž😀\u2028 "])),
    "v": ("varchar(3)", pa.array(["", None, "abc", "ab    ", "ž😀 "])),
    "day": ("date", pa.array(DAYS, pa.int32()).cast(pa.date32())),
    "s": ("timestamp", pa.array([None if day is None else day * 86_400_000_000 + 86_399_999_999 for day in DAYS], pa.timestamp("us"))),
    "ns": ("timestamp", pa.array([-1000, 1000, None, 0, 2**62 // 1000 * 1000], pa.timestamp("ns"))),
    "z": ("timestamptz", pa.array([-1, 1, None, 0, 10**15], pa.timestamp("us", "Europe/Prague"))),
}  # fmt: skip


@pytest.fixture
def as_csv(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda: monkeypatch.setattr(copy_writer, "binary_schema", lambda _: None)


def write(folder: Path, elephant: Postgres, columns: dict[str, tuple[str, pa.Array]], **config: Any) -> Any:
    folder.mkdir(exist_ok=True)
    frame = pa.table({name: array for name, (_, array) in columns.items()})
    config = {"table": "t", "resolved_connection": elephant.connection, **config}
    return drive("postgres.writer", config, context(folder), df=handed(folder, frame, STORAGES["memory"]))


def create(elephant: Postgres, columns: dict[str, tuple[str, pa.Array]]) -> None:
    types = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
    elephant.run("DROP TABLE IF EXISTS t", f"CREATE TABLE t ({types})")


def rows(elephant: Postgres) -> list[Any]:
    return elephant.rows("SELECT t::text, float8send(d), float8send(n), float4send(f) FROM t")


def test_rows_are_the_same_in_both_forms(tmp_path: Path, postgres: Postgres, as_csv: Any) -> None:
    create(postgres, COLUMNS)
    write(tmp_path / "binary", postgres, COLUMNS)
    binary = rows(postgres)
    create(postgres, COLUMNS)
    as_csv()
    write(tmp_path / "csv", postgres, COLUMNS)
    assert len(binary) == 5
    assert binary == rows(postgres)


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("smallint", pa.array([1, 2**15])),
        ("bigint", pa.array([2**63], pa.uint64())),
        ("integer NOT NULL", pa.array([1, None], pa.int64())),
        ("integer UNIQUE", pa.array([7, 7])),
        ("integer CHECK (v < 2)", pa.array([1, 2])),
        ("varchar(3)", pa.array(["abc", "abcd"])),
        ("text", pa.array(["a", "b\0"])),
        ("timestamp", pa.array([1], pa.timestamp("ns"))),
        ("timestamp", pa.array([-(2**63) + 1], pa.timestamp("us"))),
    ],
)
def test_refusals_are_the_same_in_both_forms(
    tmp_path: Path, postgres: Postgres, as_csv: Any, kind: str, array: pa.Array
) -> None:
    columns = {"v": (kind, array)}
    create(postgres, columns)
    with pytest.raises(DriverError) as binary:
        write(tmp_path / "binary", postgres, columns)
    as_csv()
    with pytest.raises(DriverError) as csv:
        write(tmp_path / "csv", postgres, columns)
    assert (binary.value.message, binary.value.facts) == (csv.value.message, csv.value.facts)
    assert postgres.rows("SELECT count(*) FROM t") == [(0,)]


def test_years_of_five_digits_are_written(tmp_path: Path, postgres: Postgres) -> None:
    columns = {"v": ("date", pa.array([0, 2_932_897], pa.int32()).cast(pa.date32()))}
    create(postgres, columns)
    write(tmp_path, postgres, columns)
    assert postgres.rows("SELECT v::text FROM t") == [("1970-01-01",), ("10000-01-01",)]
