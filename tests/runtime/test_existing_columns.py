"""Values into columns of existing PostgreSQL tables: over SQL and REST the same value, or the same refusal by name."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import context, drive, handed
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest

U = UUID("00000000-0000-0000-0000-00000000000a")
REFUSED = object()


@dataclass(frozen=True)
class Case:
    """A value for a column of the type ``ddl``.

    Attributes:
        text: what PostgreSQL shows of it; ``REFUSED`` if it must not be written.
        kind: of the refusal.
        rest: ``text`` over REST, if it differs.
    """

    ddl: str
    value: Any
    text: Any
    kind: str = "value-refused"
    rest: Any = None


CASES: dict[str, Case] = {
    "texts": Case("text[]", ["x", "y, z", None, 'q"\\', "", "NULL"], '{x,"y, z",NULL,"q\\"\\\\","","NULL"}'),
    "integers": Case("int[]", [1, None, -3], "{1,NULL,-3}"),
    "integers of 64 bits": Case("bigint[]", [2**60 + 1], "{1152921504606846977}"),
    "numbers": Case("float8[]", [0.1, float("inf"), -0.0], "{0.1,Infinity,-0}"),
    "numbers with NaN": Case("float8[]", [0.1, float("nan")], "{0.1,NaN}"),
    "vector of NumPy": Case("float8[]", np.array([0.5, 1 / 3]), "{0.5,0.3333333333333333}"),
    "table of numbers": Case("int[]", [[1, 2], [3, 4]], "{{1,2},{3,4}}"),
    "empty list": Case("text[]", [], "{}"),
    "set": Case("int[]", {10, 9}, "{9,10}"),
    "list of several types": Case("text[]", [1, "a"], "{1,a}"),
    "truth values": Case("boolean[]", [True, None], "{t,NULL}"),
    "UUIDs": Case("uuid[]", [U], f"{{{U}}}"),
    "decimals": Case("numeric[]", [Decimal("1.50")], "{1.50}"),
    "dates in a list": Case("date[]", [date(2024, 2, 29)], "{2024-02-29}"),
    "bytes in a list": Case("bytea[]", [b"a\\"], '{"\\\\x615c"}'),
    "objects in a list": Case("jsonb[]", [{"a": "x, y"}], '{"{\\"a\\": \\"x, y\\"}"}'),
    "text into an array of integers": Case("int[]", ["x"], REFUSED),
    "lists of different lengths": Case("int[]", [[1], [2, 3]], REFUSED),
    "duration": Case("interval", timedelta(hours=26, milliseconds=500), "26:00:00.5"),
    "negative duration": Case("interval", timedelta(hours=-1), "-01:00:00"),
    "duration as text": Case("interval", "P1DT2H", "1 day 02:00:00"),
    "duration into text": Case("text", timedelta(hours=26, milliseconds=500), "PT26H0.5S"),
    "UUID": Case("uuid", U, str(U)),
    "UUID as text": Case("uuid", str(U).upper(), str(U)),
    "text into uuid": Case("uuid", "x", REFUSED),
    "dict": Case("jsonb", {"a": [1, None]}, '{"a": [1, null]}'),
    "dict into json": Case("json", {"a": [1, None]}, '{"a":[1,null]}'),
    "list": Case("jsonb", [1, "a"], '[1, "a"]'),
    "JSON text": Case("jsonb", '{"b": 1.5}', '{"b": 1.5}'),
    "JSON text into json": Case("json", '{"b": 1}', '{"b": 1}'),
    "long number in JSON text": Case("jsonb", f"[{1 / 3}{'3' * 9}]", f"[{1 / 3}{'3' * 9}]"),
    "large number in JSON text": Case("jsonb", "[1e400]", f"[1{'0' * 400}]"),
    "number as JSON text": Case("jsonb", "12345678901234567890", "12345678901234567890"),
    "text into jsonb": Case("jsonb", "abc", REFUSED),
    "dict into text": Case("text", {"a": [1, "ž"]}, '{"a":[1,"ž"]}'),
    "list into text": Case("text", [0.5, 1.5], "[0.5,1.5]"),
    "number as text": Case("numeric", "12.3400", "12.3400"),
    "decimal": Case("numeric", Decimal("9" * 30 + ".10"), "9" * 30 + ".10"),
    "decimal of 60 digits": Case("numeric", Decimal("9" * 60 + ".10"), "9" * 60 + ".10"),
    "text into numeric": Case("numeric", "1,5", REFUSED),
    "boolean": Case("boolean", True, "true"),
    "boolean into integer": Case("int", True, REFUSED),
    "integer into boolean": Case("boolean", 2, REFUSED),
    "boolean into text": Case("text", True, "true"),
    "integral number": Case("int", 3.0, "3"),
    "fraction into integer": Case("int", 1.5, REFUSED),
    "too large a number": Case("smallint", 40_000, REFUSED),
    "number into text": Case("text", 1.5, "1.5"),
    "date as text": Case("date", "2024-02-29", "2024-02-29"),
    "moment as text": Case("timestamptz", "2024-02-29T12:00:00+02:00", "2024-02-29 10:00:00+00"),
    "moment": Case("timestamptz", datetime(2024, 2, 29, 12, tzinfo=UTC), "2024-02-29 12:00:00+00"),
    "no date": Case("date", "2023-02-29", REFUSED),
    "bytes": Case("bytea", b"\0\xff", "\\x00ff"),
    "bytes into text": Case("text", b"ab", "\\x6162"),
    "bits as text": Case("bit(3)", "101", "101"),
    "too many bits": Case("bit(3)", "1011", REFUSED),
    "enum": Case("mood", "sad", "sad"),
    "unknown word of an enum": Case("mood", "angry", REFUSED),
    "enums": Case("mood[]", ["sad", "ok"], "{sad,ok}"),
    "domain": Case("positive", 1, "1"),
    "value that a domain rejects": Case("positive", -1, REFUSED, "constraint-violated"),
    "too long a text": Case("varchar(2)", "abc", REFUSED),
    "generated column": Case("int GENERATED ALWAYS AS (n + 1) STORED", 1, REFUSED),
    "vector": Case("vector3", [1, 2, 3], "[1,2,3]"),
    "vector of numbers": Case("vector3", np.array([0.5, 1.5, 1 / 3]), "[0.5,1.5,0.3333333333333333]"),
    "vector as text": Case("vector3", "[1,2,3]", "[1,2,3]"),
    "too short a vector": Case("vector3", [1, 2], REFUSED, "constraint-violated"),
}


@pytest.fixture(scope="module")
def types(postgres: Postgres) -> None:
    """Types of the tests; the domain reads a vector from text as pgvector does, which is not installed here."""
    postgres.run(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        r"CREATE DOMAIN vector3 AS text CHECK (VALUE ~ '^\[[^,\]]+,[^,\]]+,[^,\]]+\]$')",
    )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("channel", ["sql", "rest"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("types")
def test_existing_column_receives_the_value(
    postgres: Postgres, postgrest: PostgRest, tmp_path: Path, name: str, channel: str
) -> None:
    case = CASES[name]
    postgres.run("DROP TABLE IF EXISTS existing", f"CREATE TABLE existing (n int, v {case.ddl})")
    postgrest.look()
    driver, server = {"sql": ("postgres.writer", postgres), "rest": ("supabase.writer", postgrest)}[channel]
    cells = np.empty(2, dtype=object)
    cells[0] = case.value
    frame = pd.DataFrame({"n": [0, 1], "v": pd.Series(cells, dtype=object)})
    config = {"table": "existing", "write_mode": "append", "resolved_connection": server.connection}
    refusal = None
    try:
        drive(driver, config, context(tmp_path), df=handed(tmp_path, frame))
    except DriverError as error:
        refusal = error
    zoned = "(v AT TIME ZONE 'UTC')::text || '+00'" if case.ddl == "timestamptz" else "v::text"
    rows = postgres.rows(f"SELECT {zoned} FROM existing ORDER BY n")
    text = case.rest if case.rest is not None and channel == "rest" else case.text
    if text is REFUSED:
        assert refusal is not None, rows
        assert refusal.kind == case.kind
        assert refusal.fix
        assert rows == []
        return
    assert refusal is None, refusal
    assert rows == [(text,), (None,)]
