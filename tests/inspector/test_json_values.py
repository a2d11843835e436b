"""Values of a column of JSON, told apart by their bytes as DuckDB's casts tell them apart."""

import math

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.columns.json_values import split_values

QUERY = """
SELECT i, r, CASE WHEN i IS NULL AND r IS NULL AND v <> 'null' THEN v END AS t
FROM (SELECT v, i, CASE WHEN isfinite(r) THEN r END AS r
      FROM (SELECT v, CASE WHEN is_number AND NOT has_point AND length(v) < 18 AND v <> '-0' THEN TRY_CAST(v AS BIGINT) END AS i,
                   CASE WHEN is_number AND has_point THEN TRY_CAST(v AS DOUBLE) END AS r
            FROM (SELECT v, v >= '-' AND v < ':' AS is_number, contains(v, '.') OR contains(v, 'e') OR contains(v, 'E') AS has_point FROM lines)))
"""
VALUES = st.one_of(
    st.none(),
    st.sampled_from(["null", "true", "false", "NaN", "Infinity", "-Infinity", "-0", "0", "-0.0", "1e999", "-1e999", "1e-400"]),
    st.sampled_from(['""', '"n"', '"1.5"', '"-1"', "[1.5]", '{"e":1}', "[]", "12345678901234567", "-1234567890123456", "99999999999999999999"]),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("eE.-0n漢", max_size=5).map(lambda text: f'"{text}"'),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(VALUES, max_size=30), st.integers(0, 3))
def test_values_are_those_of_the_casts(values: list[str | None], skipped: int) -> None:
    column = pa.array(values, pa.string())[skipped:]
    with duckdb.connect() as connection:
        connection.register("lines", pa.table({"v": column}))
        expected = connection.sql(QUERY).fetchall()
    found = split_values(column)
    columns = (found.integers.to_pylist(), found.reals.to_pylist(), found.texts.to_pylist())
    assert list(zip(*columns, strict=True)) == expected
    assert found.is_missing.tolist() == [value is None for value in values[skipped:]]


@pytest.mark.parametrize("values", [[], [None], [None, None], ["null"], ["1e999", "1.5"]])
def test_column_without_bytes_or_beyond_floats_is_read(values: list[str | None]) -> None:
    found = split_values(pa.array(values, pa.string()))
    assert found.texts.to_pylist() == ["1e999" if value == "1e999" else None for value in values]
    assert [value for value in found.reals.to_pylist() if value is not None] == [
        float(value) for value in values if value == "1.5"
    ]
    assert all(math.isfinite(value) for value in found.reals.to_pylist() if value is not None)
