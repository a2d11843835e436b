"""Failures to shrink: frames of 13 columns, a step that fails on them, and how many tests a search may need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from osiris_inspect.model.failure.signature import FailureSignature, failure_signature
from osiris_inspect.runtime.replay.shrink.shrink import Candidate, Fails

Frames = dict[str, pd.DataFrame]
Step = Callable[[Mapping[str, Any]], Any]
MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Case:
    """A failure of a step.

    Attributes:
        make: returns the inputs with so many rows.
        runs: re-runs that a search may need with 1M rows; it may use twice as many.
        left: rows and columns of each input that stay.
    """

    make: Callable[[int], Frames]
    step: Step
    runs: int
    left: Mapping[str, tuple[int, int]]
    config: str = ""
    has_hints: bool = True


def failure_of(step: Step, frames: Mapping[str, Any]) -> tuple[FailureSignature | None, str]:
    """The signature and the text of the failure of a step; None if it succeeds."""
    try:
        step(frames)
    except Exception as error:  # noqa: BLE001  a step can raise anything
        return failure_signature(str(error), type(error).__name__), str(error)
    return None, ""


def fails_like(step: Step, frames: Mapping[str, Any]) -> Fails:
    """A test for the failure of a step with these frames."""
    expected, _ = failure_of(step, frames)
    assert expected is not None

    def fails(candidate: Candidate) -> bool:
        return failure_of(step, {name: part.take() for name, part in candidate.items()})[0] == expected

    return fails


def wide(rows: int, seed: int = 1) -> pd.DataFrame:
    """A frame of 13 columns in which each id is once."""
    random = np.random.default_rng(seed)
    numbers = {f"n{position}": random.integers(0, 1000, rows) for position in range(9)}
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "v": pd.Series(np.arange(rows).astype(str), dtype="str"),
            "amount": random.normal(size=rows),
            "day": pd.Series(
                np.tile(["2024-01-05", "2024-02-29", "2024-12-31"], rows // 3 + 1)[:rows], dtype="str"
            ),
            **numbers,
        }
    )


def with_cells(column: str, cells: Mapping[float, Any]) -> Callable[[int], Frames]:
    """Makes a frame with other cells in a column, by their place in the frame from 0 to 1."""

    def make(rows: int) -> Frames:
        frame = wide(rows)
        frame.loc[[int(rows * place) for place in cells], column] = list(cells.values())
        return {"df": frame}

    return make


def _plain(rows: int) -> Frames:
    return {"df": wide(rows)}


def _query(text: str) -> Step:
    def step(frames: Mapping[str, Any]) -> None:
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            for name, frame in frames.items():
                connection.register(name, frame)
            connection.sql(text).to_arrow_table()

    return step


def _one_key_twice(rows: int) -> Frames:
    frame = wide(rows)
    frame.loc[int(rows * 0.7), "id"] = rows // 3
    return {"df": frame}


def _check_keys(frames: Mapping[str, Any]) -> None:
    if frames["df"]["id"].duplicated().any():
        raise ValueError("a key occurs twice")


def _check_amounts(frames: Mapping[str, Any]) -> None:
    if frames["df"]["amount"].isna().any():
        raise ValueError("an amount is missing")


def _two_frames(rows: int) -> Frames:
    return {"left": wide(rows), "right": _one_key_twice(rows)["df"]}


def _join(frames: Mapping[str, Any]) -> None:
    joined = frames["left"].merge(frames["right"], on="id")
    if joined["id"].duplicated().any():
        raise ValueError("the join multiplies rows")


def _parse_days(frames: Mapping[str, Any]) -> None:
    pd.to_datetime(frames["df"]["day"], format="%Y-%m-%d")


def _large_values(rows: int) -> Frames:
    frame = wide(rows)
    places = np.random.default_rng(5).choice(rows, 40, replace=False)
    frame["n0"] = 0
    frame.loc[places, "n0"] = MAX_INT64 // 36 + 1
    return {"df": frame}


def _sum(frames: Mapping[str, Any]) -> None:
    values = frames["df"]["n0"]
    if sum(values[values > 0].tolist()) > MAX_INT64:
        raise OverflowError("the sum is too large")


def _check_spread(frames: Mapping[str, Any]) -> None:
    amounts = frames["df"]["amount"]
    if amounts.std() > 3 * abs(amounts.mean()):
        raise ValueError("the amounts vary too much")


CAST = "SELECT id, CAST(v AS INTEGER) AS n FROM df"
BAD_CELL = with_cells("v", {0.7: "oops"})
CASES: Mapping[str, Case] = {
    "bad cell, by its value": Case(BAD_CELL, _query(CAST), 15, {"df": (1, 2)}, CAST),
    "bad cell": Case(BAD_CELL, _query(CAST), 46, {"df": (1, 2)}, CAST, has_hints=False),
    "two rows with one key": Case(_one_key_twice, _check_keys, 97, {"df": (2, 1)}),
    "one NaN": Case(with_cells("amount", {0.6: np.nan}), _check_amounts, 36, {"df": (1, 1)}),
    "join": Case(_two_frames, _join, 111, {"left": (1, 1), "right": (2, 1)}),
    "three bad dates": Case(
        with_cells("day", {0.1: "2024-13-01", 0.5: "31.12.2023", 0.8: "x"}), _parse_days, 29, {"df": (1, 1)}
    ),
    "no such column": Case(_plain, _query("SELECT nope FROM df"), 6, {"df": (0, 1)}),
    "sum overflows": Case(_large_values, _sum, 1147, {"df": (36, 1)}),
    "statistical check": Case(_plain, _check_spread, 58, {"df": (3, 2)}),
}
