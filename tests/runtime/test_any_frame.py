"""Any frame arrives at a target in its documented form, or is refused by the name of a column."""

import csv
import os
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.natural_oracle import (
    Form,
    arrow_values,
    csv_value,
    has_nul,
    is_missing,
    postgres_value,
    same,
)
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest

EXAMPLES = int(os.environ.get("OSIRIS_TEST_EXAMPLES", "40"))
PRAGUE, KOLKATA = ZoneInfo("Europe/Prague"), ZoneInfo("Asia/Kolkata")
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=6)
TEXTS = st.text(max_size=6) | st.sampled_from(
    ["NULL", "NaN", '"', ",", "\r\n", "\\N", "00123", "[1]", "{}", "1e5", "ž😀"]
)
FLOATS = st.floats() | st.sampled_from([0.1, -0.0, 5e-324, 1e22, 2.0**53])
DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
) | st.sampled_from([Decimal("1E+3"), Decimal("0.00"), Decimal("9" * 45), Decimal("1e-45")])
MOMENTS = st.datetimes()
ZONED = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
    timezones=st.sampled_from([UTC, PRAGUE, KOLKATA, timezone(timedelta(hours=-3))]),
)
TIMES = st.times()
DURATIONS = st.timedeltas()
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": FLOATS,
    "text": TEXTS,
    "text of any letters": ANY_TEXT,
    "bytes": st.binary(max_size=6),
    "bytearray": st.binary(max_size=6).map(bytearray),
    "bool": st.booleans(),
    "date": st.dates(),
    "moment": MOMENTS,
    "zoned moment": ZONED,
    "time": TIMES,
    "time with a zone": st.times(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])),
    "duration": DURATIONS,
    "decimal": DECIMALS,
    "uuid": st.uuids(),
}
NESTED = st.recursive(
    st.none() | st.one_of(*SCALARS.values()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.integers(0, 3), inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=5,
)
CONTAINERS: dict[str, st.SearchStrategy[Any]] = {
    "ints": st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=3),
    "floats": st.lists(FLOATS, max_size=3),
    "texts": st.lists(TEXTS | st.none(), max_size=3),
    "lists": st.lists(st.lists(st.integers(0, 9), max_size=2), max_size=2),
    "array": st.lists(st.floats(allow_nan=False), max_size=3).map(partial(np.array, dtype="f8")),
    "set": st.sets(st.integers(0, 20), max_size=4),
    "frozenset": st.frozensets(st.text("abc", max_size=2), max_size=3),
    "tuple": st.tuples(st.integers(0, 9), TEXTS),
    "record": st.fixed_dictionaries({"a": st.integers(0, 9), "b": TEXTS}),
    "dict": st.dictionaries(TEXTS, st.integers() | TEXTS | FLOATS, max_size=3),
    **{f"list of {name}": st.lists(cell, max_size=2) for name, cell in SCALARS.items()},
    "anything": NESTED.filter(lambda cell: isinstance(cell, (list, dict, tuple))),
}
NONE = st.none()
MISSING = st.sampled_from([None, float("nan"), pd.NaT, pd.NA])


@dataclass(frozen=True)
class Column:
    """A column, and its cells as Python has them; ``kind`` is where it comes from."""

    kind: str
    values: Any
    cells: Sequence[Any]


def objects(kind: str, cells: Sequence[Any]) -> Column:
    values = np.empty(len(cells), dtype=object)
    values[:] = [None] * len(cells)
    for row, cell in enumerate(cells):
        values[row] = cell
    return Column(kind, pd.Series(values, dtype=object), cells)


def typed(dtype: Any, cells: Sequence[Any], *, seen: Callable[[Any], Any] = lambda cell: cell) -> Column:
    values = pd.Series([None if is_missing(cell) else cell for cell in cells], dtype=dtype)
    return Column(str(dtype), values, [None if is_missing(cell) else seen(cell) for cell in cells])


def ticks(dtype: str, zone: Any, cells: Sequence[Any]) -> Column:
    """Return a column of NumPy's moments or durations, whose cells are integers or None."""
    unit = np.datetime_data(np.dtype(dtype))[0]
    values = pd.Series(np.array(["NaT" if cell is None else cell for cell in cells], dtype=dtype))
    if zone is not None:
        values = values.dt.tz_localize("UTC").dt.tz_convert(zone)
    per = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[unit]
    kind = "duration" if dtype.startswith("m8") else "zoned moment" if zone else "moment"
    return Column(
        f"{dtype} {zone}", values, [None if cell is None else Ticks(kind, cell * per) for cell in cells]
    )


