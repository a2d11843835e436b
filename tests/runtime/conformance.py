"""The conformance table: one value of each kind, and what each target must receive.

Written from the documented conversions, not from what the program prints. A target receives the exact value in the
documented form, or refuses the column by name: there is no other outcome.
"""

import enum
import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

D = Decimal
MOMENT = datetime(2024, 2, 29, 23, 59, 59, 678901)
PRAGUE = ZoneInfo("Europe/Prague")
U = UUID("00000000-0000-0000-0000-00000000000a")


class Colour(enum.Enum):
    RED = 1


class Plain:
    pass


class Shown:
    def __str__(self) -> str:
        return "shown"


@dataclass(frozen=True)
class Refused:
    """A refusal that names the column, by the kind of its error."""

    kind: str = "value-not-convertible"


@dataclass(frozen=True)
class Kind:
    """A kind of value and its forms.

    Attributes:
        column: one value and a missing one, as a column of pandas or Arrow; or a query that yields them as ``v``.
        sql: type and text in DuckDB.
        csv: the text of the cell.
        parquet: Arrow type and value that pyarrow reads.
        postgres: type of a new column and text of the value.
    """

    column: Callable[[], Any] | str
    sql: tuple[str, str] | Refused
    csv: str | Refused
    parquet: tuple[str, Any] | Refused
    postgres: tuple[str, str] | Refused


def objects(value: Any) -> Callable[[], pd.Series]:
    """Return a column of Python objects, which pandas does not convert."""

    def column() -> pd.Series:
        cells = np.empty(2, dtype=object)
        cells[0] = value
        return pd.Series(cells, dtype=object)

    return column


def values(*cells: Any, dtype: Any = None) -> Callable[[], pd.Series]:
    return lambda: pd.Series(list(cells), dtype=dtype)


def arrow(value: Any, kind: pa.DataType | None = None) -> Callable[[], pa.Array]:
    return lambda: pa.array([value, None], kind)


def query(expression: str, kind: str) -> str:
    """Return a query that yields an expression and a null of the same type."""
    return f"SELECT 0 AS n, {expression} AS v UNION ALL SELECT 1, NULL::{kind} ORDER BY n"


def same(text: str, sql_type: str, parquet: tuple[str, Any], postgres: str) -> tuple[Any, ...]:
    """Return the forms of a value that is the same text everywhere."""
    return (sql_type, text), text, parquet, (postgres, text)


_NO = Refused()
_TEXT = "string"
_TIMESTAMP = "timestamp without time zone"
_INTERVAL_STRUCT = "struct<months: int32, days: int32, nanoseconds: int64>"

