"""A value that is looked up in an index is not a column: decided from tracebacks of pandas itself."""

import traceback
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from osiris_inspect.model.finding import Finding
from tests.inspector.test_words_of_errors import cause_of

DRIVER = "/srv/app/drivers.py"


def cause_in(folder: Path, source: str) -> Finding:
    """Return the root cause of a step whose driver has this source line."""
    frame = pd.DataFrame({"city": ["Brno", "Praha"], "n": [1, 2], "day": pd.to_datetime(["2026-01-01"] * 2)})
    names: dict[str, Any] = {
        "pd": pd,
        "df": frame,
        "sums": frame.groupby("city")["n"].sum(),
        "groups": frame.groupby("city"),
        "days": frame.set_index("day"),
        "levels": frame.set_index(["city", "n"]),
    }
    with pytest.raises(KeyError) as caught:
        exec(compile(source, DRIVER, "exec"), names)
    lines = traceback.format_exception(caught.value)
    text = "".join(lines).replace(
        f'File "{DRIVER}", line 1, in <module>\n', f'File "{DRIVER}", line 1, in run\n    {source}\n'
    )
    return cause_of(folder, str(caught.value), "KeyError", text)


LABELS = [
    ("sums.loc['Wien']", "'Wien'"),
    ("df['share'] = df['n'] / sums['Wien']", "'Wien'"),
    ("sums.at['Wien']", "'Wien'"),
    ("df.set_index('city').loc['Wien']", "'Wien'"),
    ("df.set_index('city').at['Wien', 'n']", "'Wien'"),
    ("df.set_index('city').xs('Wien')", "'Wien'"),
    ("df.loc[7]", "7"),
    ("levels.loc['Wien']", "'Wien'"),
    ("days.loc['2027-01-01']", "'2027-01-01'"),
    ("days.loc[pd.Timestamp('2027-01-01')]", "Timestamp('2027-01-01 00:00:00')"),
    ("sums.loc[['Wien', 'Brno']]", "['Wien']"),
    ("df.set_index('city').loc[['Wien']]", "['Wien']"),
    ("sums.drop('Wien')", "['Wien']"),
    ("groups.get_group('Wien')", "'Wien'"),
]


@pytest.mark.parametrize(("source", "label"), LABELS)
def test_value_looked_up_in_an_index_is_no_column(tmp_path: Path, source: str, label: str) -> None:
    cause = cause_in(tmp_path, source)
    assert (cause.rule, str(cause.confidence)) == ("driver-raised", "high")
    assert label in cause.message
    assert "which the driver looked up" in cause.message
    assert source in cause.message
    assert "column" not in cause.message + (cause.fix or "")


COLUMNS = [
    "df['Wien']",
    "df[['Wien', 'n']]",
    "df.loc[0, 'Wien']",
    "df.loc[:, 'Wien']",
    "df.at[0, 'Wien']",
    "df.groupby('Wien')",
    "df.sort_values('Wien')",
    "df.merge(df, on='Wien')",
    "df.drop(columns=['Wien'])",
    "df.apply(lambda row: row['Wien'], axis=1)",
    "df.iloc[0]['Wien']",
]


@pytest.mark.parametrize("source", COLUMNS)
def test_column_that_pandas_looks_up_is_a_column(tmp_path: Path, source: str) -> None:
    cause = cause_in(tmp_path, source)
    assert cause.rule == "column-missing"
    assert "Wien" in cause.message
