"""Masks of frames: what stays of the values, and the strongest masks with which a step still fails."""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.runtime.replay.shrink.columns import (
    CellsRefused,
    cells_of,
    is_missing,
    with_cells,
)
from osiris_inspect.runtime.replay.shrink.masking.keyed import KeyedMasks
from osiris_inspect.runtime.replay.shrink.masking.mask import MaskLimits, MaskResult, mask
from osiris_inspect.runtime.replay.shrink.masking.values import Ranks, order_of

Frames = Mapping[str, Any]
KEY = b"key"

NUMBERS = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e300, 1e300)
    | st.sampled_from([np.inf, -np.inf, np.nan])
    | st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9)
)
TIMES = (
    st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1))
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.dates()
    | st.times()
    | st.timedeltas(dt.timedelta(-10_000), dt.timedelta(10_000))
)
CELLS = st.none() | st.booleans() | st.text(max_size=8) | st.binary(max_size=6) | NUMBERS | TIMES
COLUMNS = {
    "int8": st.integers(-128, 127),
    "uint16": st.integers(0, 2**16 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "Int32": st.none() | st.integers(-(2**31), 2**31 - 1),
    "float32": st.none() | st.floats(width=32, allow_infinity=False),
    "float64": st.none() | st.floats(allow_infinity=False),
    "bool": st.booleans(),
    "str": st.none() | st.text(st.characters(codec="utf-8"), max_size=6),
    "category": st.none() | st.text("ab1", max_size=3),
    "datetime64[ms]": st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    "datetime64[ns, Europe/Prague]": st.none()
    | st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2030, 1, 1)),
    "timedelta64[us]": st.none() | st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)),
    "object": CELLS | st.lists(st.text(max_size=2), max_size=2),
    pd.ArrowDtype(pa.decimal128(12, 2)): st.none() | st.decimals(-(10**9), 10**9, places=2),
    "date32[day][pyarrow]": st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
}


@st.composite
def columns(draw: st.DrawFn) -> "pd.Series[Any]":
    """A column of one of the types, with missing values."""
    dtype = draw(st.sampled_from(list(COLUMNS)))
    cells = draw(st.lists(COLUMNS[dtype], max_size=6))
    return pd.Series(cells, dtype=dtype)


def kinds_of(text: str) -> list[str]:
    """The kind of each character: digit, letter of a case, or itself."""
    return [
        "0"
        if character.isdecimal()
        else "a"
        if "a" <= character <= "z"
        else "A"
        if "A" <= character <= "Z"
        else character
        if character.isascii()
        else "other"
        for character in text
    ]


@given(st.lists(st.text(max_size=8) | NUMBERS | TIMES, max_size=8))
def test_keyed_masks_are_equal_for_equal_values_only(cells: list[Any]) -> None:
    keyed = KeyedMasks(KEY)
    masked = [keyed.cell(cell) for cell in cells]
    for left, left_mask in zip(cells, masked, strict=True):
        assert type(left_mask) is type(left)
        for right, right_mask in zip(cells, masked, strict=True):
            if is_missing(left) or isinstance(left, str) != isinstance(right, str):
                continue
            assert (order_of(left) or left) == (order_of(right) or right) or left_mask != right_mask


@given(st.text(max_size=20))
def test_keyed_text_keeps_kinds_of_characters(text: str) -> None:
    masked = KeyedMasks(KEY).cell(text)
    assert kinds_of(masked) == kinds_of(text)
    assert len(masked.encode("utf-8", "surrogatepass")) == len(text.encode("utf-8", "surrogatepass"))


@given(st.integers(-(2**64), 2**64))
def test_keyed_integer_keeps_sign_and_digits(number: int) -> None:
    masked = KeyedMasks(KEY).cell(number)
    assert (masked < 0, len(str(masked))) == (number < 0, len(str(number)))
    for low, high in [(-(2 ** (bits - 1)), 2 ** (bits - 1)) for bits in (8, 16, 32, 64)] + [(0, 2**16)]:
        assert (low <= number < high) <= (low <= masked < high)


def test_keyed_masks_differ_by_key_and_hide_the_value() -> None:
    name = "Božena Němcová, 1820-02-04"
    masks = {KeyedMasks(key).cell(name) for key in (b"one", b"two", b"three")}
    assert len(masks) == 3
    assert name not in masks
    moments = [
        dt.datetime(2024, 5, 6),
        dt.datetime(2024, 5, 6, 7, 30),
        dt.datetime(2024, 5, 6, 7, 30, 12, 5000),
    ]
    midnight, minutes, milliseconds = (KeyedMasks(KEY).cell(moment) for moment in moments)
    assert midnight.time() == dt.time(0)
    assert (minutes.second, minutes.microsecond) == (0, 0)
    assert milliseconds.microsecond % 1000 == 0


