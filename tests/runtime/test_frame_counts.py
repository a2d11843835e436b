"""Counts that a worker records of each frame: nulls, ranges of keys, and the keys of a join."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from osiris_inspect.runtime.drivers.query_checks.tables import MAX_ROWS
from osiris_inspect.runtime.frames.counts.frame_counts import MAX_COMPARED_ROWS, MAX_RANGE_ROWS
from osiris_inspect.runtime.frames.counts.range_end import RangeEnd
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
def test_range_describes_numbers_and_times_only(tmp_path: Path, storage: str) -> None:
    times = pd.date_range("2024-01-01", periods=40)
    frame = pd.DataFrame(
        {"id": range(40), "one": 7, "name": ["Ada"] * 40, "v": 0.5, "token": range(40), "at": times}
    )
    counts = stored(tmp_path, frame, storage)
    assert counts.min == ("0", "7", None, "0.5", None, "2024-01-01 00:00:00")
    assert counts.max == ("39", "7", None, "0.5", None, "2024-02-09 00:00:00")
    assert counts.distinct == ("many", 1, 1, 1, "many", "many")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("texts", "low", "high"),
    [
        (["2026-01-03", None, "2026-01-01"], "2026-01-01", "2026-01-03"),
        (["2026-01-01 10:00:00", "2025-12-31 09:30:00"], "2025-12-31 09:30:00", "2026-01-01 10:00:00"),
        (["2026-01-01T10:00:00Z", "2026-01-02T09:30:00Z"], "2026-01-01T10:00:00Z", "2026-01-02T09:30:00Z"),
        (["2026-01-01T10:00:00Z", "2026-01-01T10:00:00+02:00"], None, None),
        (["2026-01-01", "2026-01-01 10:00:00"], None, None),
        (["2026-01-01", "unknown"], None, None),
        (["2026-13-01", "2026-01-01"], None, None),
        (["20260101", "20260102"], None, None),
        (["Ada", "Bo"], None, None),
        ([*["2026-01-01"] * 300, "later"], None, None),
    ],
)
def test_range_describes_times_as_text(
    tmp_path: Path, storage: str, texts: list[str | None], low: str | None, high: str | None
) -> None:
    counts = stored(tmp_path, pd.DataFrame({"at": texts}), storage)
    assert (counts.min, counts.max) == ((low,), (high,))


def test_first_key_is_equal_for_equal_smallest_texts(tmp_path: Path) -> None:
    skus = [f"P-{number:04}" for number in range(40)]
    first, second, third = (
        stored(tmp_path, pd.DataFrame({"sku": names, "token": names, "v": 1})).first_keys
        for names in (skus, [*skus[::-1], "X"], skus[1:])
    )
    assert first == second != third
    assert [*first] == ["sku"]
    assert "P-0000" not in first["sku"]


def test_text_that_changes_later_is_not_constant(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": ["a"] * 200_000 + ["b"], "u": ["a", None] * 100_000 + ["a"]})
    assert stored(tmp_path, frame).distinct == ("few", 1)


def test_column_without_values_has_no_distinct_value(tmp_path: Path) -> None:
    assert stored(tmp_path, pa.table({"a": pa.array([None, None], pa.int64())})).distinct == (0,)


def test_long_frame_has_nulls_and_no_range(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": np.arange(MAX_RANGE_ROWS + 1), "v": np.nan})
    counts = stored(tmp_path, frame)
    assert (counts.nulls, counts.min) == ((0, MAX_RANGE_ROWS + 1), ())


@pytest.mark.sampled(5)
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
            "kind": "left" if "LEFT" in query else "inner",
            "left_rows": 5,
            "right_rows": 4,
            "matched": 3,
            "right_matched": 3,
            "left_duplicates": 1,
            "right_duplicates": 1,
            "uses": "both",
        }
    ]


@pytest.mark.parametrize(
    ("query", "uses"),
    [
        ("SELECT o.customer_id, amount FROM o JOIN c USING (customer_id)", "left"),
        ("SELECT o.* FROM o JOIN c USING (customer_id)", "left"),
        ("SELECT c.*, o.customer_id FROM o JOIN c USING (customer_id)", "right"),
        ("SELECT upper(name) AS n, sum(o.amount) FROM o JOIN c USING (customer_id) GROUP BY 1", "both"),
        ("SELECT count(*) AS n FROM o JOIN c USING (customer_id)", None),
        ("SELECT * FROM o JOIN (SELECT customer_id FROM c) d USING (customer_id)", "left"),
    ],
)
def test_sides_of_a_join_in_the_result_are_named(tmp_path: Path, query: str, uses: str | None) -> None:
    assert [counts.get("uses") for counts in join(tmp_path, query)] == [uses]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM o JOIN c ON o.customer_id < c.customer_id",
        "SELECT * FROM o CROSS JOIN c",
        "SELECT * FROM o JOIN c USING (customer_id) JOIN c d ON d.customer_id < o.customer_id",
        "SELECT * FROM o SEMI JOIN c USING (customer_id)",
        "SELECT * FROM o UNION ALL SELECT customer_id, 1.0 FROM c",
        "SELECT * FROM o JOIN c USING (customer_id) WHERE amount > length(name)",
        "SELECT * FROM o JOIN c ON o.customer_id = c.customer_id OR o.amount = c.customer_id",
    ],
)
def test_other_queries_are_not_counted(tmp_path: Path, query: str) -> None:
    assert join(tmp_path, query) == []


@pytest.mark.parametrize(
    ("query", "counted"),
    [
        ("SELECT * FROM o JOIN c USING (customer_id) WHERE amount > 1", (4, 4, 2, 0, 1)),
        ("SELECT * FROM o, c WHERE o.customer_id = c.customer_id AND name = 'Bo'", (5, 1, 1, 1, 0)),
        ("SELECT * FROM o JOIN (SELECT DISTINCT * FROM c) d USING (customer_id)", (5, 3, 3, 1, 0)),
        ("SELECT * FROM o JOIN c USING (customer_id) JOIN c d ON d.name = c.name", (5, 4, 3, 1, 1)),
        ("WITH d AS (SELECT DISTINCT * FROM c) SELECT * FROM o JOIN d USING (customer_id)", (5, 3, 3, 1, 0)),
        (
            "SELECT count(*) FROM (SELECT * FROM o LEFT JOIN c ON o.customer_id = c.customer_id AND name = 'Ada')",
            (5, 2, 2, 1, 1),
        ),
    ],
)
def test_join_of_filtered_rows_is_counted(tmp_path: Path, query: str, counted: tuple[int, ...]) -> None:
    (counts,) = join(tmp_path, query)
    names = ("left_rows", "right_rows", "matched", "left_duplicates", "right_duplicates")
    assert tuple(counts[name] for name in names) == counted
    assert counts["filtered"] is True


@pytest.mark.parametrize(
    ("query", "is_whole"),
    [
        (
            "WITH j AS (SELECT * FROM o JOIN c USING (customer_id)) SELECT name, sum(amount) FROM j GROUP BY 1",
            True,
        ),
        ("SELECT * FROM o JOIN c USING (customer_id) JOIN c d ON d.name = c.name", True),
        ("SELECT count(*) FROM (SELECT * FROM o JOIN c USING (customer_id) WHERE amount > 1)", False),
    ],
)
def test_join_of_all_rows_in_a_query_is_whole(tmp_path: Path, query: str, *, is_whole: bool) -> None:
    (counts,) = join(tmp_path, query)
    assert (counts["filtered"], "whole" in counts) == (True, is_whole)


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
                "kind": "inner",
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


@pytest.mark.parametrize(
    ("cells", "distinct"),
    [
        (["Ada"] * 70_000, 1),
        (["Ada"] * 70_000 + ["Bo"], "few"),
        ([7.5, float("nan")] * 200, 1),
        ([7.5] * 300 + [8.0], "few"),
        ([None] * 3 + ["Ada"], 1),
        (["ab"] * 300 + ["a", "bab"], "few"),
        (["ab"] * 300 + ["", "abab"], "few"),
        (["\u00fc", None] * 40_000, 1),
        ([""] * 300, 1),
        ([True] * 300, 1),
        ([True] * 300 + [False], "few"),
        ([float("nan")] * 3, 0),
    ],
)
@pytest.mark.parametrize("storage", STORAGES)
def test_one_value_is_counted_in_all_rows(
    tmp_path: Path, storage: str, cells: list[Any], distinct: Any
) -> None:
    assert stored(tmp_path, pd.DataFrame({"c": cells}), storage).distinct == (distinct,)


@pytest.mark.parametrize(
    ("cells", "blank"),
    [
        (["", "  ", None, "\t"], ("c",)),
        ([""] * 300 + ["x"], ()),
        ([None, None], ()),
        (["", "x"], ()),
        ([1, 2], ()),
    ],
)
@pytest.mark.parametrize("storage", STORAGES)
def test_blank_column_has_only_spaces(
    tmp_path: Path, storage: str, cells: list[Any], blank: tuple[str, ...]
) -> None:
    assert stored(tmp_path, pd.DataFrame({"c": cells}), storage).blank_columns == blank


def test_year_beyond_python_is_recorded_and_infinity_is_not(tmp_path: Path) -> None:
    milliseconds = pa.array([0, 1_700_000_000_000], pa.timestamp("s"))
    infinite = pa.array([0, 2**63 - 1], pa.timestamp("us"))
    counts = stored(tmp_path, pa.table({"at": milliseconds, "until": infinite}))
    assert counts.max == ("55840-11-08 22:13:20.000000", None)


@pytest.mark.parametrize(
    ("frame", "repeated"),
    [
        (pd.DataFrame({"id": [1, 2, 3] * 2, "v": ["a", "b", None] * 2}), {"rows": 6, "repeated": 3}),
        (
            pd.DataFrame({"Id": list(range(1000)) * 2, "v": [0.5, float("nan")] * 1000}),
            {"rows": 128, "repeated": 64},
        ),
        (pd.DataFrame({"id": [1, 2, 3] * 2, "v": range(6)}), {"rows": 6, "repeated": 0}),
        (pd.DataFrame({"id": [1, 2, 3, 9, 9], "v": 1}), {}),
        (pd.DataFrame({"customer": [1, 1, 1]}), {}),
        (pd.DataFrame({"id": ["a", "a"]}), {}),
        (pd.DataFrame({"id": [1, 1], "tags": [["x"], ["x"]]}), {"rows": 2, "repeated": 1}),
        (pd.DataFrame({"id": [1, 1]}, index=["a", "b"]), {"rows": 2, "repeated": 1}),
        (pa.table({"id": [1, 1], "tags": [["x"], ["y"]]}), {"rows": 2, "repeated": 0}),
    ],
)
@pytest.mark.parametrize("storage", STORAGES)
def test_repeated_rows_are_counted_among_the_first_ids(
    tmp_path: Path, storage: str, frame: Any, repeated: dict[str, int]
) -> None:
    assert stored(tmp_path, frame, storage).repeated == repeated


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("frame", "unique", "repeated"),
    [
        (pd.DataFrame({"no": [f"A{n}" for n in range(300)], "v": 1}), ("no",), {}),
        (
            pd.DataFrame({"no": [f"A{n % 280}" for n in range(300)], "v": 1}),
            (),
            {"rows": 300, "repeated": 20},
        ),
        (pd.DataFrame({"no": [f"A{n % 280}" for n in range(300)], "v": range(300)}), ("v",), {}),
        (pd.DataFrame({"no": [f"A{n % 9}" for n in range(30)], "v": [n / 2 for n in range(30)]}), (), {}),
        (pd.DataFrame({"no": [None, *range(29)], "v": 1.5}), (), {}),
    ],
)
def test_repeated_rows_of_a_small_frame_are_counted(
    tmp_path: Path, storage: str, frame: Any, unique: tuple[str, ...], repeated: dict[str, int]
) -> None:
    counts = stored(tmp_path, frame, storage)
    assert (counts.unique, counts.repeated) == (unique, repeated)


def test_rows_of_a_large_frame_are_not_compared(tmp_path: Path) -> None:
    counts = stored(tmp_path, pd.DataFrame({"no": ["a", "b"] * MAX_COMPARED_ROWS}))
    assert (counts.unique, counts.repeated) == ((), {})


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("texts", "garbled"),
    [
        (["M\ufffdller", "Ada"], {"column": "t", "replacement_characters": 1}),
        (["MÃ¼ller", "itâ€™s", "ÄŒech"], {"column": "t", "double_encoded": 2}),
        (["Müller", "Ädel", "naïve", "5 \u20ac \u2013 \u2018a\u2019", None], {}),
        (["a", "b"], {}),
        (["a", "\ufeffb"], {"column": "t", "byte_order_marks": 1}),
    ],
)
def test_text_decoded_wrong_is_counted(
    tmp_path: Path, storage: str, texts: list[str | None], garbled: dict[str, Any]
) -> None:
    assert stored(tmp_path, pd.DataFrame({"n": range(len(texts)), "t": texts}), storage).garbled == garbled


@pytest.mark.parametrize("storage", STORAGES)
def test_words_for_no_value_are_counted(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame(
        {
            "city": ["nan", "Brno", None, "nan"],
            "margin": ["1", "#DIV/0!", "2", "3"],
            "phone": ["420777.0", "420778.0", "nan", "420779.0"],
            "company": ["Tom &amp; Co", "A & B", "C", "D"],
            "token": ["nan"] * 4,
            "version": ["1.0", "1.1", "2.0", "3.0"],
            "note": ["", "a", None, ""],
        }
    )
    assert stored(tmp_path, frame, storage).odd_values == {
        "city": {"nan": 2},
        "margin": {"#DIV/0!": 1},
        "phone": {"nan": 1, ".0": 3},
        "company": {"&amp;": 1},
        "note": {"": 2},
    }


@pytest.mark.parametrize("storage", STORAGES)
def test_range_of_numbers_with_fractions_is_recorded(tmp_path: Path, storage: str) -> None:
    columns = {"lat": [49.5, np.nan], "ratio": [0.5, np.inf], "amount": [1.5, 2.5], "token": [0.1, np.inf]}
    prices = pa.array([Decimal("12.50"), Decimal("3.20")])
    frame = pa.table({**columns, "price": prices, "empty": pa.array([None, None], pa.float64())})
    counts = stored(tmp_path, frame, storage)
    assert counts.min == ("49.5", "0.5", "1.5", None, "3.20", None)
    assert counts.max == ("49.5", "inf", "2.5", None, "12.50", None)


@pytest.mark.parametrize("storage", STORAGES)
def test_numbers_that_may_stand_for_no_value_are_counted(tmp_path: Path, storage: str) -> None:
    frame = pa.table(
        {
            "temperature": [-999.0, 21.5, -999.0, float("nan"), -999.0, 17.25],
            "stock": pa.array([4, 9999, 9999, 9999, 9999, None], pa.int32()),
            "price": pa.array(
                [Decimal(text) for text in ("-1.00", "-1.00", "-1.00", "2.50", "3.20", "4.00")]
            ),
            "twice": [-999, -999, 1, 2, 3, 4],
            "inside": [-1000, -999, -999, -999, 2, 3],
            "only": [-1] * 6,
            "token": [-999, -999, -999, 1, 2, 3],
        }
    )
    assert stored(tmp_path, frame, storage).sentinels == {
        "temperature": {"value": "-999.0", "rows": 3, "next": "17.25"},
        "stock": {"value": "9999", "rows": 4, "next": "4"},
        "price": {"value": "-1.00", "rows": 3, "next": "2.50"},
    }


def days_but(*left_out: str, rows: int = 1, days: int = 365) -> list[pd.Timestamp]:
    """The days of 2025 without those that begin with a text, several times."""
    every = pd.date_range("2025-01-01", periods=days)
    return [day for day in every if not str(day).startswith(left_out)] * rows if left_out else [*every] * rows


AUGUST = {"unit": "month", "missing": "2025-08", "periods": 12, "fewest": 28}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", ["timestamp", "date", "text"])
@pytest.mark.parametrize(
    ("days", "gap"),
    [
        (days_but("2025-08"), AUGUST),
        (days_but("2025-02-14", rows=20, days=60), {"unit": "day", "missing": "2025-02-14", "periods": 60, "fewest": 20}),
        (days_but("2025-02-14", days=60), {"unit": "day", "missing": "2025-02-14", "periods": 60, "fewest": 1}),
        ([pd.Timestamp(2025, month, 1) for month in range(1, 13)] + [pd.Timestamp(2026, 2, 1)], {"unit": "month", "missing": "2026-01", "periods": 14, "fewest": 1}),
        (days_but(), None),
        (days_but("2025-07", "2025-08"), None),
        (days_but("2025-12"), None),
        (days_but("2025-03", days=150), None),
        ([day for day in days_but(rows=20, days=60) if day.weekday() < 5], None),
        ([pd.Timestamp(2025, month, 1) for month in (1, 2, 3, 5, 6, 7, 8)], None),
        ([*days_but("2025-08"), pd.Timestamp(1900, 1, 1)], None),
    ],
)  # fmt: skip
def test_only_period_without_rows_is_recorded(
    tmp_path: Path, storage: str, kind: str, days: list[pd.Timestamp], gap: dict[str, Any] | None
) -> None:
    times = pa.array(days, pa.timestamp("us"))
    texts = pa.array([str(day.date()) for day in days])
    values = {"timestamp": times, "date": times.cast(pa.date32()), "text": texts}[kind]
    found = stored(tmp_path, pa.table({"at": values, "token": values}), storage).gaps
    assert found == ({"at": gap} if gap else {})


def test_text_that_is_no_date_ends_the_counts_of_days(tmp_path: Path) -> None:
    texts = [str(day.date()) for day in days_but("2025-08")]
    assert stored(tmp_path, pa.table({"at": [*texts, "2025-02-30"]})).gaps == {}
    assert stored(tmp_path, pa.table({"at": [*texts, "later"]})).gaps == {}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_end_of_a_range_does_not_depend_on_the_order_of_slices(order: tuple[int, ...]) -> None:
    slices = pa.array([-999, 5, -99]), pa.array([-99, -99, 3]), pa.array([7, -999, None])
    low, high = RangeEnd(is_high=False), RangeEnd(is_high=True)
    for number in order:
        ends = pc.min_max(slices[number])
        low.add(slices[number], ends["min"])
        high.add(slices[number], ends["max"])
    assert (low.value, low.rows, low.following) == (-999, 2, -99)
    assert (high.value, high.rows) == (7, 0)


@pytest.mark.parametrize(
    ("values", "unique"),
    [(["a", "b", "c"], ("k",)), (["a", "b", "a"], ()), (["a", "b", None], ()), (["a"], ())],
)
def test_first_column_may_be_unique(tmp_path: Path, values: list[Any], unique: tuple[str, ...]) -> None:
    assert stored(tmp_path, pd.DataFrame({"k": values, "v": range(len(values))})).unique == unique


def test_long_frame_has_no_odd_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": ["nan"] * (MAX_RANGE_ROWS + 1)})
    assert stored(tmp_path, frame).odd_values == {}


@pytest.mark.parametrize("storage", STORAGES)
def test_values_of_columns_with_few_are_counted(tmp_path: Path, storage: str) -> None:
    rows = range(120)
    frame = pd.DataFrame(
        {
            "order_id": rows,
            "country": ["CZ", "DE", None] * 40,
            "store": [101, 102] * 60,
            "is_paid": [True, False, False] * 40,
            "region": ["North East", "ops@example.com", "+420 777 123 456"] * 40,
            "owner": ["Ada", "Bo"] * 60,
            "token": ["a", "b"] * 60,
            "day": ["2026-01-01", "2026-01-02"] * 60,
            "price": [1.5, 2.5] * 60,
            "text": ["a text that is longer than a code", "b"] * 60,
        }
    )
    counts = dict(stored(tmp_path, frame, storage).value_counts)
    hashed = {
        name: [(value[0], rows) for value, rows in counts.pop(name)] for name in ("region", "owner", "text")
    }
    assert counts == {
        "country": [("CZ", 40), ("DE", 40)],
        "store": [("101", 60), ("102", 60)],
        "is_paid": [("false", 80), ("true", 40)],
    }
    assert hashed == {
        "region": [("#", 40), ("#", 40), ("N", 40)],
        "owner": [("#", 60), ("#", 60)],
        "text": [("#", 60), ("b", 60)],
    }


@pytest.mark.parametrize(
    ("column", "value", "is_recorded"),
    [
        ("country", "CZ", True),
        ("state", "on the way", True),
        ("size", "A4/B", True),
        ("version", "v1.2", True),
        ("customer_type", "business", True),
        ("town", "Ústí nad Labem", True),
        ("code", "123456", True),
        ("code", "1234567", False),
        ("first_name", "Ada", False),
        ("agent", "Ada Novak", False),
        ("contact", "ada@example.com", False),
        ("note", "ada@example.com", False),
        ("note", "+420 777 123 456", False),
        ("note", "192.168.100.12", False),
        ("note", "a remark of more than 24 characters", False),
        ("note", "AKIAIOSFODNN7EXAMPLE", False),
        ("note", "two\nlines", False),
        ("note", "", False),
        ("note", " ", False),
    ],
)
def test_only_codes_and_words_are_recorded(
    tmp_path: Path, column: str, value: str, is_recorded: bool
) -> None:
    (found,) = stored(tmp_path, pd.DataFrame({"n": range(60), column: [value] * 60})).value_counts[column]
    assert (found == (value, 60)) == is_recorded
    assert is_recorded or (found[0][0], len(found[0])) == ("#", 7)


def test_stream_with_an_empty_first_batch_is_counted(tmp_path: Path) -> None:
    table = pa.table({"country": ["CZ", "DE"] * 30})
    empty = pa.RecordBatch.from_pylist([], schema=table.schema)
    reader = pa.RecordBatchReader.from_batches(table.schema, [empty, *table.to_batches()])
    assert stored(tmp_path, reader, "spill").value_counts == {"country": [("CZ", 30), ("DE", 30)]}


@pytest.mark.parametrize("storage", STORAGES)
def test_sorted_column_of_many_values_is_not_counted(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame({"customer": [f"K{row // 20:03}" for row in range(2000)], "line": ["a"] * 2000})
    assert stored(tmp_path, frame, storage).value_counts == {"line": [("a", 2000)]}


@pytest.mark.parametrize(
    ("rows", "counted"), [(49, None), (5_000, 5_000), (20_000, 5_000), (MAX_RANGE_ROWS + 1, None)]
)
def test_values_of_a_bounded_number_of_rows_are_counted(
    tmp_path: Path, rows: int, counted: int | None
) -> None:
    countries = pa.array(["CZ", "DE", "AT", "PL"] * rows).slice(0, rows)
    counts = stored(tmp_path, pa.table({"country": countries})).value_counts
    assert (sum(count for _, count in counts["country"]) if counts else None) == counted
    assert not counts or [name for name, count in counts["country"] if count > counted * 0.2] == [
        "AT",
        "CZ",
        "DE",
        "PL",
    ]


def test_at_most_eight_columns_are_counted_text_first(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {f"n{number}": [1, 2] * 30 for number in range(6)} | {f"t{i}": ["a"] * 60 for i in range(5)}
    )
    assert [*stored(tmp_path, frame).value_counts] == ["n0", "n1", "n2", "t0", "t1", "t2", "t3", "t4"]


@pytest.mark.parametrize("storage", STORAGES)
def test_negative_values_are_counted_by_column(tmp_path: Path, storage: str) -> None:
    frame = pa.table(
        {
            "i": pa.array([1, -2, -3, None], pa.int64()),
            "f": pa.array([0.5, -0.5, float("nan"), None]),
            "d": pa.array([1, -2, 3, -4], pa.decimal128(9, 2)),
            "u": pa.array([1, 2, 3, 4], pa.uint8()),
            "t": ["a", "b", "c", "-1"],
            "token": pa.array([-1, 2, 3, 4]),
            "at": pa.array([-1, 2, 3, 4], pa.timestamp("us")),
        }
    )
    assert stored(tmp_path, frame, storage).negatives == (2, 1, 2, 0, None, None, None)


def test_frame_without_numbers_has_no_counts_of_negative_values(tmp_path: Path) -> None:
    assert stored(tmp_path, pa.table({"t": ["a"]})).negatives == ()
