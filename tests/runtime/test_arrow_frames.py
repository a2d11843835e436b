"""Arrow tables of a driver, as pandas gets them from memory and from disk."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from osiris_inspect.model.errors import DriverError
from tests.runtime.driving import STORAGES, handed


def frame_of(folder: Path, query: str, storage: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return handed(folder, connection.sql(query).to_arrow_table(), STORAGES[storage]).to_pandas()


@pytest.mark.parametrize("storage", STORAGES)
def test_columns_of_one_name_keep_their_own_types(tmp_path: Path, storage: str) -> None:
    query = "SELECT true AS flag, 1.0::DOUBLE AS v, 'x' AS flag, {'a': 1} AS v"
    frame = frame_of(tmp_path, query, storage)
    assert list(frame.columns) == ["flag", "v", "flag", "v"]
    assert list(map(str, frame.dtypes)) == ["bool", "float64", "str", "object"]
    assert frame.iloc[0].tolist() == [True, 1.0, "x", {"a": 1}]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("DATE 'infinity'", "date32"),
        ("TIME '24:00:00'", "time64"),
        ("{'t': TIME '24:00:00'}", "struct"),
        ("union_value(k := 1)", "union"),
    ],
)
def test_a_value_that_pandas_has_no_form_for_is_named_with_its_column(
    tmp_path: Path, value: str, kind: str, storage: str
) -> None:
    """It is no damage of a file, wherever the frame lies, and SQL still sees it."""
    with pytest.raises(
        DriverError, match=rf"column 'until' of type \w*{kind}.*cast the column to text or leave it out"
    ):
        frame_of(tmp_path, f"SELECT 1 AS id, {value} AS until", storage)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_table_without_rows_keeps_its_columns(tmp_path: Path, storage: str) -> None:
    frame = frame_of(tmp_path, "SELECT 1 AS a, 'x' AS a WHERE false", storage)
    assert (len(frame), list(frame.columns), list(map(str, frame.dtypes))) == (
        0,
        ["a", "a"],
        ["int32", "str"],
    )
