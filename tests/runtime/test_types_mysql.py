"""Each type of MySQL: the exact value that went in comes out, in the type that was declared, through memory and spill.

Both protocols are read: the binary one, and the one of text, by a server that prepares no query.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.servers.mariadb import MariaDb

D = Decimal
WIDE = D("-123456789012345678901234567890123456789012345.12345678901234567890")
TYPES: dict[str, tuple[pa.DataType, list[str], list[Any]]] = {
    "TINYINT": (pa.int8(), ["-128", "127"], [-128, 127]),
    "TINYINT(1)": (pa.int8(), ["0", "1", "2"], [0, 1, 2]),
    "TINYINT UNSIGNED": (pa.uint8(), ["0", "255"], [0, 255]),
    "SMALLINT": (pa.int16(), ["-32768", "32767"], [-32768, 32767]),
    "MEDIUMINT UNSIGNED": (pa.uint32(), ["16777215"], [16777215]),
    "INT": (pa.int32(), ["-2147483648", "2147483647"], [-(2**31), 2**31 - 1]),
    "INT(5) ZEROFILL": (pa.uint32(), ["42"], [42]),
    "BIGINT": (pa.int64(), ["-9223372036854775808", "9007199254740993"], [-(2**63), 2**53 + 1]),
    "BIGINT UNSIGNED": (pa.uint64(), ["18446744073709551615", "0"], [2**64 - 1, 0]),
    "DECIMAL(10,2)": (pa.decimal128(10, 2), ["-12345678.90"], [D("-12345678.90")]),
    "DECIMAL(5,2) UNSIGNED": (pa.decimal128(5, 2), ["999.99"], [D("999.99")]),
    "DECIMAL(38,0)": (pa.decimal128(38, 0), ["9" * 38], [D("9" * 38)]),
    "DECIMAL(30,30)": (pa.decimal128(30, 30), ["0." + "1" * 30], [D("0." + "1" * 30)]),
    "DECIMAL(65,20)": (pa.decimal256(65, 20), [str(WIDE)], [WIDE]),
    "FLOAT": (pa.float32(), ["0.5", "-1.25"], [0.5, -1.25]),
    "DOUBLE": (pa.float64(), ["0.1", "1.7976931348623157e308", "5e-324"], [0.1, 1.7976931348623157e308, 5e-324]),
    "DATE": (pa.date32(), ["'1000-01-01'", "'9999-12-31'"], [date(1000, 1, 1), date(9999, 12, 31)]),
    "DATETIME": (pa.timestamp("us"), ["'2024-02-29 23:59:59'"], [datetime(2024, 2, 29, 23, 59, 59)]),
    "DATETIME(6)": (pa.timestamp("us"), ["'2024-01-02 03:04:05.678901'"], [datetime(2024, 1, 2, 3, 4, 5, 678901)]),
    "TIMESTAMP(3) NULL": (pa.timestamp("us"), ["'2024-01-02 03:04:05.678'"], [datetime(2024, 1, 2, 3, 4, 5, 678000)]),
    "TIME": (pa.large_string(), ["'-838:59:59'", "'23:00:01'"], ["-838:59:59", "23:00:01"]),
    "TIME(6)": (pa.large_string(), ["'100:00:00.000001'"], ["100:00:00.000001"]),
    "YEAR": (pa.int16(), ["2024", "1901", "0"], [2024, 1901, 0]),
    "CHAR(5)": (pa.large_string(), ["'ab'"], ["ab"]),
    "VARCHAR(50)": (pa.large_string(), ["'héllo 😀'", "''", r"'a\'b\\\\c\n'"], ["héllo 😀", "", "a'b\\\\c\n"]),
    "TEXT": (pa.large_string(), ["REPEAT('ä', 300)"], ["ä" * 300]),
    "LONGTEXT": (pa.large_string(), ["REPEAT('x', 70000)"], ["x" * 70000]),
    "JSON": (pa.large_string(), ['\'{"a": [1, null]}\''], ['{"a": [1, null]}']),
    "BINARY(3)": (pa.large_binary(), ["x'00ff10'"], [b"\x00\xff\x10"]),
    "BLOB": (pa.large_binary(), ["x'fbfcfdfeff00'", "''"], [b"\xfb\xfc\xfd\xfe\xff\x00", b""]),
    "BIT(1)": (pa.uint64(), ["b'1'", "b'0'"], [1, 0]),
    "BIT(64)": (pa.uint64(), ["18446744073709551615", "1"], [2**64 - 1, 1]),
    "ENUM('small','größer')": (pa.large_string(), ["'größer'"], ["größer"]),
    "SET('a','b')": (pa.large_string(), ["'a,b'", "''"], ["a,b", ""]),
}  # fmt: skip


def extracted(mariadb: MariaDb, folder: Path, query: str, **config: Any) -> pa.Table:
    settled = {"query": query, "resolved_connection": mariadb.connection, **config}
    return drive("mysql.extractor", settled, context(folder))["df"]


def cells(frame: pd.DataFrame) -> list[Any]:
    """The values as Python has them, a gap as None."""
    return pa.Array.from_pandas(frame["v"]).to_pylist() if frame["v"].dtype != object else list(frame["v"])


@pytest.fixture(scope="module")
def tables(mariadb: MariaDb) -> dict[str, str]:
    """A table of each type, with its values and a NULL."""
    made = {}
    for number, (kind, (_, values, _)) in enumerate(TYPES.items()):
        rows = ", ".join(f"({place}, {value})" for place, value in enumerate([*values, "NULL"]))
        name = made[kind] = f"typed_{number}"
        mariadb.run(
            f"CREATE OR REPLACE TABLE {name} (n INT, v {kind} {'' if 'NULL' in kind else 'NULL'})",
            f"INSERT INTO {name} VALUES {rows}",
        )
    return made


@contextmanager
def preparing(mariadb: MariaDb, *, is_allowed: bool) -> Iterator[None]:
    """Let the server prepare queries, or not."""
    mariadb.run(f"SET GLOBAL max_prepared_stmt_count = {16382 if is_allowed else 0}")
    try:
        yield
    finally:
        mariadb.run("SET GLOBAL max_prepared_stmt_count = 16382")


@pytest.fixture(params=["binary", "text"])
def protocol(mariadb: MariaDb, request: pytest.FixtureRequest) -> Iterator[str]:
    """The protocol of the rows."""
    with preparing(mariadb, is_allowed=request.param == "binary"):
        yield request.param


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize("kind", TYPES)
def test_the_exact_value_comes_out_in_the_declared_type(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path, kind: str
) -> None:
    expected_type, _, expected = TYPES[kind]
    table = extracted(mariadb, tmp_path, f"SELECT v FROM {tables[kind]} ORDER BY n")
    assert table.schema.field("v").type == expected_type
    assert table["v"].to_pylist() == [*expected, None]


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize("kind", TYPES)
def test_no_row_gives_the_same_type(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path, kind: str
) -> None:
    table = extracted(mariadb, tmp_path, f"SELECT v FROM {tables[kind]} WHERE n < 0")
    assert (table.num_rows, table.schema.field("v").type) == (0, TYPES[kind][0])


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", TYPES)
def test_the_next_step_gets_the_exact_value_from_memory_and_spill(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path, kind: str, storage: str
) -> None:
    table = extracted(mariadb, tmp_path, f"SELECT v FROM {tables[kind]} ORDER BY n")
    resolved = handed(tmp_path, table, STORAGES[storage])
    found = pa.Array.from_pandas(resolved.to_pandas()["v"], type=TYPES[kind][0]).to_pylist()
    assert found == [*TYPES[kind][2], None]


@pytest.mark.usefixtures("protocol")
def test_a_date_that_no_calendar_has_is_an_error_that_says_what_to_set(
    mariadb: MariaDb, tmp_path: Path
) -> None:
    mariadb.run(
        "CREATE OR REPLACE TABLE zero (d DATE, t DATETIME)",
        "SET sql_mode = ''",
        "INSERT INTO zero VALUES ('2024-00-15', '2024-01-01')",
    )
    with pytest.raises(
        DriverError,
        match="column 'd' contains '2024-00-15', which is not a calendar date; set zero_dates: null, or text",
    ):
        extracted(mariadb, tmp_path, "SELECT d FROM zero")


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize(
    ("asked", "kind", "expected"),
    [
        ("null", pa.date32(), [None, None, date(2024, 1, 1)]),
        ("text", pa.large_string(), ["0000-00-00", "2024-00-15", "2024-01-01"]),
    ],
)
def test_zero_dates_become_what_was_asked_for(
    mariadb: MariaDb, tmp_path: Path, asked: str, kind: pa.DataType, expected: list[Any]
) -> None:
    with mariadb.session() as session, session.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute("CREATE OR REPLACE TABLE zero2 (d DATE)")
        cursor.execute("INSERT INTO zero2 VALUES ('0000-00-00'), ('2024-00-15'), ('2024-01-01')")
    table = extracted(mariadb, tmp_path, "SELECT d FROM zero2 ORDER BY d", zero_dates=asked)
    assert (table.schema.field("d").type, table["d"].to_pylist()) == (kind, expected)


@pytest.mark.usefixtures("protocol")
def test_time_as_a_duration_goes_beyond_a_day(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path
) -> None:
    table = extracted(mariadb, tmp_path, f"SELECT v FROM {tables['TIME']} ORDER BY n", time="duration")
    assert table["v"].to_pylist() == [
        -timedelta(hours=838, minutes=59, seconds=59),
        timedelta(hours=23, seconds=1),
        None,
    ]


@pytest.mark.usefixtures("protocol")
def test_tinyint_1_is_a_switch_where_that_was_asked_for(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path
) -> None:
    table = extracted(
        mariadb, tmp_path, f"SELECT v FROM {tables['TINYINT(1)']} ORDER BY n", tinyint1="switch"
    )
    assert table["v"].to_pylist() == [False, True, True, None]


@pytest.mark.usefixtures("protocol")
def test_what_the_query_computes_stays_a_number_in_sql(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path
) -> None:
    table = extracted(mariadb, tmp_path, f"SELECT SUM(v) AS v FROM {tables['BIGINT UNSIGNED']}")
    assert table.schema.field("v").type == pa.decimal128(38, 0)
    assert table["v"].to_pylist() == [D(2**64 - 1)]


@pytest.mark.usefixtures("protocol")
def test_a_computed_number_with_too_many_digits_says_what_to_set(
    mariadb: MariaDb, tables: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(DriverError, match="set wide_decimals: exact"):
        extracted(mariadb, tmp_path, f"SELECT v * 1 AS v FROM {tables['DECIMAL(65,20)']} WHERE n = 0")
    table = extracted(
        mariadb,
        tmp_path,
        f"SELECT v + 0 AS v FROM {tables['DECIMAL(65,20)']} WHERE n = 0",
        wide_decimals="exact",
    )
    assert table["v"].to_pylist() == [WIDE]


def test_float_is_exact_where_it_can_be(
    mariadb: MariaDb, protocol: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mariadb.run("CREATE OR REPLACE TABLE floats (v FLOAT)", "INSERT INTO floats VALUES (16777215)")
    with caplog.at_level(logging.WARNING):
        table = extracted(mariadb, tmp_path, "SELECT v FROM floats")
    if protocol == "binary":
        assert (table["v"].to_pylist(), caplog.messages) == ([16777215.0], [])
    else:
        assert table["v"].to_pylist() == [16777200.0]
        assert "columns ['v'] have 6 digits" in caplog.text


_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 255, 256, 512, 65535, 2**24])
_DATES = (
    st.dates(date(1, 1, 1)).map(str)
    | st.sampled_from(["0000-00-00", "2024-00-10", "2024-02-00", "0000-05-05", "2023-02-29", "2024-02-31"])
)  # fmt: skip
_CLOCKS = st.times().map(lambda time: time.isoformat("microseconds")) | st.just("00:00:00")
_MOMENTS = st.builds("{} {}".format, _DATES, _CLOCKS)
_DURATIONS = st.builds("{}{:02}:{:02}:{:02}.{:06}".format, st.sampled_from(["", "-"]), st.integers(0, 838), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999_999))  # fmt: skip
_DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
_DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12
)
_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)
_BYTES = st.binary(max_size=70_000) | st.binary(max_size=20)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(["TINYINT", "TINYINT(1)", "TINYINT UNSIGNED", "SMALLINT", "MEDIUMINT", "MEDIUMINT UNSIGNED", "INT", "INT UNSIGNED", "BIGINT", "BIGINT UNSIGNED", "BIT(1)", "BIT(12)", "BIT(64)", "INT ZEROFILL", "DECIMAL(65,0)"], _NUMBERS),
    **dict.fromkeys(["DECIMAL(20,6)", "DECIMAL(9,2) UNSIGNED", "DECIMAL(65,30)"], _DECIMALS.map(str)),
    **dict.fromkeys(["DOUBLE", "DOUBLE(20,4)", "DOUBLE(12,0)"], _DOUBLES),
    "FLOAT(6,2)": st.integers(-(10**5), 10**5).map(lambda number: number / 100),
    **dict.fromkeys(["DATE", "TIMESTAMP NULL"], _DATES),
    **dict.fromkeys(["DATETIME", "DATETIME(3)", "DATETIME(6)", "TIMESTAMP(4) NULL"], _MOMENTS),
    **dict.fromkeys(["TIME", "TIME(2)", "TIME(6)"], _DURATIONS),
    "YEAR": st.integers(1901, 2155) | st.just(0),
    **dict.fromkeys(["VARCHAR(300)", "LONGTEXT", "CHAR(20) CHARACTER SET latin1"], _TEXTS),
    **dict.fromkeys(["LONGBLOB", "VARBINARY(20)", "BINARY(7)"], _BYTES),
    "ENUM('a','b')": st.sampled_from(["a", "b", ""]),
    "POINT": st.none(),
}  # fmt: skip
COMPUTED = [
    "AVG(c0)",
    "SUM(c0)",
    "MAX(c0)",
    "GROUP_CONCAT(c0)",
    "COUNT(*)",
    "NULL",
    "BIT_OR(c0)",
    "STDDEV(c0)",
]


@st.composite
def tables_of_columns(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Types of columns, and rows."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=20))
    row = st.tuples(*(st.none() | COLUMNS[kind] for kind in kinds)).map(list)
    return kinds, draw(st.lists(row, max_size=12))


@given(
    tables_of_columns(),
    st.fixed_dictionaries(
        {
            "tinyint1": st.sampled_from(["number", "switch"]),
            "time": st.sampled_from(["text", "duration"]),
            "zero_dates": st.sampled_from(["error", "null", "text"]),
            "wide_decimals": st.sampled_from(["auto", "exact", "fit"]),
        }
    ),
    st.lists(st.sampled_from(COMPUTED), max_size=3),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_protocols_give_the_same(
    mariadb: MariaDb, tmp_path: Path, table: tuple[list[str], list[list[Any]]], options: dict[str, str], computed: list[str]
) -> None:  # fmt: skip
    kinds, rows = table
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
    with mariadb.session() as session, session.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
        cursor.execute(f"CREATE OR REPLACE TABLE random ({columns})")
        for row in rows:
            cursor.execute(f"INSERT IGNORE INTO random VALUES ({', '.join(['%s'] * len(row))})", row)
    for query in [
        "SELECT * FROM random",
        *(f"SELECT c0 IS NULL AS n, {name} AS v FROM random GROUP BY 1" for name in computed),
    ]:
        found = []
        for is_allowed in (True, False):
            with preparing(mariadb, is_allowed=is_allowed):
                try:
                    found.append(extracted(mariadb, tmp_path, query, **options))
                except DriverError as error:
                    found.append(str(error))
        assert found[0] == found[1]
