"""Each kind of value at each target, from memory and from the spill: exact in its documented form, or refused by name."""

import csv
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from tests.runtime.conformance import KINDS, Kind, Refused
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.servers import postgrest_real
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest

pytestmark = pytest.mark.sampled(9)


class Database(Protocol):
    """A database that a test prepares and reads."""

    def run(self, *statements: str) -> None: ...

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...


class Rest(NamedTuple):
    """A service for REST, the database behind it, and what makes it know a new table."""

    connection: Mapping[str, Any]
    database: Database
    look: Callable[[], None]


each_storage = pytest.mark.parametrize("storage", STORAGES)
each_kind = pytest.mark.parametrize("name", KINDS)


def outcome(produce: Callable[[], Any]) -> Any:
    """Return what a target received, or the refusal; a refusal names the column."""
    try:
        return produce()
    except DriverError as error:
        refusal = error
    assert "'v'" in refusal.message, refusal.message
    assert refusal.fix
    return Refused(refusal.kind)


def frame(kind: Kind, folder: Path) -> Any:
    if isinstance(kind.column, str):
        seed = handed(folder, pa.table({"x": [1]}), step="seed")
        return drive("duckdb.processor", {"query": kind.column}, context(folder), df=seed)["df"]
    column = kind.column()
    if isinstance(column, pd.Series):
        return pd.DataFrame({"n": range(len(column)), "v": column})
    return pa.table({"n": pa.array(range(len(column)), pa.int64()), "v": column})


def resolved(kind: Kind, folder: Path, storage: str) -> ResolvedInput:
    return handed(folder, frame(kind, folder), STORAGES[storage])


@each_storage
@each_kind
def test_sql_receives_the_value(tmp_path: Path, name: str, storage: str) -> None:
    kind = KINDS[name]
    is_zoned = not isinstance(kind.sql, Refused) and kind.sql[0] == "TIMESTAMP WITH TIME ZONE"
    text = "(v AT TIME ZONE 'UTC')::VARCHAR || '+00'" if is_zoned else "v::VARCHAR"
    query = f"SELECT typeof(v) AS kind, {text} AS text FROM input_df ORDER BY n LIMIT 1"

    def received() -> tuple[Any, ...]:
        rows = drive(
            "duckdb.processor", {"query": query}, context(tmp_path), df=resolved(kind, tmp_path, storage)
        )
        return tuple(rows["df"].to_pylist()[0].values())

    assert outcome(received) == kind.sql


@each_storage
@each_kind
def test_csv_receives_the_value(tmp_path: Path, name: str, storage: str) -> None:
    kind, path = KINDS[name], tmp_path / "out.csv"

    def received() -> str:
        config = {"path": str(path)}
        drive("filesystem.csv_writer", config, context(tmp_path), df=resolved(kind, tmp_path, storage))
        with path.open(newline="", encoding="utf-8") as file:
            return next(csv.DictReader(file))["v"]

    result = outcome(received)
    assert result == kind.csv
    assert path.exists() is not isinstance(result, Refused)


@each_storage
@each_kind
def test_parquet_receives_the_value(tmp_path: Path, name: str, storage: str) -> None:
    kind, path = KINDS[name], tmp_path / "out.parquet"

    def received() -> tuple[str, Any]:
        config = {"path": str(path)}
        drive("filesystem.parquet_writer", config, context(tmp_path), df=resolved(kind, tmp_path, storage))
        table = pq.read_table(path)
        shown = str(table.schema.field("v").type).replace("large_", "").replace(" ('v')", "")
        return "dictionary" if shown.startswith("dictionary") else shown, table["v"][0].as_py()

    result = outcome(received)
    assert result == kind.parquet
    assert path.exists() is not isinstance(result, Refused)


@each_storage
@each_kind
def test_sqlite_receives_the_value(tmp_path: Path, name: str, storage: str) -> None:
    kind, path = KINDS[name], tmp_path / "out.db"
    config = {"path": str(path), "table": "t", "create_if_missing": True}

    def received() -> tuple[str, Any]:
        drive("sqlite.writer", config, context(tmp_path), df=resolved(kind, tmp_path, storage))
        session = sqlite3.connect(path)
        ((declared,),) = session.execute("SELECT type FROM pragma_table_info('t') WHERE name = 'v'")
        values = session.execute("SELECT v FROM t ORDER BY n").fetchall()
        session.close()
        return declared, values[0][0]

    result = outcome(received)
    assert result == sqlite_form(kind)
    assert path.exists() is not isinstance(result, Refused)


@each_kind
def test_sqlite_returns_what_it_received(tmp_path: Path, name: str) -> None:
    form, path = sqlite_form(KINDS[name]), tmp_path / "out.db"
    if isinstance(form, Refused):
        pytest.skip("no file is written")
    config = {"path": str(path), "table": "t", "create_if_missing": True}
    drive("sqlite.writer", config, context(tmp_path), df=handed(tmp_path, frame(KINDS[name], tmp_path)))
    config = {"path": str(path), "table": "t"}
    if name == "timestamp with nanoseconds":
        assert outcome(lambda: drive("sqlite.extractor", config, context(tmp_path))) == Refused()
        config["types"] = "stored"
    cells = drive("sqlite.extractor", config, context(tmp_path))["df"]["v"].to_pylist()
    declared, stored_value = form
    if declared in ("DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ") and "types" not in config:
        parse = {"DATE": date, "TIME": time}.get(declared, datetime).fromisoformat
        assert cells[0] == parse(stored_value)
    else:
        assert (type(cells[0]), cells[0]) == (
            bool if declared == "BOOLEAN" else type(stored_value),
            stored_value,
        )


