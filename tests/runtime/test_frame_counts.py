"""Counts that a worker records of each frame: nulls, ranges of keys, and the keys of a join."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.runtime.drivers.join_counts import MAX_ROWS
from osiris_inspect.runtime.frames.frame_counts import MAX_RANGE_ROWS
from osiris_inspect.runtime.frames.store import FrameStore, StoredFrame
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.frames_of_every_kind import FRAMES
from tests.runtime.runs import events_of, make_run

ORDERS = pd.DataFrame({"customer_id": [1, 1, 2, 3, None], "amount": [1.0, 2.0, 3.0, 4.0, 5.0]})
CUSTOMERS = pd.DataFrame({"customer_id": [1, 1, 2, 7], "name": ["Ada", "Ada", "Bo", "Cy"]})


def stored(folder: Path, frame: Any, storage: str = "memory") -> StoredFrame:
    return FrameStore(folder, STORAGES[storage]).put("s", {"df": frame})


def join(folder: Path, query: str, storage: str = "memory", right: Any = CUSTOMERS) -> list[Any]:
    counts: list[Any] = []
    ctx = replace(context(folder), describe_join=counts.append)
    policy = STORAGES[storage]
    inputs = {"o": handed(folder, ORDERS, policy, "orders"), "c": handed(folder, right, policy, "customers")}
    drive("duckdb.processor", {"query": query}, ctx, **inputs)
    return counts


@pytest.mark.parametrize("storage", STORAGES)
def test_nulls_are_counted_by_column(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame(
        {"i": [1, 2], "f": [float("nan"), 1.0], "t": [None, None], "o": pd.Series([None, "a"], dtype=object)}
    )
    assert stored(tmp_path, frame, storage).nulls == (0, 1, 2, 1)


@pytest.mark.parametrize("storage", STORAGES)
def test_range_describes_keys_only(tmp_path: Path, storage: str) -> None:
    times = pd.date_range("2024-01-01", periods=40)
    frame = pd.DataFrame(
        {"id": range(40), "one": 7, "name": ["Ada"] * 40, "v": 0.5, "token": range(40), "at": times}
    )
    counts = stored(tmp_path, frame, storage)
    assert counts.min == ("0", "7", None, None, None, "2024-01-01 00:00:00")
    assert counts.max == ("39", "7", None, None, None, "2024-02-09 00:00:00")
    assert counts.distinct == ("many", 1, 1, 1, "many", "many")


def test_text_that_changes_later_is_not_constant(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": ["a"] * 200_000 + ["b"], "u": ["a", None] * 100_000 + ["a"]})
    assert stored(tmp_path, frame).distinct == ("few", 1)


def test_column_without_values_has_no_distinct_value(tmp_path: Path) -> None:
    assert stored(tmp_path, pa.table({"a": pa.array([None, None], pa.int64())})).distinct == (0,)


def test_long_frame_has_nulls_and_no_range(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": np.arange(MAX_RANGE_ROWS + 1), "v": np.nan})
    counts = stored(tmp_path, frame)
    assert (counts.nulls, counts.min) == ((0, MAX_RANGE_ROWS + 1), ())


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("storage", STORAGES)
def test_counts_of_every_kind_of_frame_fit_its_columns(tmp_path: Path, name: str, storage: str) -> None:
    counts = stored(tmp_path, FRAMES[name](), storage)
    assert len(counts.nulls) == len(counts.columns)
    assert len(counts.distinct) in (0, len(counts.columns))
    assert all(0 <= nulls <= (counts.rows or 0) for nulls in counts.nulls)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM o JOIN c USING (customer_id)",
        "SELECT * FROM df_orders a LEFT JOIN df_customers b ON a.customer_id = b.customer_id",
        "SELECT name, sum(amount) FROM o JOIN c ON c.customer_id = o.customer_id GROUP BY 1",
        "SELECT * FROM o /* of c */ JOIN c USING (customer_id)",
        'select * from "o" inner join DF_CUSTOMERS as c -- where\n on (o."customer_id" = c.CUSTOMER_ID) order by 1;',
    ],
)
@pytest.mark.parametrize("storage", STORAGES)
def test_keys_of_a_join_are_counted(tmp_path: Path, query: str, storage: str) -> None:
    assert join(tmp_path, query, storage) == [
        {
            "left_rows": 5,
            "right_rows": 4,
            "matched": 3,
            "right_matched": 3,
            "left_duplicates": 1,
            "right_duplicates": 1,
        }
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM o JOIN c ON o.customer_id < c.customer_id",
        "SELECT * FROM o JOIN c USING (customer_id) WHERE amount > 1",
        "SELECT * FROM o CROSS JOIN c",
        "SELECT * FROM o JOIN (SELECT DISTINCT * FROM c) d USING (customer_id)",
        "SELECT * FROM o JOIN o p USING (customer_id)",
        "SELECT * FROM o SEMI JOIN c USING (customer_id)",
        "SELECT * FROM o UNION ALL SELECT customer_id, 1.0 FROM c",
        "WITH c AS (SELECT DISTINCT * FROM df_customers) SELECT * FROM o JOIN c USING (customer_id)",
        "SELECT * FROM o JOIN c ON o.customer_id = c.customer_id OR o.amount = c.customer_id",
    ],
)
def test_other_queries_are_not_counted(tmp_path: Path, query: str) -> None:
    assert join(tmp_path, query) == []


def test_keys_of_two_columns_are_counted_as_pairs(tmp_path: Path) -> None:
    right = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [1.0, 1.0, 9.0]})
    (counts,) = join(tmp_path, "SELECT * FROM o JOIN c USING (customer_id, amount)", right=right)
    assert (counts["matched"], counts["left_duplicates"], counts["right_duplicates"]) == (1, 0, 1)


def test_dense_and_sparse_numbers_are_counted_alike(tmp_path: Path) -> None:
    query, counted = "SELECT * FROM o JOIN c ON o.k = c.k", []
    for factor in (1, 10**9):
        left, right = (
            pd.DataFrame({"k": [factor * number for number in keys]}) for keys in ([1, 1, 2, 5], [1, 2, 2, 9])
        )
        counts: list[Any] = []
        ctx = replace(context(tmp_path), describe_join=counts.append)
        inputs = {"o": handed(tmp_path, left, step="orders"), "c": handed(tmp_path, right, step="customers")}
        drive("duckdb.processor", {"query": query}, ctx, **inputs)
        counted += counts
    assert (
        counted
        == [
            {
                "left_rows": 4,
                "right_rows": 4,
                "matched": 3,
                "right_matched": 3,
                "left_duplicates": 1,
                "right_duplicates": 1,
            }
        ]
        * 2
    )


def test_long_inputs_are_not_counted(tmp_path: Path) -> None:
    right = pd.DataFrame({"customer_id": np.arange(MAX_ROWS + 1), "name": "x"})
    assert join(tmp_path, "SELECT * FROM o JOIN c USING (customer_id)", right=right) == []


def test_writer_logs_rows_received_and_written(tmp_path: Path) -> None:
    events = events_of(make_run(tmp_path).path)
    ends = [
        event for event in events if event["event"] == "step_complete" and event["step_id"] == "write-stats"
    ]
    rows = len((tmp_path / "stats.csv").read_text().splitlines()) - 1
    assert [(end["rows_received"], end["rows_written"]) for end in ends] == [(rows, rows)]
