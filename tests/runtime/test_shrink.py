"""Smallest inputs of a failure: what stays, how many tests that takes, and when a search ends."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.runtime.frames.frame_part import FramePart, from_ranges, to_ranges
from osiris_inspect.runtime.replay.shrink.shrink import (
    Candidate,
    Fails,
    ShrinkOptions,
    ShrinkResult,
    shrink,
)
from tests.runtime.shrink_cases import CASES, fails_like, failure_of, wide, with_cells

SMALL, LARGE = 20_000, 1_000_000


class Recorded:
    """A test that records what it was called with and returned."""

    def __init__(self, fails: Fails) -> None:
        self._fails = fails
        self.failures: list[Mapping[str, Any]] = []
        self.runs = 0

    def __call__(self, candidate: Candidate) -> bool:
        self.runs += 1
        result = self._fails(candidate)
        if result:
            self.failures.append({name: part.take() for name, part in candidate.items()})
        return result


def is_same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return left.keys() == right.keys() and all(left[name].equals(right[name]) for name in left)


def shapes(result: ShrinkResult) -> dict[str, tuple[int, int]]:
    return {name: frame.shape for name, frame in result.frames.items()}


@pytest.mark.sampled(2)  # with the small frames
@pytest.mark.parametrize("rows", [SMALL, LARGE])
@pytest.mark.parametrize("name", CASES)
def test_shrink_reaches_the_smallest_frames(name: str, rows: int) -> None:
    case = CASES[name]
    frames = case.make(rows)
    _, error = failure_of(case.step, frames)
    options = ShrinkOptions(error=error if case.has_hints else "", config=case.config, seconds=600)
    fails = Recorded(fails_like(case.step, frames))
    result = shrink(frames, fails, options)
    for input_name, (most_rows, most_columns) in case.left.items():
        assert result.frames[input_name].shape <= (most_rows, most_columns)
        assert result.rows[input_name].before == rows
        assert result.columns[input_name].before == 13
    assert result.runs == fails.runs <= 2 * case.runs
    assert result.stopped_by == ""
    assert is_same(fails.failures[-1], result.frames)


def bad_cell(rows: int = 1000) -> tuple[dict[str, pd.DataFrame], Recorded]:
    frames = with_cells("v", {0.7: "oops"})(rows)

    def step(inputs: Mapping[str, Any]) -> None:
        inputs["df"]["v"].astype(int)

    return frames, Recorded(fails_like(step, frames))


def test_number_of_runs_ends_search_with_tested_frame() -> None:
    frames, fails = bad_cell()
    result = shrink(frames, fails, ShrinkOptions(runs=8))
    assert (result.runs, fails.runs, result.stopped_by) == (8, 8, "runs")
    assert shapes(result)["df"][0] in range(2, 1000)
    assert is_same(fails.failures[-1], result.frames)


def test_budget_ends_search_before_the_next_test() -> None:
    frames, fails = bad_cell()
    now = 0.0

    def slow(candidate: Candidate) -> bool:
        nonlocal now
        now += 10
        return fails(candidate)

    result = shrink(frames, slow, ShrinkOptions(seconds=75), lambda: now)
    assert (result.runs, result.seconds, result.stopped_by) == (8, 80, "budget")
    assert is_same(fails.failures[-1], result.frames)


def test_interrupt_keeps_what_was_found() -> None:
    frames, fails = bad_cell()

    def interrupted(candidate: Candidate) -> bool:
        if fails.runs == 10:
            raise KeyboardInterrupt
        return fails(candidate)

    result = shrink(frames, interrupted)
    assert result.stopped_by == "interrupted"
    assert result.is_reproduced
    assert is_same(fails.failures[-1], result.frames)


@pytest.mark.parametrize(
    ("outcomes", "stopped_by"),
    [([True, False], "by chance"), ([False, True], "by chance"), ([False, False], "not reproduced")],
)
def test_frames_that_do_not_fail_twice_stay(outcomes: list[bool], stopped_by: str) -> None:
    frames = {"df": wide(10)}
    left = list(outcomes)
    result = shrink(frames, lambda _: left.pop(0))
    assert (result.stopped_by, result.runs, left) == (stopped_by, 2, [])
    assert result.frames["df"] is frames["df"]
    assert result.is_by_chance == (stopped_by == "by chance")
    assert not result.is_reproduced


def test_failure_that_depends_on_size_is_not_tested() -> None:
    frames = {"df": wide(10)}
    result = shrink(frames, lambda _: True, ShrinkOptions(depends_on_size=True))
    assert (result.stopped_by, result.runs, shapes(result)) == ("size", 0, {"df": (10, 13)})


def test_only_rows_are_reduced_if_asked() -> None:
    frames, fails = bad_cell()
    result = shrink(frames, fails, ShrinkOptions(("rows",)))
    assert shapes(result) == {"df": (1, 13)}
    assert result.frames["df"].loc[700, "v"] == "oops"


def test_cells_become_simple_and_keep_their_types() -> None:
    frame = pd.DataFrame(
        {
            "n": pd.Series([7, 8], dtype="int8"),
            "x": [2.5, np.nan],
            "text": pd.Series(["b", "c"], dtype="str"),
            "kind": pd.Categorical(["q", "r"], ["q", "r", "s"], ordered=True),
            "at": pd.to_datetime(["2024-05-06 07:08", "2024-05-07 00:00"], utc=True),
        }
    ).set_index(pd.Index(["k", "l"]))

    def fails(candidate: Candidate) -> bool:
        part = candidate["df"].take()
        return (
            isinstance(part, pd.DataFrame)
            and part.shape == (2, 5)
            and len(part.dropna(subset=["n", "text", "kind"])) == 2
        )

    result = shrink({"df": frame}, fails).frames["df"]
    assert isinstance(result, pd.DataFrame)
    expected = pd.DataFrame(
        {
            "n": pd.Series([0, 0], dtype="int8"),
            "x": [np.nan, np.nan],
            "text": pd.Series(["", ""], dtype="str"),
            "at": pd.Series([pd.NaT, pd.NaT], dtype=frame["at"].dtype),
        }
    )
    pd.testing.assert_frame_equal(result.drop(columns="kind"), expected)
    assert list(result["kind"].cat.categories) == [""]
    assert result["kind"].cat.ordered


def test_arrow_table_keeps_its_types() -> None:
    schema = pa.schema([("n", pa.int16()), ("d", pa.decimal128(9, 2)), ("tags", pa.list_(pa.string()))])
    table = pa.table({"n": [5, 6, 7], "d": [None, 1, 2], "tags": [["a"], [], None]}, schema=schema)

    def fails(candidate: Candidate) -> bool:
        part = candidate["df"].take()
        assert isinstance(part, pa.Table)
        return part.num_columns == 3 and part.num_rows > 0 and None not in part["n"].to_pylist()

    result = shrink({"df": table}, fails).frames["df"]
    assert result.equals(pa.table({"n": [0], "d": [None], "tags": [None]}, schema=schema))


def test_list_of_quoted_values_names_rows() -> None:
    frame = pd.DataFrame({"k": [f"key{number}" for number in range(1000)]})
    missing = {"key17", "key904"}

    def step(inputs: Mapping[str, Any]) -> None:
        found = missing & set(inputs["df"]["k"])
        if found == missing:
            raise ValueError(f"bad keys: {sorted(found)}")

    _, error = failure_of(step, {"df": frame})
    result = shrink({"df": frame}, fails_like(step, {"df": frame}), ShrinkOptions(("rows",), error=error))
    assert list(result.frames["df"]["k"]) == ["key17", "key904"]
    assert result.runs <= 9


@given(st.sets(st.integers(0, 60), max_size=12))
def test_ranges_hold_all_positions(positions: set[int]) -> None:
    rows = np.array(sorted(positions), dtype=np.int64)
    ranges = to_ranges(rows)
    assert from_ranges(ranges).tolist() == rows.tolist()
    assert all(stop < start for (_, stop), (start, _) in pairwise(ranges))


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 2)), st.booleans())
def test_part_has_its_rows_and_columns(rows: set[int], columns: set[int], is_arrow: bool) -> None:
    frame = pd.DataFrame({"a": range(10), "b": list("abcdefghij"), "c": [0.5] * 10})
    whole = FramePart.whole(pa.Table.from_pandas(frame) if is_arrow else frame)
    part = whole.with_rows(np.array(sorted(rows), dtype=np.int64)).with_columns(
        np.array(sorted(columns), dtype=np.int64)
    )
    expected = frame.iloc[sorted(rows), sorted(columns)]
    taken = part.take()
    if isinstance(taken, pa.Table):
        assert taken.to_pydict() == expected.to_dict("list")
    else:
        pd.testing.assert_frame_equal(taken, expected)
