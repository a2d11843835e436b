"""What goes to disk comes back equal, or ``fidelity`` says what does not."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from osiris_inspect.runtime.frames.conversion import columns
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion import index as index_form
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from tests.runtime.failing_disk import FailingDisk
from tests.runtime.frames_of_every_kind import FRAMES, LOSSY

pytestmark = pytest.mark.sampled(9)

KEPT = sorted(FRAMES.keys() - LOSSY.keys())


def made(name: str) -> pd.DataFrame:
    try:
        return FRAMES[name]()
    except (ImportError, ModuleNotFoundError) as absent:
        pytest.skip(f"this installation cannot make it: {absent}")


def spilled(frame: pd.DataFrame, root: Path) -> SpillFile:
    spill.write_spill(root, "step", frames.plan_pandas(frame), 0, FailingDisk())
    found = spill.find_spill(root, "step")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SpillFile]:
    """The spill of each frame, made once for all that is asked of it."""
    return cache(lambda name: spilled(made(name), tmp_path_factory.mktemp("run")))


def cells_of(frame: pd.DataFrame) -> list[list[tuple[type, str]]]:
    """Every cell of every column of objects: of which type it is, and how it looks."""
    return [
        [(type(cell), repr(cell)) for cell in frame.iloc[:, place].array]
        for place, dtype in enumerate(frame.dtypes)
        if dtype == np.dtype(object)
    ]


def assert_equal(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert type(found) is type(wanted)
    assert list(found.dtypes) == list(wanted.dtypes)
    assert cells_of(found) == cells_of(wanted)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True, check_freq=True, check_flags=True)
    assert repr(found.attrs) == repr(wanted.attrs)


@pytest.mark.parametrize("name", KEPT)
def test_a_spilled_frame_comes_back_equal(name: str, kept: Callable[[str], SpillFile]) -> None:
    assert_equal(spill.read_frame(kept(name)), made(name))


@pytest.mark.parametrize("name", KEPT)
def test_nothing_is_called_lost_that_is_not(name: str, kept: Callable[[str], SpillFile]) -> None:
    assert kept(name).document["fidelity"] == []


@pytest.mark.parametrize("name", sorted(LOSSY))
def test_what_is_lost_is_named(name: str, kept: Callable[[str], SpillFile]) -> None:
    assert LOSSY[name] in json.dumps(kept(name).document["fidelity"])


@pytest.mark.parametrize("name", sorted(LOSSY))
def test_a_frame_that_loses_something_keeps_its_shape_and_its_names(
    name: str, kept: Callable[[str], SpillFile]
) -> None:
    frame, found = made(name), spill.read_frame(kept(name))
    assert found.shape == frame.shape
    assert list(found.columns) == list(frame.columns)


@pytest.mark.parametrize("name", KEPT)
def test_a_restored_frame_has_the_fingerprint_it_had(name: str, kept: Callable[[str], SpillFile]) -> None:
    again = spill.frame_fingerprint(frames.plan_pandas(spill.read_frame(kept(name)))).frame
    assert again == kept(name).document["fingerprint"]


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_the_file_holds_the_normal_form(name: str, kept: Callable[[str], SpillFile]) -> None:
    frame = made(name)
    assert pq.read_schema(kept(name).parquet).remove_metadata() == frames.plan_pandas(frame).schema
    assert pq.read_metadata(kept(name).parquet).num_rows == len(frame)


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_the_schema_file_says_what_the_contract_asks(name: str, kept: Callable[[str], SpillFile]) -> None:
    frame = made(name)
    document: dict[str, Any] = json.loads((kept(name).parquet.parent / "schema.json").read_bytes())
    assert document["row_count"] == len(frame)
    named_levels = [level for level in frame.index.names if level is not None]
    assert len(document["columns"]) == len(named_levels) + frame.shape[1]
    of_columns = document["columns"][len(named_levels) :]
    assert [document["dtypes"][column] for column in of_columns] == list(map(str, frame.dtypes))


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_what_is_known_of_a_spill_that_was_written_is_what_its_schema_file_says(
    name: str, kept: Callable[[str], SpillFile]
) -> None:
    """Who wrote it reads it by what it said, everybody else by the file."""
    written = kept(name)
    found = spill.find_spill(written.root, written.step)
    assert found is not None
    assert found.document == written.document


def test_names_and_types_tell_shapes_apart() -> None:
    alike = [
        {"dtype": object, "data": ["1"]},
        {"dtype": "int64", "data": [1]},
        {"dtype": ">i8", "data": [1]},
        {"dtype": "Int64", "data": [1]},
        {"dtype": "M8[us]", "data": [1]},
        {"dtype": "M8[ns]", "data": [1]},
        {"dtype": pd.StringDtype("pyarrow"), "data": ["1"]},
    ]
    frames_ = [pd.DataFrame({"x": pd.Series(**one)}) for one in alike]
    frames_ += [
        pd.DataFrame([[1]], columns=pd.Index(["x"], name=name, dtype=object)) for name in ("n", "m", None)
    ]
    frames_ += [pd.DataFrame([[1]], columns=columns_) for columns_ in ([1], [1.0], [True])]
    for frame in [*frames_, *reversed(frames_)]:
        form = frames.plan_pandas(frame)
        assert form.fields[0]["dtype"] == str(frame.dtypes.iloc[0])
        assert form.fields[0]["name_type"] == type(next(iter(frame.columns))).__name__
        pd.testing.assert_index_equal(
            index_form.index_from_json(form.restore_info["columns"], columns.restore),
            frame.columns,
            exact=True,
        )


def test_plain_pandas_reads_the_file_with_its_types(kept: Callable[[str], SpillFile]) -> None:
    found = pd.read_parquet(kept("mixed columns").parquet)
    pd.testing.assert_frame_equal(found, made("mixed columns"), check_categorical=False)


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_plain_pandas_reads_every_file(name: str, kept: Callable[[str], SpillFile]) -> None:
    assert len(pd.read_parquet(kept(name).parquet)) == len(made(name))


def test_two_frames_that_differ_in_one_cell_have_two_fingerprints() -> None:
    one, other = FRAMES["mixed columns"](), FRAMES["mixed columns"]()
    other.loc[3, "amount"] = 0.0
    assert fingerprint(one) != fingerprint(other)


def test_a_gap_and_a_zero_have_two_fingerprints() -> None:
    assert fingerprint(pd.DataFrame({"x": [0.0]})) != fingerprint(pd.DataFrame({"x": [float("nan")]}))


def test_where_one_text_ends_and_the_next_begins_counts() -> None:
    assert fingerprint(pd.DataFrame({"x": ["ab", "c"]})) != fingerprint(pd.DataFrame({"x": ["a", "bc"]}))


def test_a_view_and_its_copy_have_one_fingerprint() -> None:
    frame = pd.concat([FRAMES["mixed columns"]()] * 7, ignore_index=True)
    part = frame.iloc[3:20]
    assert fingerprint(part) == fingerprint(part.copy(deep=True))


@pytest.mark.parametrize("name", KEPT)
def test_columns_of_a_spill_and_of_memory_have_one_fingerprint(
    name: str, kept: Callable[[str], SpillFile]
) -> None:
    in_memory = spill.frame_fingerprint(frames.plan_pandas(made(name))).columns
    assert kept(name).document["column_fingerprints"] == in_memory
    assert list(in_memory) == kept(name).document["columns"]


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("id", [1, 2, 4]),
        ("id", [1.0, 2.0, 3.0]),
        ("name", ["a", "b", "c"]),
        ("note", [None, "x", float("nan")]),  # where they differ is stored in a hidden column
    ],
)
def test_only_a_changed_column_has_another_fingerprint(column: str, changed: list[Any]) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "name": ["a", "b", None], "note": [float("nan"), "x", None]})
    frame["note"] = frame["note"].astype(object)
    other = frame.assign(**{column: pd.Series(changed, dtype=object if column == "note" else None)})
    before, after = column_fingerprints(frame), column_fingerprints(other)
    assert {name for name in before if before[name] != after[name]} == {column}


def test_a_renamed_or_moved_column_keeps_its_fingerprint() -> None:
    frame = pd.DataFrame({"id": [1, 2], "name": ["a", None]})
    moved = column_fingerprints(frame[["name", "id"]].rename(columns={"id": "key"}))
    assert moved == {"name": column_fingerprints(frame)["name"], "key": column_fingerprints(frame)["id"]}


def test_an_empty_frame_has_column_fingerprints() -> None:
    columns = column_fingerprints(
        pd.DataFrame({"id": pd.Series(dtype="int64"), "x": pd.Series(dtype="float64")})
    )
    assert columns["id"] != columns["x"]


def column_fingerprints(frame: pd.DataFrame) -> dict[str, str]:
    return spill.frame_fingerprint(frames.plan_pandas(frame)).columns


def fingerprint(frame: pd.DataFrame) -> str:
    return spill.frame_fingerprint(frames.plan_pandas(frame)).frame


def test_a_frame_of_several_slices_comes_back_equal(tmp_path: Path) -> None:
    frame = pd.concat([FRAMES["mixed columns"]()] * 60_000, ignore_index=True)
    found = spilled(frame, tmp_path)
    assert pq.read_metadata(found.parquet).num_row_groups == 3
    assert_equal(spill.read_frame(found), frame)


def test_a_restored_frame_can_be_written_to(tmp_path: Path) -> None:
    frame = spill.read_frame(spilled(FRAMES["mixed columns"](), tmp_path))
    frame.loc[0, "id"] = 99
    frame.loc[0, "ok"] = False
    assert frame.loc[0, "id"] == 99