@dataclass(frozen=True)
class Ticks:
    """A moment or duration that Python's types do not hold."""

    kind: str
    nanoseconds: int


def arrow(kind: pa.DataType, cells: Sequence[Any]) -> Column:
    return Column(str(kind), pd.Series(pd.array(pa.array(cells, kind), dtype=pd.ArrowDtype(kind))), cells)


_LIMITS = {"s": (-62_135_596_800, 253_402_300_799)}
_LIMITS |= {
    "ms": tuple(1000 * limit for limit in _LIMITS["s"]),
    "us": tuple(1_000_000 * limit for limit in _LIMITS["s"]),
}
_LIMITS["ns"] = (-(2**63) + 1, 2**63 - 1)


@st.composite
def columns(draw: Any, rows: int) -> Column:  # noqa: PLR0911  one for each source
    def cells(cell: st.SearchStrategy[Any], missing: st.SearchStrategy[Any] = NONE) -> list[Any]:
        gaps = draw(st.booleans())
        return draw(st.lists(missing | cell if gaps else cell, min_size=rows, max_size=rows))

    form = draw(
        st.sampled_from(
            [
                "scalar",
                "mixed",
                "container",
                "integers",
                "numpy float",
                "nullable",
                "text",
                "ticks",
                "category",
                "arrow",
            ]
        )
    )
    if form == "scalar":
        name = draw(st.sampled_from(sorted(SCALARS)))
        return objects(name, cells(SCALARS[name], MISSING))
    if form == "mixed":
        names = draw(st.lists(st.sampled_from(sorted(SCALARS)), min_size=2, max_size=3, unique=True))
        return objects(" and ".join(names), cells(st.one_of(*(SCALARS[name] for name in names)), MISSING))
    if form == "container":
        name = draw(st.sampled_from(sorted(CONTAINERS)))
        return objects(name, cells(CONTAINERS[name]))
    if form in ("integers", "nullable"):
        dtype = draw(st.sampled_from([f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]))
        limits = np.iinfo(dtype)
        numbers = st.integers(int(limits.min), int(limits.max))
        if form == "integers":
            return typed(dtype, draw(st.lists(numbers, min_size=rows, max_size=rows)))
        if draw(st.integers(0, 4)) == 0:
            return typed("boolean", cells(st.booleans()))
        return typed(dtype.replace("int", "Int").replace("uI", "UI"), cells(numbers))
    if form == "numpy float":
        return typed(
            draw(st.sampled_from(["float64", "Float64"])),
            [float("nan") if is_missing(cell) else cell for cell in cells(FLOATS)],
        )
    if form == "text":
        return typed(draw(st.sampled_from(["str", "string", pd.StringDtype("python")])), cells(TEXTS))
    if form == "ticks":
        unit = draw(st.sampled_from(sorted(_LIMITS)))
        low, high = _LIMITS[unit]
        if draw(st.booleans()):
            return ticks(f"m8[{unit}]", None, cells(st.integers(low // 100, high // 100)))
        zone = draw(st.sampled_from([None, "UTC", PRAGUE, KOLKATA]))
        margin = 0 if zone is None else abs(low) // 1000
        return ticks(f"M8[{unit}]", zone, cells(st.integers(low + margin, high - margin)))
    if form == "category":
        name = draw(
            st.sampled_from(
                [
                    "int",
                    "text",
                    "date",
                    "moment",
                    "duration",
                    "decimal",
                    "bool",
                    "bytes",
                    "uuid",
                ]
            )
        )
        chosen = cells(SCALARS[name])
        return Column(f"category of {name}", objects(name, chosen).values.astype("category"), chosen)
    kind, cell = draw(
        st.sampled_from(
            [
                (pa.large_string(), TEXTS),
                (pa.binary(), st.binary(max_size=4)),
                (pa.decimal128(20, 3), st.integers(-(10**18), 10**18).map(lambda number: Decimal(number).scaleb(-3))),
                (pa.date32(), st.dates()),
                (pa.date64(), st.dates().map(lambda day: datetime(day.year, day.month, day.day))),
                (pa.time32("s"), st.times().map(lambda cell: cell.replace(microsecond=0))),
                (pa.time64("us"), TIMES),
                (pa.timestamp("us", "Europe/Prague"), ZONED),
                (pa.list_(pa.int32()), st.lists(st.integers(-5, 5) | st.none(), max_size=3)),
                (pa.list_(pa.float64(), 2), st.lists(st.floats(allow_nan=False), min_size=2, max_size=2)),
                (pa.struct([("a", pa.string()), ("b", pa.bool_())]), st.fixed_dictionaries({"a": TEXTS, "b": st.booleans()})),
                (pa.dictionary(pa.int8(), pa.string()), TEXTS),
                (pa.null(), st.none()),
            ]
        )
    )  # fmt: skip
    return arrow(kind, cells(cell))


NAMES = st.sampled_from(
    ["a", "A", "b", "é", "select", "x y", 'q"', "a,b", "index", "c0", "n" * 63, 0, 1.5, None]
) | st.text(max_size=3)


@dataclass(frozen=True)
class Made:
    """A frame, and the columns that a target gets: those of the named levels of the index come first."""

    frame: pd.DataFrame
    labels: Sequence[Any]
    parts: Sequence[Column]

    @property
    def names(self) -> list[str]:
        return ["" if label is None else str(label) for label in self.labels]

    def wrong_names(self, is_wrong: Callable[[str, Column], bool] = lambda name, part: False) -> set[str]:
        """Return the names of columns that no target takes, or for which the function returns True."""
        named = zip(self.labels, self.names, self.parts, strict=True)
        return {
            name
            for label, name, part in named
            if isinstance(label, tuple) or is_refused(part) or is_wrong(name, part)
        }

    @property
    def repeated_names(self) -> set[str]:
        return {name for name, count in Counter(self.names).items() if count > 1}


@st.composite
def frames(draw: Any) -> Made:
    """Return a frame with columns of different names, of repeated names, or of names with two levels."""
    rows = draw(st.integers(0, 4))
    names = draw(st.sampled_from(["different"] * 6 + ["repeated", "two levels"]))
    if names == "different":
        text = lambda label: "" if label is None else str(label)  # noqa: E731
        labels = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=text))
    elif names == "repeated":
        labels = draw(st.lists(st.sampled_from(["a", "A", 0, "0", None, ""]), min_size=2, max_size=4))
    else:
        levels = st.tuples(st.sampled_from(["a", "b", 1]), st.sampled_from(["x", "y", 2]))
        labels = draw(st.lists(levels, min_size=1, max_size=3, unique=True))
    parts = [draw(columns(rows)) for _ in labels]
    frame = pd.concat([part.values for part in parts], axis=1)
    frame.columns = (
        pd.MultiIndex.from_tuples(labels) if names == "two levels" else pd.Index(labels, dtype=object)
    )
    index_names = draw(st.lists(st.sampled_from(["level 0", "level 1", None]), max_size=2, unique=True))
    if index_names:
        numbers = draw(st.lists(st.integers(0, 99), min_size=rows, max_size=rows))
        arrays = [pd.Index(numbers, dtype="int64", name=name) for name in index_names]
        frame.index = arrays[0] if len(arrays) == 1 else pd.MultiIndex.from_arrays(arrays)
        kept = [name for name in index_names if name is not None]
        labels, parts = [*kept, *labels], [*(Column("level", None, numbers) for _ in kept), *parts]
    return Made(frame, labels, parts)


# -- what the documents say -----------------------------------------------------------------------------------------


def expected_cells(column: Column) -> tuple[Form, list[Any]]:
    if any(isinstance(cell, Ticks) for cell in column.cells):
        return Form("ticks"), [cell and (cell.kind, cell.nanoseconds) for cell in column.cells]
    form = Form.of(column.cells)
    return form, [] if form.kind == "refused" else [form.value(cell) for cell in column.cells]


def attempt(write: Callable[[], Any], wrong: Collection[str]) -> DriverError | None:
    """Return the refusal of a writer, which names one of the ``wrong`` columns; None if it wrote.

    It refuses if there are any.
    """
    refusal = None
    try:
        write()
    except DriverError as error:
        refusal = error
    if refusal is None:
        assert not wrong
        return None
    assert refusal.kind
    assert refusal.fix
    if not ("has no name" in refusal.message and "" in wrong):
        assert refusal.facts["column"] in wrong, (refusal, wrong)
        assert repr(refusal.facts["column"])[1:-1] in refusal.message
    return refusal


def check(received: Sequence[Sequence[Any]], parts: Sequence[Column]) -> None:
    assert len(received) == len(parts)
    for cells, part in zip(received, parts, strict=True):
        form, wanted = expected_cells(part)
        assert len(cells) == len(wanted), part
        for got, value in zip(cells, wanted, strict=True):
            assert same(got, value), (part.kind, form, got, value)


def is_refused(column: Column) -> bool:
    return expected_cells(column)[0].kind == "refused"


def any_frame(quick: int) -> Callable[[Any], Any]:
    return lambda test: settings(max_examples=quick, deadline=None, suppress_health_check=list(HealthCheck))(
        given(frames())(test)
    )


each_storage = pytest.mark.parametrize("storage", STORAGES)


@each_storage
def test_any_frame_arrives_in_sql(storage: str) -> None:
    @any_frame(EXAMPLES // 2)
    def law(made: Made) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            resolved = handed(folder, made.frame, STORAGES[storage])
            tables: list[pa.Table] = []
            wrong = {
                name
                for name, part in zip(sql_names(made), made.parts, strict=True)
                if is_refused(part) or not_for_sql(part)
            }
            config = {"query": "SELECT * FROM input_df"}
            refusal = attempt(
                lambda: tables.append(drive("duckdb.processor", config, context(folder), df=resolved)["df"]),
                wrong,
            )
        if refusal is not None:
            return
        (table,) = tables
        assert table.column_names == sql_names(made)
        read = zip(table.columns, made.parts, strict=True)
        check([arrow_values(column, expected_cells(part)[0]) for column, part in read], made.parts)

    law()


def not_for_sql(column: Column) -> bool:
    """Return True for durations with nanoseconds."""
    return any(
        isinstance(value, tuple) and value[0] == "duration" and value[1] % 1000
        for value in expected_cells(column)[1]
    )


def sql_names(made: Made) -> list[str]:
    """Return the names in SQL: printable texts that no earlier column has, whatever the case; otherwise the position."""
    of_index = len(made.labels) - made.frame.shape[1]
    labels = [*made.labels[of_index:], *made.labels[:of_index]]
    texts = [label if isinstance(label, str) and label.isprintable() else "" for label in labels]
    names: list[str] = []
    for position, text in enumerate(texts):
        is_free = text and text.lower() not in (name.lower() for name in names)
        name = text if is_free else f"c{position}"
        while not is_free and name in map(str.lower, [*texts, *names]):
            name += "_"
        names.append(name)
    return [*names[made.frame.shape[1] :], *names[: made.frame.shape[1]]]


@each_storage
def test_any_frame_arrives_in_parquet(storage: str) -> None:
    @any_frame(EXAMPLES)
    def law(made: Made) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            resolved, path = handed(folder, made.frame, STORAGES[storage]), folder / "out.parquet"
            refusal = attempt(
                lambda: drive("filesystem.parquet_writer", {"path": str(path)}, context(folder), df=resolved),
                made.wrong_names() | made.repeated_names,
            )
            if refusal is not None:
                assert not list(folder.glob("*parquet*"))
                return
            table = pq.read_table(path)
        assert table.column_names == made.names
        read = zip(table.columns, made.parts, strict=True)
        check([arrow_values(column, expected_cells(part)[0]) for column, part in read], made.parts)

    law()


@each_storage
def test_any_frame_arrives_in_csv(storage: str) -> None:
    @any_frame(EXAMPLES)
    def law(made: Made) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            resolved, path = handed(folder, made.frame, STORAGES[storage]), folder / "out.csv"
            refusal = attempt(
                lambda: drive("filesystem.csv_writer", {"path": str(path)}, context(folder), df=resolved),
                made.wrong_names(),
            )
            if refusal is not None:
                assert not list(folder.glob("*csv*"))
                return
            with path.open(newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file)
        assert len(rows) == len(made.frame)
        assert header == made.names
        for position, part in enumerate(made.parts):
            form, wanted = expected_cells(part)
            for row, value in zip(rows, wanted, strict=True):
                got = csv_value(row[position], value)
                assert same(got, value), (part.kind, form, row[position], value)

    law()


@each_storage
def test_any_frame_arrives_in_sqlite(storage: str) -> None:
    @any_frame(EXAMPLES)
    def law(made: Made) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            resolved, path = handed(folder, made.frame, STORAGES[storage]), folder / "out.db"
            config = {"path": str(path), "table": "t", "create_if_missing": True}
            folded = Counter(name.lower() for name in made.names)
            refusal = attempt(
                lambda: drive("sqlite.writer", config, context(folder), df=resolved),
                made.wrong_names(lambda name, _: not name or "\0" in name or folded[name.lower()] > 1),
            )
            if refusal is not None:
                assert not list(folder.glob("*out.db*"))
                return
            session = sqlite3.connect(path)
            cursor = session.execute("SELECT * FROM t ORDER BY rowid")
            header, rows = [column[0] for column in cursor.description], cursor.fetchall()
            session.close()
        assert len(rows) == len(made.frame)
        assert header == made.names
        for position, part in enumerate(made.parts):
            form, wanted = expected_cells(part)
            for row, value in zip(rows, wanted, strict=True):
                cell = row[position]
                if isinstance(value, bool):
                    cell = {0: False, 1: True, None: None}[cell]
                elif isinstance(cell, str) and not isinstance(value, str):
                    cell = csv_value(cell, value)
                if value == 0 and isinstance(value, float):
                    value = 0.0  # noqa: PLW2901  SQLite stores no sign of zero
                assert same(cell, value), (part.kind, form, row[position], value)

    law()


def write_to_postgresql(component: str, made: Made, **config: Any) -> DriverError | None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        resolved = handed(folder, made.frame)
        return attempt(
            lambda: drive(component, {"write_mode": "append", **config}, context(folder), df=resolved),
            made.wrong_names(not_for_postgresql) | made.repeated_names,
        )


def check_table(postgres: Postgres, table: str, made: Made) -> None:
    with postgres.session() as session:
        result = session.execute(psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(table)))
        rows = result.fetchall()
        assert [column.name for column in result.description or ()] == made.names
    check([[postgres_value(row[number]) for row in rows] for number in range(len(made.names))], made.parts)


def test_any_frame_arrives_in_postgresql(postgres: Postgres, postgrest: PostgRest) -> None:
    """First over SQL, then over REST into the same table."""

    @any_frame(EXAMPLES // 4)
    def law(made: Made) -> None:
        table = f"any_{uuid.uuid4().hex}"
        settings = {"table": table, "resolved_connection": postgres.connection}
        refusal = write_to_postgresql("postgres.writer", made, create_if_missing=True, **settings)
        if refusal is not None:
            assert postgres.rows(f"SELECT to_regclass('{table}')") == [(None,)]
            create_of_texts(postgres, table, made)
        else:
            check_table(postgres, table, made)
            postgres.run(f"TRUNCATE {table}")
        postgrest.look()
        settings = {"table": table, "resolved_connection": postgrest.connection}
        again = write_to_postgresql("supabase.writer", made, **settings)
        assert (refusal is None) == (again is None)
        if again is None:
            check_table(postgres, table, made)
        else:
            assert postgres.rows(f"SELECT count(*) FROM {table}") == [(0,)]
        postgres.run(f"DROP TABLE {table}")

    law()


def create_of_texts(postgres: Postgres, table: str, made: Made) -> None:
    """Create a table with a column of text for each name that PostgreSQL can have."""
    names = dict.fromkeys(name for name in made.names if name and "\0" not in name)
    listed = [psycopg.sql.SQL("{} text").format(psycopg.sql.Identifier(name)) for name in names]
    with postgres.session() as session:
        session.execute(
            psycopg.sql.SQL("CREATE TABLE {} ({})").format(
                psycopg.sql.Identifier(table), psycopg.sql.SQL(", ").join(listed)
            )
        )


def not_for_postgresql(name: str, column: Column) -> bool:
    """Return True for what PostgreSQL does not store: NUL, nanoseconds, an empty name."""
    _, wanted = expected_cells(column)
    nanoseconds = any(isinstance(value, tuple) and value[0] != "json" and value[1] % 1000 for value in wanted)
    return not name or has_nul(name) or has_nul(wanted) or nanoseconds


def test_columns_of_one_name_keep_their_forms(tmp_path: Path) -> None:
    interval = pd.Series([pa.MonthDayNano([1, 2, 0])], dtype=object)
    frame = pd.concat([interval, pd.Series([{"months": 1}], dtype=object), interval], axis=1)
    frame.columns = pd.Index(["a", "a", "b"])
    drive("filesystem.csv_writer", {"path": "out.csv"}, context(tmp_path), df=handed(tmp_path, frame))
    assert (tmp_path / "out.csv").read_text() == 'a,a,b\nP1M2D,"{""months"":1}",P1M2D\n'