@given(columns())
def test_masked_column_keeps_type_missing_and_equal_cells(column: "pd.Series[Any]") -> None:
    keyed, cells = KeyedMasks(KEY), cells_of(column)
    try:
        masked = with_cells(column, [keyed.cell(cell) for cell in cells])
    except CellsRefused:
        return
    if column.dtype == "category":
        assert masked.cat.ordered == column.cat.ordered
        assert masked.cat.categories.dtype == column.cat.categories.dtype
    else:
        assert masked.dtype == column.dtype
    assert masked.isna().tolist() == column.isna().tolist()
    again = [keyed.cell(cell) for cell in cells]
    assert with_cells(column, again).equals(masked)


@given(st.lists(NUMBERS, max_size=8) | st.lists(TIMES, max_size=8))
def test_ranks_keep_order_sign_and_type(cells: list[Any]) -> None:
    ranks = Ranks(cells)
    masked = [ranks.cell(cell) for cell in cells]
    for cell, rank in zip(cells, masked, strict=True):
        assert type(rank) is type(cell)
        assert is_missing(rank) == is_missing(cell)
    comparable = [pair for pair in zip(cells, masked, strict=True) if not is_missing(pair[0])]
    for left, left_rank in comparable:
        for right, right_rank in comparable:
            orders = [order_of(each) for each in (left, right, left_rank, right_rank)]
            (kind, first), (other, second), (_, first_rank), (_, second_rank) = (
                each or ("", 0) for each in orders
            )
            if kind == other:
                assert (first < second, first == second) == (
                    first_rank < second_rank,
                    first_rank == second_rank,
                )
        if isinstance(left, int | float | Decimal):
            assert (left_rank < 0, left_rank == 0) == (left < 0, left == 0)


@given(st.dictionaries(st.sampled_from("abc"), columns(), min_size=1), st.booleans())
def test_masked_frames_keep_types_and_shapes(
    parts: Mapping[str, "pd.Series[Any]"], accepts_nulls: bool
) -> None:
    frames: Frames = {name: pd.DataFrame({name: column}) for name, column in parts.items()}

    def fails(candidate: Frames) -> bool:
        return accepts_nulls or all(
            candidate[name].isna().equals(frame.isna()) for name, frame in frames.items()
        )

    result = mask(frames, fails)
    assert fails(result.frames)
    for name, frame in frames.items():
        masked = result.frames[name]
        assert masked.shape == frame.shape
        if frame[name].dtype != "category":
            assert masked.dtypes.equals(frame.dtypes)
        if result.masks[f"{name}.{name}"] == "unmasked":
            pd.testing.assert_frame_equal(masked, frame)
            assert f"{name}.{name}" in result.unmasked
    assert result.unmasked.keys() == {label for label, rung in result.masks.items() if rung == "unmasked"}


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [17, 42, 42, 99],
            "name": pd.Series(["Ann", "Bob", None, "Cyd"], dtype="str"),
            "amount": [12.5, np.nan, 7.25, 900.0],
            "born": pd.to_datetime(["1990-01-02", "1980-01-01", "1985-05-05", None]),
        }
    )


def masked(fails: Callable[[Frames], bool], frames: Frames | None = None, **more: Any) -> MaskResult:
    result = mask(frames or {"df": people()}, fails, **more)
    assert fails(result.frames)
    return result


def test_failure_of_any_frame_needs_no_value() -> None:
    result = masked(lambda _: True)
    assert set(result.masks.values()) == {"nothing"}
    assert (result.runs, result.is_complete, result.unmasked) == (1, True, {})
    frame = result.frames["df"]
    assert frame["id"].tolist() == [0, 0, 0, 0]
    assert frame.drop(columns="id").isna().all(axis=None)


@pytest.mark.parametrize(
    ("column", "test", "rung", "values"),
    [
        ("id", lambda cells: (cells > 0).all(), "constant", [1, 1, 1, 1]),
        ("id", lambda cells: cells.is_monotonic_increasing and cells.nunique() > 2, "rank", [1, 2, 2, 3]),
        ("amount", lambda cells: cells[3] > cells[0] > cells[2], "rank", [2.0, None, 1.0, 3.0]),
        ("id", lambda cells: set(cells) == {17, 42, 99}, "unmasked", [17, 42, 42, 99]),
        ("name", lambda cells: cells.str.len().tolist()[3] == 3 and cells[2] is not cells[0], "keyed", None),
    ],
)
def test_column_gets_the_strongest_mask(column: str, test: Any, rung: str, values: list[Any] | None) -> None:
    result = masked(lambda frames: bool(test(frames["df"][column])))
    assert result.masks == {f"df.{name}": rung if name == column else "nothing" for name in people()}
    if values is not None:
        assert [None if is_missing(cell) else cell for cell in result.frames["df"][column]] == values
    assert result.unmasked == ({"df.id": [17, 42, 99]} if rung == "unmasked" else {})


