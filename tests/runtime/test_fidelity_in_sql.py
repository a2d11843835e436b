"""SQL gives one answer, whether a frame is in memory or on disk."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from tests.runtime.failing_disk import FailingDisk
from tests.runtime.frames_of_every_kind import FRAMES
from tests.runtime.test_fidelity import made

pytestmark = pytest.mark.sampled(9)


def resolved(frame: Any, root: Path, *, spilled: bool) -> ResolvedInput:
    store = FrameStore(root / str(spilled), SpillPolicy(force_spill=spilled), disk=FailingDisk())
    store.put("step", {"df": frame})
    return store.resolve("next", "df", InputRef("step"))


def answers(relation: str, sql: str, **tables: Any) -> list[str]:
    """The rows of a query as text: NaN is equal to NaN there."""
    connection = _connection()
    for name, table in tables.items():
        connection.register(name, table)
    try:
        found = connection.sql(sql.format(relation=relation)).to_arrow_table()
    finally:
        for name in tables:
            connection.unregister(name)
    return [str(found.schema), *map(repr, _rows(found))]


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _rows(table: pa.Table) -> list[Any]:
    plain = [_plain(column) for column in table.columns]
    return list(zip(*plain, strict=True))


def _plain(column: Any) -> list[Any]:
    """Cells that Python can hold: nanoseconds and moments before year 1 or after 9999 as numbers."""
    if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type):
        return list(column.cast(pa.int64()).to_pylist())
    if pa.types.is_floating(column.type):
        return [
            None if cell is None else cell + 0.0 for cell in column.to_pylist()
        ]  # for Parquet, 0 is -0 at the least
    return list(column.to_pylist())


def queries(names: list[str]) -> list[str]:
    listed = ", ".join(f'typeof("{name}"), "{name}"' for name in quoted(names)[:20])
    extremes = ", ".join(f'count("{name}"), min("{name}"), max("{name}")' for name in quoted(names)[:20])
    return [f"SELECT {listed}, * FROM {{relation}}", f"SELECT count(*), {extremes} FROM {{relation}}"]


def quoted(names: list[str]) -> list[str]:
    return [name.replace('"', '""').replace("{", "{{").replace("}", "}}") for name in names]


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_memory_and_disk_give_one_answer_and_one_arrow_table(name: str, tmp_path: Path) -> None:
    frame = made(name)
    memory, disk = resolved(frame, tmp_path, spilled=False), resolved(frame, tmp_path, spilled=True)
    stored = memory.stored_batches().read_all()
    assert memory.sql_columns == disk.sql_columns
    for sql in queries(stored.column_names):
        assert answers("frame", sql, frame=stored) == answers(f"read_parquet('{disk.parquet_path}')", sql)
    if any(field.get("natural", {}).get("kind") == "none" for field in memory.fields):
        for resolved_input in (memory, disk):
            with pytest.raises(DriverError, match="no form outside pandas"):
                resolved_input.to_arrow()
        return
    assert memory.to_arrow().schema.remove_metadata() == disk.to_arrow().schema.remove_metadata()
    assert [_plain(column) for column in memory.to_arrow().columns].__repr__() == [
        _plain(column) for column in disk.to_arrow().columns
    ].__repr__()


WIDE = ["0." + "0" * 29 + "1", "9" * 45 + "." + "0" * 30, "1.5" + "0" * 29]
WIDE_COLUMNS = {
    "a table of Arrow": lambda: pa.table(
        {"x": pa.array([Decimal(text) for text in WIDE], pa.decimal256(76, 30))}
    ),
    "Arrow in pandas": lambda: pd.DataFrame(
        {"x": pd.array([Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal256(76, 30)))}
    ),
    "objects": lambda: pd.DataFrame({"x": pd.Series([Decimal(text) for text in WIDE], dtype=object)}),
}


@pytest.mark.parametrize("spilled", [False, True])
@pytest.mark.parametrize("name", WIDE_COLUMNS)
def test_decimals_too_long_for_sql_reach_it_as_plain_text(name: str, spilled: bool, tmp_path: Path) -> None:
    found = resolved(WIDE_COLUMNS[name](), tmp_path, spilled=spilled)
    relation = f"read_parquet('{found.parquet_path}')" if spilled else "frame"
    tables = {} if spilled else {"frame": found.to_arrow()}
    rows = answers(
        relation, "SELECT x, try_cast(x AS DECIMAL(38,3)) FROM {relation} WHERE x LIKE '1.5%'", **tables
    )
    assert rows[1].startswith("('1.5")
    assert "Decimal('1.500')" in rows[1]
    assert not any(
        "$" in row or "E" in row for row in answers(relation, "SELECT x FROM {relation}", **tables)[1:]
    )


@pytest.mark.parametrize("spilled", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 1000])
def test_batches_are_the_frame(rows: int, spilled: bool, tmp_path: Path) -> None:
    found = resolved(FRAMES["mixed columns"](), tmp_path, spilled=spilled)
    assert found.to_batches(rows).read_all().to_pylist().__repr__() == found.to_arrow().to_pylist().__repr__()


_PLAIN = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "float64": st.floats(),
    "bool": st.booleans(),
    "Int32": st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
    "boolean": st.one_of(st.none(), st.booleans()),
    "str": st.one_of(st.none(), st.text()),
    "M8[us]": st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")),
}


@st.composite
def _plain_frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 6))
    kinds = draw(st.lists(st.sampled_from(sorted(_PLAIN)), min_size=1, max_size=4))
    columns = {
        f"column {place}": pd.Series(draw(st.lists(_PLAIN[kind], min_size=rows, max_size=rows)), dtype=kind)
        for place, kind in enumerate(kinds)
    }
    return pd.DataFrame(columns)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=_plain_frames())
def test_a_plain_frame_gives_one_answer_registered_as_pandas_as_arrow_and_as_parquet(
    frame: pd.DataFrame, tmp_path_factory: Any
) -> None:
    """What pandas alone has (categories, durations, indexes) DuckDB reads in its own way, which is why there is a normal form."""
    root = tmp_path_factory.mktemp("run")
    memory, disk = resolved(frame, root, spilled=False), resolved(frame, root, spilled=True)
    for sql in queries(list(frame.columns)):
        wanted = answers("frame", sql, frame=frame)[1:]
        assert answers("frame", sql, frame=memory.to_arrow())[1:] == wanted
        assert answers(f"read_parquet('{disk.parquet_path}')", sql)[1:] == wanted


_COLUMNS = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.text(),
        st.booleans(),
        st.dates(),
        st.datetimes(),
        st.binary(),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.one_of(st.integers(), st.text(), st.none(), st.lists(st.integers())),
    ]
)


@st.composite
def _frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 6))
    columns = {}
    for place in range(draw(st.integers(1, 4))):
        cells = st.one_of(draw(_COLUMNS), st.sampled_from([None, float("nan"), pd.NaT, pd.NA]))
        values = draw(st.lists(cells, min_size=rows, max_size=rows))
        dtype = draw(st.sampled_from([object, None]))
        columns[f"column {place}"] = _series(values, dtype)
    return pd.DataFrame(columns)


def _series(values: list[Any], dtype: Any) -> pd.Series:
    try:
        return pd.Series(values, dtype=dtype)
    except (ValueError, TypeError, OverflowError):
        return pd.Series(values, dtype=object)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=_frames())
def test_any_frame_comes_back_equal_and_gives_one_answer(frame: pd.DataFrame, tmp_path_factory: Any) -> None:
    from tests.runtime.test_fidelity import assert_equal

    root = tmp_path_factory.mktemp("run")
    memory, disk = resolved(frame, root, spilled=False), resolved(frame, root, spilled=True)
    assert_equal(disk.to_pandas(), frame)
    assert_equal(memory.to_pandas(), frame)
    for sql in queries(memory.to_arrow().column_names):
        assert answers("frame", sql, frame=memory.to_arrow()) == answers(
            f"read_parquet('{disk.parquet_path}')", sql
        )
