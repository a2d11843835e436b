"""What holds for every driver, whatever it speaks to; each runs against the real thing."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from tests.runtime.driving import STORAGES, context, drive, handed

FRAME = pd.DataFrame({"z": [1, 2, 3], "a": ["x", "", "ž"]})


@dataclass(frozen=True)
class Place:
    """Where a driver reads from or writes to.

    Attributes:
        config: of a step that uses it.
        none: of a step for which there is no row, or nothing there.
        broken: of a step that must fail.
        rows: what stands there after a write.
    """

    config: Mapping[str, Any]
    none: Mapping[str, Any]
    broken: Mapping[str, Any]
    rows: Callable[[], list[tuple[Any, ...]]]


def _csv(folder: Path, _: pytest.FixtureRequest) -> Place:
    FRAME.to_csv(folder / "in.csv", index=False)
    FRAME.iloc[:0].to_csv(folder / "none.csv", index=False)

    def rows() -> list[tuple[Any, ...]]:
        return list(pd.read_csv(folder / "out", keep_default_na=False).itertuples(index=False, name=None))

    return Place({"path": "in.csv"}, {"path": "none.csv"}, {"path": "nope.csv"}, rows)


def _parquet(folder: Path, _: pytest.FixtureRequest) -> Place:
    pq.write_table(pa.Table.from_pandas(FRAME), folder / "in.parquet")
    pq.write_table(pa.Table.from_pandas(FRAME.iloc[:0]), folder / "none.parquet")

    def rows() -> list[tuple[Any, ...]]:
        return list(pq.read_table(folder / "out").to_pandas().itertuples(index=False, name=None))

    return Place({"path": "in.parquet"}, {"path": "none.parquet"}, {"path": "nope.parquet"}, rows)


def _file_out(
    make: Callable[[Path, pytest.FixtureRequest], Place],
) -> Callable[[Path, pytest.FixtureRequest], Place]:
    def made(folder: Path, request: pytest.FixtureRequest) -> Place:
        return Place({"path": "out"}, {"path": "out"}, {"path": "."}, make(folder, request).rows)

    return made


def _mysql(_: Path, request: pytest.FixtureRequest) -> Place:
    server = request.getfixturevalue("mariadb")
    server.run(
        "CREATE OR REPLACE TABLE conform (z BIGINT, a VARCHAR(9))",
        "INSERT INTO conform VALUES (1, 'x'), (2, ''), (3, 'ž')",
    )
    return _queries(server.connection)


def _postgres(_: Path, request: pytest.FixtureRequest) -> Place:
    server = request.getfixturevalue("postgres")
    server.run(
        "DROP TABLE IF EXISTS conform",
        "CREATE TABLE conform (z bigint, a text)",
        "INSERT INTO conform VALUES (1, 'x'), (2, ''), (3, 'ž')",
    )
    return _queries(server.connection)


def _queries(connection: Mapping[str, Any]) -> Place:
    told = {"resolved_connection": connection}
    query = "SELECT z, a FROM conform"
    return Place(
        {**told, "query": f"{query} ORDER BY z"},
        {**told, "query": f"{query} WHERE z < 0"},
        {**told, "query": "SELECT nope FROM conform"},
        list,
    )


def _postgres_out(_: Path, request: pytest.FixtureRequest) -> Place:
    server = request.getfixturevalue("postgres")
    server.run("DROP TABLE IF EXISTS conform_out", "CREATE TABLE conform_out (z bigint, a text)")
    config = {"table": "conform_out", "resolved_connection": server.connection}
    return Place(
        config,
        config,
        {**config, "table": "nope"},
        lambda: server.rows("SELECT z, a FROM conform_out ORDER BY z"),
    )


def _supabase_out(folder: Path, request: pytest.FixtureRequest) -> Place:
    place = _postgres_out(folder, request)
    rest = request.getfixturevalue("postgrest")
    rest.look()
    told = {"resolved_connection": rest.connection}
    return Place({**place.config, **told}, {**place.none, **told}, {**place.broken, **told}, place.rows)


def _sqlite(folder: Path, _: pytest.FixtureRequest) -> Place:
    with closing(sqlite3.connect(folder / "in.db")) as database, database:
        database.execute("CREATE TABLE conform (z INTEGER, a TEXT)")
        database.executemany("INSERT INTO conform VALUES (?, ?)", [(1, "x"), (2, ""), (3, "ž")])
    query = "SELECT z, a FROM conform"
    return Place(
        {"path": "in.db", "query": f"{query} ORDER BY z"},
        {"path": "in.db", "query": f"{query} WHERE z < 0"},
        {"path": "in.db", "query": "SELECT nope FROM conform"},
        list,
    )


def _sqlite_out(folder: Path, _: pytest.FixtureRequest) -> Place:
    with closing(sqlite3.connect(folder / "out.db")) as database, database:
        database.execute("CREATE TABLE conform_out (z INTEGER, a TEXT)")

    def rows() -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(folder / "out.db")) as database:
            return database.execute("SELECT z, a FROM conform_out ORDER BY z").fetchall()

    config = {"path": "out.db", "table": "conform_out"}
    return Place(config, config, {**config, "table": "nope"}, rows)


def _duckdb(_: Path, request: pytest.FixtureRequest) -> Place:
    del request
    values = "SELECT * FROM (VALUES (1, 'x'), (2, ''), (3, 'ž')) t(z, a)"
    return Place({"query": values}, {"query": f"{values} WHERE z < 0"}, {"query": "SELECT nope"}, list)


GIVE = {
    "filesystem.csv_extractor": _csv,
    "filesystem.parquet_extractor": _parquet,
    "mysql.extractor": _mysql,
    "postgres.extractor": _postgres,
    "sqlite.extractor": _sqlite,
    "duckdb.processor": _duckdb,
}
TAKE = {
    "filesystem.csv_writer": _file_out(_csv),
    "filesystem.parquet_writer": _file_out(_parquet),
    "postgres.writer": _postgres_out,
    "sqlite.writer": _sqlite_out,
    "supabase.writer": _supabase_out,
}
EVERY_GIVER = pytest.mark.parametrize("name", GIVE)
EVERY_TAKER = pytest.mark.parametrize("name", TAKE)


def test_every_component_is_held_to_this() -> None:
    assert sorted([*GIVE, *TAKE]) == sorted(all_components())


def columns(frame: Any) -> list[str]:
    return list(frame.column_names if isinstance(frame, pa.Table) else frame.columns)


@EVERY_GIVER
def test_rows_come_in_their_order_with_columns_in_theirs(
    tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    frame = drive(name, GIVE[name](tmp_path, request).config, context(tmp_path))["df"]
    assert columns(frame) == ["z", "a"]
    found = frame.to_pandas() if isinstance(frame, pa.Table) else frame
    assert found["z"].tolist() == [1, 2, 3]
    # CSV cannot tell empty text from nothing
    assert found["a"].fillna("").tolist() == ["x", "", "ž"]


@EVERY_GIVER
def test_no_row_keeps_the_columns(tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    frame = drive(name, GIVE[name](tmp_path, request).none, context(tmp_path))["df"]
    assert (columns(frame), len(frame)) == (["z", "a"], 0)


@EVERY_GIVER
def test_what_goes_wrong_names_the_step(tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    with pytest.raises(DriverError, match="step 's': "):
        drive(name, GIVE[name](tmp_path, request).broken, context(tmp_path))


@EVERY_GIVER
def test_the_rows_that_were_read_are_told(tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    told: list[int] = []
    drive(name, GIVE[name](tmp_path, request).config, context(tmp_path, told))
    assert told[-1] == 3


@pytest.mark.parametrize("storage", STORAGES)
@EVERY_TAKER
def test_every_row_is_written_and_counted_from_memory_and_spill(
    tmp_path: Path, request: pytest.FixtureRequest, name: str, storage: str
) -> None:
    place = TAKE[name](tmp_path, request)
    told: list[int] = []
    done = drive(name, place.config, context(tmp_path, told), df=handed(tmp_path, FRAME, STORAGES[storage]))
    assert done == {"rows_written": 3}
    assert told[-1] == 3
    assert place.rows() == [(1, "x"), (2, ""), (3, "ž")]


@EVERY_TAKER
def test_no_row_is_written_and_that_is_no_error(
    tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    place = TAKE[name](tmp_path, request)
    done = drive(name, place.none, context(tmp_path), df=handed(tmp_path, FRAME.iloc[:0]))
    assert (done, place.rows()) == ({"rows_written": 0}, [])


@EVERY_TAKER
def test_a_write_that_cannot_be_names_the_step(
    tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    with pytest.raises(DriverError, match="step 's'"):
        drive(name, TAKE[name](tmp_path, request).broken, context(tmp_path), df=handed(tmp_path, FRAME))


@EVERY_TAKER
def test_several_inputs_are_appended_where_asked_and_an_error_otherwise(
    tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    place = TAKE[name](tmp_path, request)
    inputs = {"df_a": handed(tmp_path, FRAME[:1], step="a"), "df_b": handed(tmp_path, FRAME[1:], step="b")}
    with pytest.raises(DriverError, match="step 's': the writer takes 1 input and received 2: df_a, df_b"):
        drive(name, place.config, context(tmp_path), **inputs)
    assert drive(name, {**place.config, "on_several_inputs": "append"}, context(tmp_path), **inputs) == {
        "rows_written": 3
    }
    assert place.rows() == [(1, "x"), (2, ""), (3, "ž")]


@EVERY_TAKER
def test_the_frame_that_was_handed_over_is_not_changed(
    tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    resolved = handed(tmp_path, FRAME)
    drive(name, TAKE[name](tmp_path, request).config, context(tmp_path), df=resolved)
    pd.testing.assert_frame_equal(resolved.to_pandas(), FRAME)
