"""supabase.writer stores the same over REST and over SQL, or refuses the column by name before anything is visible."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import context, drive, handed
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest

each_channel = pytest.mark.parametrize("channel", ["sql", "rest"])


def objects(*cells: Any) -> pd.Series:
    values = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        values[row] = cell
    return pd.Series(values)


@pytest.fixture
def write(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path
) -> Callable[[str, str, Any], list[str | None]]:
    """Return a function that writes a column to a new table of a type, and returns the text of what is stored."""

    def written(channel: str, kind: str, column: Any) -> list[str | None]:
        postgres.run(
            "DROP TABLE IF EXISTS agreed",
            "DROP DOMAIN IF EXISTS document",
            "CREATE DOMAIN document AS jsonb",
            f"CREATE TABLE agreed (n serial, v {kind}, other text)",
        )
        postgrest.look()
        frame = pd.DataFrame({"v": column}) if isinstance(column, pd.Series) else pa.table({"v": column})
        connection = {**postgrest.connection, "pg_dsn": postgres.dsn}
        config = {"table": "agreed", "channel": channel, "batch_size": 1, "resolved_connection": connection}
        drive("supabase.writer", config, context(tmp_path), df=handed(tmp_path, frame))
        return [row[0] for row in postgres.rows("SELECT v::text FROM agreed ORDER BY n")]

    return written


def refusal(write: Callable[..., Any], channel: str, kind: str, column: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        write(channel, kind, column)
    return caught.value


SPACED = '{"b":1, "a":  [1e-7, 1e400], "a":3}'
STORED: dict[str, tuple[str, Any, list[str | None]]] = {
    "json keeps spaces, order and repeated keys": ("json", pa.array([SPACED, None]), [SPACED, None]),
    "jsonb of an object": ("jsonb", pa.array(['{"b": [1,  "a"]}']), ['{"b": [1, "a"]}']),
    "jsonb of a text": ("jsonb", pa.array(['"text"', "5", "true"]), ['"text"', "5", "true"]),
    "number above the largest float": ("jsonb", pa.array(["1e309"]), ["1" + "0" * 309]),
    "number with many digits": ("jsonb", pa.array(["0.1234567890123456789"]), ["0.1234567890123456789"]),
    "escaped backslash before u0000": ("jsonb", pa.array([r'"\\u0000"']), [r'"\\u0000"']),
    "domain over jsonb": ("document", pa.array(["[1]"]), ["[1]"]),
    "text that looks like JSON": ("text", pa.array([SPACED, '"q"', "null", "", "{"]), [SPACED, '"q"', "null", "", "{"]),
    "category": ("jsonb", pd.Series(["[1]", None], dtype="category"), ["[1]", None]),
    "vector in jsonb": ("jsonb", pa.array([[1e-7, 1.0]]), ["[0.0000001, 1.0]"]),
    "vector in json": ("json", pa.array([[1e-7, 1.0]]), ["[1e-7,1.0]"]),
    "vector in text": ("text", pa.array([[1e-7, 1.0]]), ["[1e-7,1.0]"]),
    "vector in an array": ("float8[]", pa.array([[1e-7, 1.0]]), ["{1e-07,1}"]),
    "lists and texts in text": ("text", objects([1], "a", {"k": 1.5}), ["[1]", '"a"', '{"k":1.5}']),
    "lists and texts in jsonb": ("jsonb", objects([1], "a", {"k": 1.5}), ["[1]", '"a"', '{"k": 1.5}']),
    "lists of several types in an array": ("text[]", objects([1], ["a", None]), ["{1}", "{a,NULL}"]),
    "floats": ("float8", pa.array([1.0, 1e22, -0.0, math.nan, -math.inf]), ["1", "1e+22", "-0", "NaN", "-Infinity"]),
    "floats in text": ("text", pa.array([1.0, 1e22, 1e-7, 0.5, math.inf]), ["1", "1e+22", "1e-7", "0.5", "inf"]),
    "floats in an integer": ("int", pa.array([1.0, None]), ["1", None]),
    "floats in jsonb": ("jsonb", pa.array([1.0, 0.5]), ["1", "0.5"]),
    "decimals in json": ("json", pa.array([Decimal("1.50")]), ["1.50"]),
    "durations in text": ("text", pa.array([timedelta(hours=30)]), ["PT30H"]),
}  # fmt: skip
REFUSED: dict[str, tuple[str, Any]] = {
    "text in jsonb": ("jsonb", pa.array(['{"a": 1}', "plain"])),
    "text in json": ("json", pa.array(["plain", '{"a": 1}'])),
    "empty text": ("jsonb", pa.array(["[]", ""])),
    "NaN as text": ("jsonb", pa.array(["[]", "NaN"])),
    "NaN": ("jsonb", pa.array([1.0, math.nan])),
    "half a surrogate": ("jsonb", pa.array(["[]", r'"\ud800"'])),
    "NUL in JSON": ("jsonb", pa.array(["[]", r'"\u0000"'])),
    "NUL in a list": ("jsonb", pa.array([["a"], ["\0"]])),
    "date in jsonb": ("jsonb", pa.array([date(2024, 1, 1)])),
    "bytes in jsonb": ("jsonb", pa.array([b"a"])),
    "duration in json": ("json", pa.array([timedelta(hours=30)])),
    "text in a domain over jsonb": ("document", pa.array(["[]", "plain"])),
    "nanoseconds": ("timestamp", pa.array([1000, 1], pa.timestamp("ns"))),
}
REFUSED_BY_SERVER: dict[str, tuple[str, Any]] = {
    "text in an array": ("text[]", pa.array(["plain"])),
    "text beside lists in an array": ("text[]", objects("a", [1])),
    "structure in an array": ("text[]", pa.array([{"a": 1}])),
    "fraction in an integer": ("int", pa.array([1.5])),
    "text in an integer": ("int", pa.array(["x"])),
    "number out of range": ("int", pa.array([2**40])),
}


@each_channel
@pytest.mark.parametrize("name", STORED)
def test_values_are_stored_alike(write: Callable[..., Any], name: str, channel: str) -> None:
    kind, column, stored = STORED[name]
    assert write(channel, kind, column) == stored


@each_channel
@pytest.mark.parametrize("name", REFUSED)
def test_refused_values_leave_no_row(
    write: Callable[..., Any], postgres: Postgres, name: str, channel: str
) -> None:
    error = refusal(write, channel, *REFUSED[name])
    assert error.facts["column"] == "v"
    assert error.facts["rows_written"] == 0
    assert postgres.rows("SELECT count(*) FROM agreed") == [(0,)]


@each_channel
@pytest.mark.parametrize("name", REFUSED_BY_SERVER)
def test_value_that_server_refuses_names_column(
    write: Callable[..., Any], postgres: Postgres, name: str, channel: str
) -> None:
    error = refusal(write, channel, *REFUSED_BY_SERVER[name])
    assert error.facts["column"] == "v"
    assert postgres.rows("SELECT count(*) FROM agreed") == [(0,)]


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_json_null_is_refused_over_rest(write: Callable[..., Any], postgres: Postgres, kind: str) -> None:
    assert write("sql", kind, pa.array(["null"])) == ["null"]
    error = refusal(write, "rest", kind, pa.array(["[]", " null"]))
    assert (
        "column 'v' contains JSON null, which REST stores as a missing value; nothing was written"
        in error.message
    )
    assert postgres.rows("SELECT count(*) FROM agreed") == [(0,)]


def test_plain_columns_need_one_question(postgres: Postgres, postgrest: PostgRest, tmp_path: Path) -> None:
    postgres.run("DROP TABLE IF EXISTS agreed", "CREATE TABLE agreed (a text, b varchar, d date, f float8)")
    postgrest.look()
    frame = pa.table({"a": ["x"], "b": ["y"], "d": [date(2024, 1, 1)], "f": [0.5]})
    config = {"table": "agreed", "resolved_connection": postgrest.connection}
    drive("supabase.writer", config, context(tmp_path), df=handed(tmp_path, frame))
    assert [method for method, _, _ in postgrest.requests] == ["GET", "GET", "POST"]