def test_join_key_has_one_mask_in_both_frames() -> None:
    frames = {
        "left": pd.DataFrame({"key": ["ab1", "cd2", "ef3"]}),
        "right": pa.table({"id": ["ab1", "ab1", "xy9"], "n": pa.array([1, 2, 3], pa.int8())}),
    }

    def fails(candidate: Frames) -> bool:
        left, right = candidate["left"]["key"].tolist(), candidate["right"]["id"].to_pylist()
        return len(set(left)) == 3 and [left.index(each) if each in left else None for each in right] == [
            0,
            0,
            None,
        ]

    result = masked(fails, frames)
    assert result.masks == {"left.key": "keyed", "right.id": "keyed", "right.n": "nothing"}
    texts = {*result.frames["left"]["key"], *result.frames["right"]["id"].to_pylist()}
    assert not texts & {"ab1", "cd2", "ef3", "xy9"}
    assert all(kinds_of(text) == ["a", "a", "0"] for text in texts)
    assert result.frames["right"].schema == frames["right"].schema


def test_values_outside_of_columns_are_left_out() -> None:
    frame = people().set_index(pd.Index(["k1", "k2", "k3", "k4"]))
    frame.attrs = {"owner": "Ann"}
    frame["kind"] = pd.Categorical(["b"] * 4, ["a", "b"])
    result = masked(lambda _: True, {"df": frame})
    assert result.frames["df"].index.equals(pd.RangeIndex(4))
    assert result.frames["df"].attrs == {}
    assert result.frames["df"]["kind"].cat.categories.tolist() == []
    table = pa.table({"n": [1]}).replace_schema_metadata({"owner": "Ann"})
    assert masked(lambda _: True, {"df": table}).frames["df"].schema.metadata is None


def test_row_labels_that_are_needed_are_masked_or_listed() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["k1", "k2"], name="key"))
    result = masked(
        lambda frames: frames["df"].index.name == "key" and frames["df"].index.is_unique, {"df": frame}
    )
    assert result.masks == {"df.n": "nothing", "df.index": "keyed"}
    assert "k1" not in result.frames["df"].index
    result = masked(lambda frames: list(frames["df"].index) == ["k1", "k2"], {"df": frame})
    assert result.unmasked == {"df.index": ["k1", "k2"]}
    levels = frame.set_index([["a", "b"], [1, 2]])
    result = masked(lambda frames: frames["df"].index.nlevels == 2, {"df": levels})
    assert result.unmasked == {"df.index": [("a", 1), ("b", 2)]}


def test_value_without_mask_is_listed() -> None:
    frame = pd.DataFrame({"z": [complex(1, 2), complex(3, 4)], "flag": [True, False]})
    result = masked(
        lambda frames: frames["df"].iloc[:, 0].notna().all() and frames["df"]["flag"].nunique() == 2,
        {"df": frame},
    )
    assert result.masks == {"df.z": "unmasked", "df.flag": "unmasked"}
    assert result.unmasked == {"df.z": [complex(1, 2), complex(3, 4)], "df.flag": [True, False]}


def test_limit_keeps_the_masks_found() -> None:
    def needs_ids(frames: Frames) -> bool:
        return bool(frames["df"]["id"].tolist() == [17, 42, 42, 99])

    result = masked(needs_ids, limits=MaskLimits(runs=4))
    assert (result.runs, result.is_complete) == (4, False)
    assert result.masks["df.id"] == "unmasked"
    now = iter(range(0, 1000, 30))
    result = masked(needs_ids, limits=MaskLimits(seconds=100), clock=lambda: next(now))
    assert (result.runs, result.is_complete) == (3, False)


def test_interrupt_keeps_the_masks_found() -> None:
    runs = 0

    def fails(frames: Frames) -> bool:
        nonlocal runs
        runs += 1
        if runs == 3:
            raise KeyboardInterrupt
        return bool(frames["df"]["id"].nunique() == 3)

    result = mask({"df": people()}, fails)
    assert not result.is_complete
    assert set(result.masks.values()) == {"keyed"}