_SQLITE_TYPES = {"bool": "BOOLEAN", "float": "REAL", "double": "REAL", "binary": "BLOB", "date32[day]": "DATE", "time64[us]": "TIME"}  # fmt: skip


def sqlite_form(kind: Kind) -> tuple[str, Any] | Refused:
    """Return the declared type and the value in SQLite: numbers, truth values and bytes, or the text of CSV."""
    if isinstance(kind.csv, Refused) or isinstance(kind.parquet, Refused):
        return Refused()
    shown, value = kind.parquet
    if re.fullmatch(r"u?int(8|16|32)|int64", shown):
        return "INTEGER", value
    if "tz=" in shown:
        assert not isinstance(kind.postgres, Refused)
        return "TIMESTAMPTZ", f"{kind.postgres[1]}:00"
    declared = "TIMESTAMP" if shown.startswith("timestamp") else _SQLITE_TYPES.get(shown, "TEXT")
    if declared in ("REAL", "BLOB", "BOOLEAN") or value is None:
        return declared, value
    return declared, kind.csv


@each_kind
def test_parquet_is_read_alike_by_all(tmp_path: Path, name: str) -> None:
    kind, path = KINDS[name], tmp_path / "out.parquet"
    if isinstance(kind.parquet, Refused):
        pytest.skip("no file is written")
    drive(
        "filesystem.parquet_writer",
        {"path": str(path)},
        context(tmp_path),
        df=handed(tmp_path, frame(kind, tmp_path)),
    )
    written = pq.read_table(path)["v"]
    of_duckdb = duckdb.read_parquet(str(path)).order("n").to_arrow_table()["v"]
    of_pandas = pa.chunked_array(pd.read_parquet(path, dtype_backend="pyarrow")["v"].array.__arrow_array__())
    is_duration = pa.types.is_duration(written.type)  # a number of its unit to DuckDB
    assert plain(of_duckdb) == plain(written.cast(pa.int64()) if is_duration else written)
    assert plain(of_pandas) == plain(written)


def plain(column: pa.ChunkedArray) -> list[Any]:
    return [str(value) if isinstance(value, UUID) else value for value in column.to_pylist()]


@each_storage
@each_kind
def test_postgresql_receives_the_value(postgres: Postgres, tmp_path: Path, name: str, storage: str) -> None:
    kind = KINDS[name]
    postgres.run("DROP TABLE IF EXISTS conformance")
    config = {
        "table": "conformance",
        "create_if_missing": True,
        "write_mode": "append",
        "resolved_connection": postgres.connection,
    }

    def received() -> tuple[Any, ...]:
        drive("postgres.writer", config, context(tmp_path), df=resolved(kind, tmp_path, storage))
        return stored(postgres, "conformance")

    result = outcome(received)
    assert result == kind.postgres
    if isinstance(result, Refused):
        assert postgres.rows("SELECT to_regclass('conformance')") == [(None,)]


@pytest.fixture(params=["stand-in", "real"])
def rest(request: pytest.FixtureRequest) -> Rest:
    """PostgREST: the stand-in, and a real one where the environment names it."""
    if request.param == "real":
        real = postgrest_real.named()
        return Rest(real.connection, real, lambda: real.look("conformance_rest"))
    stand_in: PostgRest = request.getfixturevalue("postgrest")
    return Rest(stand_in.connection, request.getfixturevalue("postgres"), stand_in.look)


@each_storage
@each_kind
def test_postgresql_receives_the_value_over_rest(rest: Rest, tmp_path: Path, name: str, storage: str) -> None:
    kind = KINDS[name]
    ddl = "text" if isinstance(kind.postgres, Refused) else kind.postgres[0]
    if name in ("timestamp with nanoseconds", "duration with nanoseconds"):
        ddl = {"t": "timestamp", "d": "interval"}[name[0]]
    rest.database.run(
        "DROP TABLE IF EXISTS conformance_rest",
        f"CREATE TABLE conformance_rest (n bigint, v {ddl})",
        "GRANT ALL ON conformance_rest TO PUBLIC",
    )
    rest.look()
    config = {"table": "conformance_rest", "resolved_connection": rest.connection}

    def received() -> tuple[Any, ...]:
        drive("supabase.writer", config, context(tmp_path), df=resolved(kind, tmp_path, storage))
        return stored(rest.database, "conformance_rest")

    result = outcome(received)
    assert result == kind.postgres
    if isinstance(result, Refused):
        assert rest.database.rows("SELECT count(*) FROM conformance_rest") == [(0,)]


def stored(postgres: Database, table: str) -> tuple[Any, ...]:
    kind = postgres.rows(
        f"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'v'"
    )
    is_zoned = kind[0][0] == "timestamp with time zone"
    text = "(v AT TIME ZONE 'UTC')::text || '+00'" if is_zoned else "v::text"
    (value,) = postgres.rows(f"SELECT {text} FROM {table} ORDER BY n LIMIT 1")[0]
    return (kind[0][0], value)
