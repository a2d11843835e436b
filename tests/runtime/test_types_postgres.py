"""Each type that a frame can hold: written to PostgreSQL over every way, the exact value stands in the table and comes back."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest

pytestmark = pytest.mark.sampled(9)

D = Decimal
MOMENT = datetime(2024, 2, 29, 23, 59, 59, 678901)
# frame column, the type a new column gets, the values that stand in it
WRITTEN: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "int8": (pa.array([-128, None], pa.int8()), "smallint", [-128, None]),
    "uint8": (pa.array([255], pa.uint8()), "smallint", [255]),
    "int32": (pa.array([2**31 - 1], pa.int32()), "integer", [2**31 - 1]),
    "uint32": (pa.array([2**32 - 1], pa.uint32()), "bigint", [2**32 - 1]),
    "int64": (pa.array([2**53 + 1, -(2**63)], pa.int64()), "bigint", [2**53 + 1, -(2**63)]),
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), "numeric(20,0)", [D(2**64 - 1), None]),
    "float32": (pa.array([0.5], pa.float32()), "real", [0.5]),
    "float64": (pa.array([0.1, 3.0, 5e-324, float("inf")]), "double precision", [0.1, 3.0, 5e-324, float("inf")]),
    "bool": (pa.array([True, False, None]), "boolean", [True, False, None]),
    "decimal": (pa.array([D("-1.50"), None], pa.decimal128(10, 2)), "numeric(10,2)", [D("-1.50"), None]),
    "decimal 65": (pa.array([D("9" * 45 + "." + "1" * 20)], pa.decimal256(65, 20)), "numeric(65,20)", [D("9" * 45 + "." + "1" * 20)]),
    "text": (pa.array(["", None, "NULL", '"q", \\N\n\t', "😀"]), "text", ["", None, "NULL", '"q", \\N\n\t', "😀"]),
    "category": (pa.array(["a", None, "b"]).dictionary_encode(), "text", ["a", None, "b"]),
    "bytes": (pa.array([b"", b"\x00\xff\\", None]), "bytea", [b"", b"\x00\xff\\", None]),
    "date": (pa.array([date(1, 1, 1), date(9999, 12, 31)]), "date", [date(1, 1, 1), date(9999, 12, 31)]),
    "moment": (pa.array([MOMENT, None], pa.timestamp("us")), "timestamp without time zone", [MOMENT, None]),
    "moment in ns": (pa.array([MOMENT], pa.timestamp("ns")), "timestamp without time zone", [MOMENT]),
    "moment of a zone": (pa.array([MOMENT.replace(tzinfo=UTC)], pa.timestamp("us", "Europe/Prague")), "timestamp with time zone", [MOMENT.replace(tzinfo=UTC)]),
    "time": (pa.array([time(23, 59, 59, 1)], pa.time64("us")), "time without time zone", [time(23, 59, 59, 1)]),
    "duration": (pa.array([timedelta(hours=-838, microseconds=1), None], pa.duration("us")), "interval", [timedelta(hours=-838, microseconds=1), None]),
    "list": (pa.array([[1, None], None], pa.list_(pa.int64())), "jsonb", [[1, None], None]),
    "struct": (pa.array([{"a": 1, "b": "ž"}]), "jsonb", [{"a": 1, "b": "ž"}]),
    "nothing": (pa.nulls(2), "text", [None, None]),
}  # fmt: skip

READ: dict[str, tuple[str, pa.DataType, Any]] = {
    "smallint": ("-5", pa.int16(), -5),
    "bigint": ("9223372036854775807", pa.int64(), 2**63 - 1),
    "real": ("0.1", pa.float32(), pytest.approx(0.1, rel=1e-6)),
    "double precision": ("'NaN'", pa.float64(), pytest.approx(float("nan"), nan_ok=True)),
    "numeric(30,15)": ("123456789012345.123456789012345", pa.decimal128(30, 15), D("123456789012345.123456789012345")),
    "numeric(76,10)": ("1.5", pa.decimal256(76, 10), D("1.5")),
    "numeric": ("12345678901234567890.12345678901234567890", pa.large_string(), "12345678901234567890.12345678901234567890"),
    "boolean": ("true", pa.bool_(), True),
    "text": ("E'a,\"b\\n'", pa.large_string(), 'a,"b\n'),
    "varchar(3)": ("''", pa.large_string(), ""),
    "bytea": ("'\\x00ff'", pa.large_binary(), b"\x00\xff"),
    "date": ("'2024-02-29'", pa.date32(), date(2024, 2, 29)),
    "time": ("'23:59:59.000001'", pa.time64("us"), time(23, 59, 59, 1)),
    "timestamp": ("'2024-01-02 03:04:05.678901'", pa.timestamp("us"), datetime(2024, 1, 2, 3, 4, 5, 678901)),
    "timestamptz": ("'2024-01-02 03:04:05+05:30'", pa.timestamp("us", "UTC"), datetime(2024, 1, 1, 21, 34, 5, tzinfo=UTC)),
    "interval": ("'100 hours 1 second'", pa.large_string(), "100:00:01"),
    "uuid": ("'00000000-0000-0000-0000-00000000000a'", pa.large_string(), "00000000-0000-0000-0000-00000000000a"),
    "jsonb": ("'{\"a\": [1]}'", pa.large_string(), '{"a": [1]}'),
    "int[]": ("'{1,2}'", pa.large_string(), "{1,2}"),
}  # fmt: skip


def written_to(postgres: Postgres, table: str, column: str) -> list[Any]:
    values = postgres.rows(f'SELECT "v" FROM {table} ORDER BY "n"')
    del column
    return [value for (value,) in values]


def frame_of(column: pa.Array) -> pa.Table:
    return pa.table({"n": pa.array(range(len(column)), pa.int64()), "v": column})


def type_in(postgres: Postgres, table: str) -> str:
    query = f"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'v'"
    return str(postgres.rows(query)[0][0])


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", WRITTEN)
def test_a_new_table_has_the_right_type_and_the_exact_value(
    postgres: Postgres, tmp_path: Path, kind: str, storage: str, mode: str
) -> None:
    column, ddl, expected = WRITTEN[kind]
    postgres.run("DROP TABLE IF EXISTS typed")
    resolved = handed(tmp_path, frame_of(column), STORAGES[storage])
    config = {
        "table": "typed",
        "create_if_missing": True,
        "write_mode": mode,
        "primary_key": "n",
        "resolved_connection": postgres.connection,
    }
    done = drive("postgres.writer", config, context(tmp_path), df=resolved)
    assert done == {"rows_written": len(column)}
    assert type_in(postgres, "typed") == ddl
    assert written_to(postgres, "typed", "v") == expected


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", WRITTEN)
def test_over_rest_the_exact_value_stands_in_the_table(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, kind: str, storage: str
) -> None:
    column, ddl, expected = WRITTEN[kind]
    postgres.run(
        "DROP TABLE IF EXISTS typed_rest", f"CREATE TABLE typed_rest (n bigint PRIMARY KEY, v {ddl})"
    )
    postgrest.look()
    resolved = handed(tmp_path, frame_of(column), STORAGES[storage])
    config = {"table": "typed_rest", "resolved_connection": postgrest.connection}
    assert drive("supabase.writer", config, context(tmp_path), df=resolved) == {"rows_written": len(column)}
    assert written_to(postgres, "typed_rest", "v") == expected


@pytest.mark.parametrize("kind", READ)
def test_a_value_is_read_exactly_in_its_declared_type(postgres: Postgres, tmp_path: Path, kind: str) -> None:
    literal, expected_type, expected = READ[kind]
    postgres.run(
        "DROP TABLE IF EXISTS read_typed",
        f"CREATE TABLE read_typed (n int, v {kind})",
        f"INSERT INTO read_typed VALUES (1, {literal}), (2, NULL)",
    )

    def read(where: str) -> pa.Table:
        config = {
            "query": f"SELECT v FROM read_typed {where} ORDER BY n -- done",
            "resolved_connection": postgres.connection,
        }
        return drive("postgres.extractor", config, context(tmp_path))["df"]

    table = read("")
    assert table.schema.field("v").type == expected_type
    assert table["v"].to_pylist() == [expected, None]
    assert read("WHERE n < 0").schema == table.schema


def test_gaps_of_pandas_are_null_and_not_nan(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run("DROP TABLE IF EXISTS gaps", "CREATE TABLE gaps (n int, v int, f float8)")
    frame = pd.DataFrame({"n": [1, 2], "v": [3.0, None], "f": [0.5, None]})
    drive(
        "postgres.writer",
        {"table": "gaps", "resolved_connection": postgres.connection},
        context(tmp_path),
        df=handed(tmp_path, frame),
    )
    assert postgres.rows("SELECT * FROM gaps ORDER BY n") == [(1, 3, 0.5), (2, None, None)]


@pytest.mark.parametrize(
    ("column", "ddl", "expected"),
    [
        (pa.array([2.5]), "integer", "column 'v' contains fractions, and the table's column is integer"),
        (pa.array([1], pa.timestamp("ns")), "timestamp", "column 'v' contains nanoseconds, which PostgreSQL cannot store; nothing was written; round them in an earlier step"),
        (pa.array([2**40]), "integer", "(22003) value \"1099511627776\" is out of range for type integer; COPY unfit, line 1, column v"),
        (pa.array(["abc"]), "integer", "(22P02) invalid input syntax for type integer: \"abc\"; COPY unfit, line 1, column v: \"abc\"; nothing was written"),
        (pa.array(["a\0b"]), "text", "nothing was written"),
    ],
)  # fmt: skip
def test_a_value_that_the_table_cannot_hold_is_named(
    postgres: Postgres, tmp_path: Path, column: pa.Array, ddl: str, expected: str
) -> None:
    postgres.run("DROP TABLE IF EXISTS unfit", f"CREATE TABLE unfit (n bigint, v {ddl})")
    resolved = handed(tmp_path, frame_of(column))
    with pytest.raises(DriverError) as caught:
        drive(
            "postgres.writer",
            {"table": "unfit", "resolved_connection": postgres.connection},
            context(tmp_path),
            df=resolved,
        )
    assert expected in str(caught.value)
    assert postgres.rows("SELECT count(*) FROM unfit") == [(0,)]