KINDS: dict[str, Kind] = {
    # -- numbers
    "int8": Kind(arrow(-128, pa.int8()), *same("-128", "TINYINT", ("int8", -128), "smallint")),
    "int16": Kind(arrow(-5, pa.int16()), *same("-5", "SMALLINT", ("int16", -5), "smallint")),
    "int32": Kind(arrow(2**31 - 1, pa.int32()), *same("2147483647", "INTEGER", ("int32", 2**31 - 1), "integer")),
    "int64": Kind(arrow(2**53 + 1), *same("9007199254740993", "BIGINT", ("int64", 2**53 + 1), "bigint")),
    "uint8": Kind(arrow(255, pa.uint8()), *same("255", "UTINYINT", ("uint8", 255), "smallint")),
    "uint16": Kind(arrow(65535, pa.uint16()), *same("65535", "USMALLINT", ("uint16", 65535), "integer")),
    "uint32": Kind(arrow(2**32 - 1, pa.uint32()), *same("4294967295", "UINTEGER", ("uint32", 2**32 - 1), "bigint")),
    "uint64": Kind(
        arrow(2**64 - 1, pa.uint64()),
        *same("18446744073709551615", "UBIGINT", ("uint64", 2**64 - 1), "numeric(20,0)"),
    ),
    "nullable Int64": Kind(
        values(2**53 + 1, None, dtype="Int64"),
        *same("9007199254740993", "BIGINT", ("int64", 2**53 + 1), "bigint"),
    ),
    "float16": Kind(arrow(0.5, pa.float16()), *same("0.5", "FLOAT", ("float", 0.5), "real")),
    "float32": Kind(arrow(0.5, pa.float32()), *same("0.5", "FLOAT", ("float", 0.5), "real")),
    "float64": Kind(arrow(0.1), *same("0.1", "DOUBLE", ("double", 0.1), "double precision")),
    "smallest float": Kind(arrow(5e-324), *same("5e-324", "DOUBLE", ("double", 5e-324), "double precision")),
    "infinity": Kind(arrow(math.inf), ("DOUBLE", "inf"), "inf", ("double", math.inf), ("double precision", "Infinity")),
    "NaN of pandas": Kind(
        values(math.nan, math.nan), ("DOUBLE", None), "", ("double", None), ("double precision", None)
    ),
    "int of 70 bits": Kind(
        objects(2**70),
        *same(str(2**70), "DECIMAL(38,0)", ("decimal128(38, 0)", D(2**70)), "numeric(38,0)"),
    ),
    "bool": Kind(arrow(True), ("BOOLEAN", "true"), "True", ("bool", True), ("boolean", "true")),
    "nullable boolean": Kind(
        values(True, None, dtype="boolean"), ("BOOLEAN", "true"), "True", ("bool", True), ("boolean", "true")
    ),
    "decimal128": Kind(
        arrow(D("-1.50"), pa.decimal128(10, 2)),
        *same("-1.50", "DECIMAL(10,2)", ("decimal128(10, 2)", D("-1.50")), "numeric(10,2)"),
    ),
    "decimal256": Kind(
        arrow(D("9" * 45 + "." + "1" * 20), pa.decimal256(65, 20)),
        ("VARCHAR", "9" * 45 + "." + "1" * 20),
        "9" * 45 + "." + "1" * 20,
        (_TEXT, "9" * 45 + "." + "1" * 20),  # DuckDB reads a longer decimal of Parquet as DOUBLE
        ("numeric(65,20)", "9" * 45 + "." + "1" * 20),
    ),
    "Decimal": Kind(objects(D("1.50")), *same("1.50", "DECIMAL(3,2)", ("decimal128(3, 2)", D("1.50")), "numeric(3,2)")),
    "Decimal with exponent": Kind(objects(D("1E+3")), *same("1000", "DECIMAL(4,0)", ("decimal128(4, 0)", D(1000)), "numeric(4,0)")),
    "Fraction": Kind(objects(Fraction(1, 3)), *same("1/3", "VARCHAR", (_TEXT, "1/3"), "text")),
    "complex": Kind(objects(1 + 2j), _NO, _NO, _NO, _NO),
    # -- text and bytes
    "text": Kind(arrow('"q", \\N\n\tž😀'), *same('"q", \\N\n\tž😀', "VARCHAR", (_TEXT, '"q", \\N\n\tž😀'), "text")),
    "NULL as text": Kind(arrow("NULL"), *same("NULL", "VARCHAR", (_TEXT, "NULL"), "text")),
    "empty text": Kind(arrow(""), *same("", "VARCHAR", (_TEXT, ""), "text")),
    "text with NUL": Kind(
        arrow("a\0b"), ("VARCHAR", "a\0b"), "a\0b", (_TEXT, "a\0b"), Refused("value-refused")
    ),
    "lone surrogate": Kind(objects("a\ud800"), _NO, _NO, _NO, _NO),
    "text view": Kind(arrow("ž", pa.string_view()), *same("ž", "VARCHAR", (_TEXT, "ž"), "text")),
    "category": Kind(values("b", None, dtype="category"), ("VARCHAR", "b"), "b", ("dictionary", "b"), ("text", "b")),
    "category of numbers": Kind(
        lambda: pd.Series(pd.Categorical([7, None])), *same("7", "BIGINT", ("int64", 7), "bigint")
    ),
    "bytes": Kind(arrow(b"\x00\xff\\"), ("BLOB", "\\x00\\xFF\\x5C"), "AP9c", ("binary", b"\x00\xff\\"), ("bytea", "\\x00ff5c")),
    "bytearray": Kind(objects(bytearray(b"ab")), ("BLOB", "ab"), "YWI=", ("binary", b"ab"), ("bytea", "\\x6162")),
    "bytes of one length": Kind(
        arrow(b"abcd", pa.binary(4)), ("BLOB", "abcd"), "YWJjZA==", ("binary", b"abcd"), ("bytea", "\\x61626364")
    ),
    "nothing": Kind(lambda: pa.nulls(2), ('"NULL"', None), "", ("null", None), ("text", None)),
    # -- moments
    "date": Kind(arrow(date(1, 1, 1)), ("DATE", "0001-01-01"), "0001-01-01", ("date32[day]", date(1, 1, 1)), ("date", "0001-01-01")),
    "timestamp": Kind(
        arrow(MOMENT), *same("2024-02-29 23:59:59.678901", "TIMESTAMP", ("timestamp[us]", MOMENT), _TIMESTAMP)
    ),
    "timestamp in seconds": Kind(
        arrow(MOMENT.replace(microsecond=0), pa.timestamp("s")),
        ("TIMESTAMP", "2024-02-29 23:59:59"),
        "2024-02-29 23:59:59",
        ("timestamp[us]", MOMENT.replace(microsecond=0)),
        (_TIMESTAMP, "2024-02-29 23:59:59"),
    ),
    "timestamp with nanoseconds": Kind(
        lambda: pa.array([1_700_000_000_000_000_001, None], pa.timestamp("ns")),
        ("TIMESTAMP_NS", "2023-11-14 22:13:20.000000001"),
        "2023-11-14 22:13:20.000000001",
        ("timestamp[ns]", pd.Timestamp(1_700_000_000_000_000_001)),
        Refused("value-refused"),
    ),
    "timestamp in UTC": Kind(
        arrow(MOMENT.replace(tzinfo=UTC), pa.timestamp("us", "UTC")),
        ("TIMESTAMP WITH TIME ZONE", "2024-02-29 23:59:59.678901+00"),
        "2024-02-29 23:59:59.678901+00:00",
        ("timestamp[us, tz=UTC]", MOMENT.replace(tzinfo=UTC)),
        ("timestamp with time zone", "2024-02-29 23:59:59.678901+00"),
    ),
    "timestamp in Prague": Kind(
        arrow(MOMENT.replace(tzinfo=PRAGUE), pa.timestamp("us", "Europe/Prague")),
        ("TIMESTAMP WITH TIME ZONE", "2024-02-29 22:59:59.678901+00"),
        "2024-02-29 23:59:59.678901+01:00",
        ("timestamp[us, tz=Europe/Prague]", MOMENT.replace(tzinfo=PRAGUE)),
        ("timestamp with time zone", "2024-02-29 22:59:59.678901+00"),
    ),
    "date beside a datetime": Kind(
        lambda: pd.Series([date(2024, 1, 1), datetime(2024, 1, 2, 10)], dtype=object),
        ("TIMESTAMP", "2024-01-01 00:00:00"),
        "2024-01-01 00:00:00",
        ("timestamp[us]", datetime(2024, 1, 1)),
        (_TIMESTAMP, "2024-01-01 00:00:00"),
    ),
    "time": Kind(
        arrow(time(23, 59, 59, 1)),
        *same("23:59:59.000001", "TIME", ("time64[us]", time(23, 59, 59, 1)), "time without time zone"),
    ),
    "time with a zone": Kind(
        objects(time(1, 2, 3, tzinfo=timezone(timedelta(hours=2)))),
        *same("01:02:03+02:00", "VARCHAR", (_TEXT, "01:02:03+02:00"), "text"),
    ),
    "duration": Kind(
        arrow(timedelta(hours=26, minutes=30, milliseconds=500)),
        ("INTERVAL", "26:30:00.5"),
        "P1DT2H30M0.5S",
        ("duration[us]", timedelta(hours=26, minutes=30, milliseconds=500)),
        ("interval", "26:30:00.5"),
    ),
    "negative duration": Kind(
        arrow(timedelta(hours=-1)), ("INTERVAL", "-01:00:00"), "PT-1H", ("duration[us]", timedelta(hours=-1)), ("interval", "-01:00:00")
    ),
    "duration with nanoseconds": Kind(
        arrow(1, pa.duration("ns")),
        _NO,
        "PT0.000000001S",
        ("duration[ns]", pd.Timedelta(1, "ns")),
        Refused("value-refused"),
    ),
    "interval": Kind(
        arrow(pa.MonthDayNano([1, 2, 3000]), pa.month_day_nano_interval()),
        ("INTERVAL", "1 month 2 days 00:00:00.000003"),
        "P1M2DT0.000003S",
        (_INTERVAL_STRUCT, {"months": 1, "days": 2, "nanoseconds": 3000}),
        ("interval", "1 mon 2 days 00:00:00.000003"),
    ),
    "period": Kind(
        lambda: pd.Series(pd.PeriodIndex(["2024-01", None], freq="M")), *same("2024-01", "VARCHAR", (_TEXT, "2024-01"), "text")
    ),
    "interval of pandas": Kind(
        lambda: pd.Series(pd.IntervalIndex([pd.Interval(0, 1), None])), *same("(0.0, 1.0]", "VARCHAR", (_TEXT, "(0.0, 1.0]"), "text")
    ),
    # -- objects with text
    "UUID": Kind(objects(U), *same(str(U), "VARCHAR", ("extension<arrow.uuid>", U), "uuid")),
    "UUID of Arrow": Kind(
        lambda: pa.array([U.bytes, None], pa.binary(16)).cast(pa.uuid()), *same(str(U), "VARCHAR", ("extension<arrow.uuid>", U), "uuid")
    ),
    "IP address": Kind(objects(ipaddress.ip_address("10.0.0.1")), *same("10.0.0.1", "VARCHAR", (_TEXT, "10.0.0.1"), "text")),
    "path": Kind(objects(PurePosixPath("a/b")), *same("a/b", "VARCHAR", (_TEXT, "a/b"), "text")),
    "object with text": Kind(objects(Shown()), *same("shown", "VARCHAR", (_TEXT, "shown"), "text")),
    "object without text": Kind(objects(Plain()), _NO, _NO, _NO, _NO),
    "member of an enum": Kind(objects(Colour.RED), _NO, _NO, _NO, _NO),
    # -- lists, structures, maps
    "list of integers": Kind(
        arrow([1, None, 2**60]),
        ("BIGINT[]", "[1, NULL, 1152921504606846976]"),
        "[1,null,1152921504606846976]",
        ("list<element: int64>", [1, None, 2**60]),
        ("jsonb", "[1, null, 1152921504606846976]"),
    ),
    "list of texts": Kind(
        arrow(["x", "y, z", None]),
        ("VARCHAR[]", "[x, 'y, z', NULL]"),
        '["x","y, z",null]',
        ("list<element: string>", ["x", "y, z", None]),
        ("jsonb", '["x", "y, z", null]'),
    ),
    "long vector": Kind(
        arrow([i / 7 for i in range(1536)]),
        ("DOUBLE[]", "[" + ", ".join(map(str, (i / 7 for i in range(1536)))) + "]"),
        "[" + ",".join(map(str, (i / 7 for i in range(1536)))) + "]",
        ("list<element: double>", [i / 7 for i in range(1536)]),
        ("jsonb", "[" + ", ".join(map(str, (i / 7 for i in range(1536)))) + "]"),
    ),
    "vector of numpy": Kind(
        objects(np.array([0.5, 1.5])), ("DOUBLE[]", "[0.5, 1.5]"), "[0.5,1.5]", ("list<element: double>", [0.5, 1.5]), ("jsonb", "[0.5, 1.5]")
    ),
    "list of one length": Kind(
        arrow([1.5, 2.5], pa.list_(pa.float32(), 2)),
        ("FLOAT[]", "[1.5, 2.5]"),
        "[1.5,2.5]",
        ("list<element: float>", [1.5, 2.5]),
        ("jsonb", "[1.5, 2.5]"),
    ),
    "list with infinity": Kind(
        arrow([1.0, math.inf]),
        ("DOUBLE[]", "[1.0, inf]"),
        '[1.0,"Infinity"]',
        ("list<element: double>", [1.0, math.inf]),
        ("jsonb", '[1.0, "Infinity"]'),
    ),
    "list of lists": Kind(
        arrow([[1], [], None]), ("BIGINT[][]", "[[1], [], NULL]"), "[[1],[],null]", ("list<element: list<element: int64>>", [[1], [], None]), ("jsonb", "[[1], [], null]")
    ),
    "empty list": Kind(
        arrow([], pa.list_(pa.int64())), ("BIGINT[]", "[]"), "[]", ("list<element: int64>", []), ("jsonb", "[]")
    ),
    "tuple": Kind(objects((1, "a")), ("VARCHAR", '[1,"a"]'), '[1,"a"]', (_TEXT, '[1,"a"]'), ("jsonb", '[1, "a"]')),
    "set": Kind(objects({3, 1}), ("BIGINT[]", "[1, 3]"), "[1,3]", ("list<element: int64>", [1, 3]), ("jsonb", "[1, 3]")),
    "structure": Kind(
        arrow({"a": 1, "b": "ž"}),
        ("STRUCT(a BIGINT, b VARCHAR)", "{'a': 1, 'b': ž}"),
        '{"a":1,"b":"ž"}',
        ("struct<a: int64, b: string>", {"a": 1, "b": "ž"}),
        ("jsonb", '{"a": 1, "b": "ž"}'),
    ),
    "structure with a decimal and a moment": Kind(
        arrow({"d": D("1.50"), "t": MOMENT, "x": b"ab"}),
        ("STRUCT(d DECIMAL(3,2), t TIMESTAMP, x BLOB)", "{'d': 1.50, 't': '2024-02-29 23:59:59.678901', 'x': ab}"),
        '{"d":"1.50","t":"2024-02-29 23:59:59.678901","x":"\\\\x6162"}',
        ("struct<d: decimal128(3, 2), t: timestamp[us], x: binary>", {"d": D("1.50"), "t": MOMENT, "x": b"ab"}),
        ("jsonb", '{"d": "1.50", "t": "2024-02-29 23:59:59.678901", "x": "\\\\x6162"}'),
    ),
    "map": Kind(
        arrow([("k", 1)], pa.map_(pa.string(), pa.int64())),
        ("MAP(VARCHAR, BIGINT)", "{k=1}"),
        '{"k":1}',
        ("map<string, int64>", [("k", 1)]),
        ("jsonb", '{"k": 1}'),
    ),
    "dict": Kind(objects({"a": {"b": [1]}}), ("STRUCT(a STRUCT(b BIGINT[]))", "{'a': {'b': [1]}}"), '{"a":{"b":[1]}}', ("struct<a: struct<b: list<element: int64>>>", {"a": {"b": [1]}}), ("jsonb", '{"a": {"b": [1]}}')),
    "dict with infinity": Kind(
        objects({"a": math.inf}), ("STRUCT(a DOUBLE)", "{'a': inf}"), '{"a":"Infinity"}', ("struct<a: double>", {"a": math.inf}), ("jsonb", '{"a": "Infinity"}')
    ),
    "dict that contains an object without text": Kind(objects({"a": Plain()}), _NO, _NO, _NO, _NO),
    # -- mixtures
    "text beside a number": Kind(
        lambda: pd.Series(["A1", 7], dtype=object), *same("A1", "VARCHAR", (_TEXT, "A1"), "text")
    ),
    "integer beside a fraction": Kind(
        lambda: pd.Series([1, 2.5], dtype=object), ("DOUBLE", "1.0"), "1.0", ("double", 1.0), ("double precision", "1")
    ),
    "bytes beside text": Kind(lambda: pd.Series([b"a", "b"], dtype=object), _NO, _NO, _NO, _NO),
    # -- results of DuckDB
    "HUGEINT": Kind(
        query("(2::HUGEINT ** 100)::HUGEINT", "HUGEINT"),
        ("DECIMAL(38,0)", str(2**100)),
        str(2**100),
        ("decimal128(38, 0)", D(2**100)),
        ("numeric(38,0)", str(2**100)),
    ),
    "UHUGEINT": Kind(
        query("340282366920938463463374607431768211455::UHUGEINT", "UHUGEINT"),
        ("VARCHAR", str(2**128 - 1)),
        str(2**128 - 1),
        (_TEXT, str(2**128 - 1)),
        ("numeric(39,0)", str(2**128 - 1)),
    ),
    "BIGNUM": Kind(query(f"{10**44}::BIGNUM", "BIGNUM"), *same(str(10**44), "VARCHAR", (_TEXT, str(10**44)), "text")),
    "BIT": Kind(query("'101'::BIT", "BIT"), *same("101", "VARCHAR", (_TEXT, "101"), "text")),
    "TIME WITH TIME ZONE": Kind(
        query("'12:30:00+02'::TIMETZ", "TIMETZ"), *same("12:30:00+02", "VARCHAR", (_TEXT, "12:30:00+02"), "text")
    ),
    "UNION": Kind(query("union_value(num := 2)", "UNION(num INTEGER)"), *same("2", "VARCHAR", (_TEXT, "2"), "text")),
    "ENUM": Kind(query("'b'::ENUM('a', 'b')", "ENUM('a', 'b')"), ("VARCHAR", "b"), "b", ("dictionary", "b"), ("text", "b")),
    "UUID of DuckDB": Kind(query(f"'{U}'::UUID", "UUID"), *same(str(U), "VARCHAR", (_TEXT, str(U)), "text")),
    "JSON of DuckDB": Kind(query("""'{"a": 1}'::JSON""", "JSON"), ("VARCHAR", '{"a": 1}'), '{"a": 1}', (_TEXT, '{"a": 1}'), ("text", '{"a": 1}')),
    "INTERVAL of DuckDB": Kind(
        query("INTERVAL '1 day 2 hours'", "INTERVAL"),
        ("INTERVAL", "1 day 02:00:00"),
        "P1DT2H",
        (_INTERVAL_STRUCT, {"months": 0, "days": 1, "nanoseconds": 7_200_000_000_000}),
        ("interval", "1 day 02:00:00"),
    ),
    "INTERVAL of more nanoseconds than 64 bits": Kind(
        query("INTERVAL '2562049 hours 5 microseconds'", "INTERVAL"),
        ("INTERVAL", "106752 days 01:00:00.000005"),
        "P106752DT1H0.000005S",
        (_INTERVAL_STRUCT, {"months": 0, "days": 106_752, "nanoseconds": 3_600_000_005_000}),
        ("interval", "106752 days 01:00:00.000005"),
    ),
    "such an INTERVAL in a list": Kind(query("[INTERVAL '2562049 hours']", "INTERVAL[]"), _NO, _NO, _NO, _NO),
    "MAP of DuckDB": Kind(
        query("MAP {1: 'a'}", "MAP(INTEGER, VARCHAR)"),
        ("MAP(INTEGER, VARCHAR)", "{1=a}"),
        '{"1":"a"}',
        ("map<int32, string>", [(1, "a")]),
        ("jsonb", '{"1": "a"}'),
    ),
    "BIT in a list": Kind(
        query("['101'::BIT]", "BIT[]"), ("VARCHAR[]", "[101]"), '["101"]', ("list<element: string>", ["101"]), ("jsonb", '["101"]')
    ),
    "UUID in a structure": Kind(
        query(f"{{'u': '{U}'::UUID}}", "STRUCT(u UUID)"),
        ("STRUCT(u VARCHAR)", f"{{'u': {U}}}"),
        f'{{"u":"{U}"}}',
        ("struct<u: string>", {"u": str(U)}),
        ("jsonb", f'{{"u": "{U}"}}'),
    ),
    "infinite timestamp": Kind(query("'infinity'::TIMESTAMP", "TIMESTAMP"), _NO, _NO, _NO, _NO),
    "infinite date": Kind(query("'-infinity'::DATE", "DATE"), _NO, _NO, _NO, _NO),
    "infinite timestamp in a list": Kind(query("['infinity'::TIMESTAMP]", "TIMESTAMP[]"), _NO, _NO, _NO, _NO),
}  # fmt: skip
