"""Put, then get, gives the frame back: whatever the threshold, whatever the disk does."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from osiris_inspect.model.errors import InputNotFound, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.frames import driver_result as results
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy, StoredFrame
from tests.runtime.failing_disk import FAULTS, FailingDisk, Fault
from tests.runtime.frames_of_every_kind import FRAMES

FRAME = FRAMES["mixed columns"]()
SPILLS = SpillPolicy(force_spill=True)


class Told:
    """What a store told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, fields: dict[str, Any]) -> None:
        self.events.append((name, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for found, fields in self.events if found == name]


@pytest.fixture
def told() -> Told:
    return Told()


def got(store: FrameStore, step: str = "extract") -> pd.DataFrame:
    return store.resolve("next", "df", InputRef(step)).to_pandas()


def rows(number: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(number)})


@pytest.mark.parametrize("threshold", [0, 1, 4, 5, 6, 10**9])
@pytest.mark.parametrize("force_spill", [False, True])
def test_what_is_put_is_got_back(tmp_path: Path, threshold: int, force_spill: bool) -> None:
    with FrameStore(tmp_path, SpillPolicy(force_spill, threshold)) as store:
        store.put("extract", {"df": FRAME})
        assert_frame_equal(got(store), FRAME)


@pytest.mark.parametrize(("number", "place"), [(99, "memory"), (100, "memory"), (101, "spill")])
def test_a_frame_spills_when_it_has_more_rows_than_the_threshold(
    tmp_path: Path, number: int, place: str
) -> None:
    store = FrameStore(tmp_path, SpillPolicy(threshold=100))
    assert store.put("extract", {"df": rows(number)}).storage == place
    assert store.location("extract") == place


def test_a_frame_without_rows_stays_in_memory_at_threshold_zero(tmp_path: Path) -> None:
    assert FrameStore(tmp_path, SpillPolicy(threshold=0)).put("extract", {"df": rows(0)}).storage == "memory"


def test_a_spill_is_told_with_its_artifacts(tmp_path: Path, told: Told) -> None:
    kept = FrameStore(tmp_path, SPILLS, told).put("extract", {"df": FRAME})
    assert told.names() == ["spill_write", "artifact_created", "artifact_created"]
    assert [event["path"] for event in told.of("artifact_created")] == [kept.parquet, kept.schema]
    assert all(event["step_id"] == "extract" for _, event in told.events)
    assert all(
        (tmp_path / event["path"]).stat().st_size == event["bytes"] for event in told.of("artifact_created")
    )


def test_a_column_sql_sees_in_another_type_is_told(tmp_path: Path, told: Told) -> None:
    frame = pd.DataFrame(
        {"took": pd.to_timedelta([1, 2], unit="s"), "what": pd.Series([1, "a"], dtype=object)}
    )
    FrameStore(tmp_path, SPILLS, told).put("extract", {"df": frame})
    assert [(event["column"], event["to"], event["lossless"]) for event in told.of("dtype_downgraded")] == [
        ("what", "large_string", True),
    ]


def test_a_value_that_cannot_be_restored_is_told(tmp_path: Path, told: Told) -> None:
    FrameStore(tmp_path, SPILLS, told).put("extract", {"df": FRAMES["objects of an unknown class"]()})
    assert [event["lossless"] for event in told.of("dtype_downgraded")] == [False]


@pytest.mark.parametrize("force_spill", [False, True])
def test_kept_describes_the_frame_alike_in_both_places(tmp_path: Path, force_spill: bool) -> None:
    kept = FrameStore(tmp_path, SpillPolicy(force_spill)).put("extract", {"df": FRAME, "note": "x"})
    assert (kept.rows, kept.columns) == (5, tuple(FRAME.columns))
    assert kept.dtypes == tuple(str(dtype) for dtype in FRAME.dtypes)
    assert kept.keys == {"df": "DataFrame", "note": "str"}
    assert (kept.parquet is not None) is force_spill


def test_a_frame_has_one_fingerprint_in_memory_and_on_disk(tmp_path: Path) -> None:
    memory = FrameStore(tmp_path / "a", SpillPolicy()).put("extract", {"df": FRAME})
    disk = FrameStore(tmp_path / "b", SPILLS).put("extract", {"df": FRAME})
    assert memory.fingerprint == disk.fingerprint
    assert memory.schema_hash == disk.schema_hash


# -- results that are no frame -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "returned nothing"),
        ({}, "an empty mapping"),
        ({"data": FRAME}, "'data': DataFrame, not 'df'"),
        ({"df": None}, "'df' as a NoneType"),
        ({"df": [1]}, "'df' as a list"),
        (FRAME, "a DataFrame, not a mapping"),
    ],
)
def test_a_result_without_a_frame_is_kept_and_its_kind_is_said(
    tmp_path: Path, result: Any, said: str
) -> None:
    kept = FrameStore(tmp_path, SPILLS).put("extract", result)
    assert (kept.storage, kept.rows) == ("none", None)
    assert said in kept.reason


@pytest.mark.parametrize(
    ("result", "advice"),
    [
        ({"data": FRAME, "n": 1}, "return the DataFrame under 'df' instead of 'data'"),
        ({"a": FRAME, "b": FRAME}, "return {'df': frame}, where frame is a DataFrame or an Arrow table"),
        (FRAME, "return {'df': frame}, where frame is a DataFrame or an Arrow table"),
        (None, "return {'df': frame}, where frame is a DataFrame or an Arrow table"),
    ],
)
def test_missing_frame_advice_names_wrong_key(result: Any, advice: str) -> None:
    assert results.missing_frame_advice(result) == advice


def test_a_frame_under_another_key_is_found_under_that_key(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SPILLS)
    store.put("extract", {"data": FRAME})
    assert_frame_equal(store.resolve("next", "df", InputRef("extract", "data")).to_pandas(), FRAME)


def test_a_mapping_is_kept_as_it_was_when_it_was_put(tmp_path: Path) -> None:
    result = {"df": rows(3)}
    store = FrameStore(tmp_path, SpillPolicy())
    store.put("extract", result)
    result["df"] = rows(1)
    assert len(got(store)) == 3


# -- resolving ---------------------------------------------------------------------------------------------------------


def tried(error: InputNotFound) -> list[tuple[str, str]]:
    return [(place["place"], place["outcome"]) for place in error.tried]


def test_a_missing_input_names_what_was_looked_at_and_what_is_there(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy())
    store.put("other", {"df": FRAME})
    with pytest.raises(InputNotFound) as error:
        store.resolve("next", "df", InputRef("extract"))
    assert tried(error.value) == [("memory", "absent"), ("spill", "absent")]
    assert error.value.present == ("other",)
    assert "artifacts/extract/schema.json" in str(error.value)


def test_a_driver_that_chose_another_key_is_named_at_its_consumer(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy())
    store.put("extract", {"data": FRAME})
    with pytest.raises(InputNotFound, match="'data': DataFrame, not 'df'"):
        store.resolve("next", "df", InputRef("extract"))


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_spill_is_an_input_not_found_that_names_the_damage(
    tmp_path: Path, damage: str, told: Told
) -> None:
    store = FrameStore(tmp_path, SPILLS, told)
    store.put("extract", {"df": FRAME})
    path = tmp_path / "artifacts/extract/output.parquet"
    hurt = {"cut": path.read_bytes()[:-9], "changed": path.read_bytes().replace(b"PAR1", b"PAR2")}
    path.unlink()
    if damage != "gone":
        path.write_bytes(hurt[damage])
    with pytest.raises(InputNotFound) as error:
        store.resolve("next", "df", InputRef("extract"))
    assert tried(error.value)[1] == ("spill", "damaged")
    assert not told.of("spill_read")[0]["ok"]


def test_a_spill_of_an_earlier_run_of_the_worker_is_found(tmp_path: Path) -> None:
    FrameStore(tmp_path, SPILLS).put("extract", {"df": FRAME})
    assert_frame_equal(got(FrameStore(tmp_path, SpillPolicy())), FRAME)


@pytest.mark.parametrize("force_spill", [False, True])
def test_a_resolved_input_says_where_it_was(tmp_path: Path, force_spill: bool) -> None:
    store = FrameStore(tmp_path, SpillPolicy(force_spill))
    store.put("extract", {"df": FRAME})
    found = store.resolve("next", "df", InputRef("extract"))
    assert found.location == ("spill" if force_spill else "memory")
    assert found.rows == 5
    assert found.attempts[-1]["outcome"] == "found"
    assert (found.parquet_path is not None) is force_spill


# -- two consumers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force_spill", [False, True])
def test_no_consumer_sees_what_another_writes(tmp_path: Path, force_spill: bool) -> None:
    store = FrameStore(tmp_path, SpillPolicy(force_spill))
    store.put("extract", {"df": FRAME})
    first = got(store)
    first.loc[0, "id"] = 99
    first["name"] = "changed"
    del first["amount"]
    first.attrs["mine"] = 1
    assert_frame_equal(got(store), FRAME)
    assert got(store).attrs == {}


@pytest.mark.parametrize("cell", [[1], {"a": 1}, {1}, bytearray(b"x"), np.array([1])])
@pytest.mark.parametrize("force_spill", [False, True])
def test_no_consumer_sees_what_another_writes_into_a_cell(
    tmp_path: Path, cell: Any, force_spill: bool
) -> None:
    frame = pd.DataFrame({"x": pd.Series([cell, None], dtype=object)})
    wanted = repr(cell)
    store = FrameStore(tmp_path, SpillPolicy(force_spill))
    store.put("extract", {"df": frame})
    first = got(store).loc[0, "x"]
    if isinstance(first, dict | set):
        first.clear()
    else:
        first[0] = 7
    assert repr(got(store).loc[0, "x"]) == wanted


def test_what_a_driver_writes_after_it_returned_is_not_kept(tmp_path: Path) -> None:
    store, frame = FrameStore(tmp_path, SpillPolicy()), FRAME.copy(deep=True)
    store.put("extract", {"df": frame})
    frame.loc[0, "id"] = 99
    assert_frame_equal(got(store), FRAME)


# -- a disk that fails -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["mixed columns", "an index of text", "numbers and text"])
def test_a_spill_that_fails_keeps_the_frame_and_says_so(
    tmp_path: Path, told: Told, fault: Fault, name: str
) -> None:
    disk, frame = FailingDisk(), FRAMES[name]()
    disk.fault = fault
    store = FrameStore(tmp_path, SPILLS, told, disk=disk)
    kept = store.put("extract", {"df": frame})
    assert kept.storage == "memory"
    assert "could not be spilled" in kept.reason
    assert told.names() == ["spill_failed"]
    assert_frame_equal(got(store), frame)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_spill_that_fails_leaves_nothing_behind(tmp_path: Path, fault: Fault) -> None:
    disk = FailingDisk()
    disk.fault = fault
    FrameStore(tmp_path, SPILLS, disk=disk).put("extract", {"df": FRAMES["an index of text"]()})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_spill_that_fails_does_not_leave_an_older_one_to_be_read(tmp_path: Path) -> None:
    disk = FailingDisk()
    FrameStore(tmp_path, SPILLS, disk=disk).put("extract", {"df": rows(3)})
    disk.fault = "no room after a while"
    store = FrameStore(tmp_path, SPILLS, disk=disk)
    store.put("extract", {"df": rows(4)})
    assert len(got(store)) == 4
    assert not (tmp_path / "artifacts/extract/schema.json").exists()


def test_an_older_spill_of_a_step_is_never_taken_for_what_it_put_last(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy(threshold=3))
    store.put("extract", {"df": rows(4)})
    store.put("extract", {"df": rows(2)})
    assert len(got(store)) == 2
    with pytest.raises(InputNotFound):
        got(FrameStore(tmp_path, SpillPolicy()))


def test_an_older_spill_is_not_found_once_a_step_put_no_frame(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SPILLS)
    store.put("extract", {"df": rows(4)})
    store.put("extract", None)
    with pytest.raises(InputNotFound):
        got(store)


# -- budget, release, capture ------------------------------------------------------------------------------------------


BUDGET = 23_000
"""Two frames of a thousand numbers, and room for most of a third."""


def budgeted(
    root: Path, told: Told, uses: Mapping[str, list[int]], disk: FailingDisk | None = None
) -> FrameStore:
    policy = SpillPolicy(budget_bytes=BUDGET)
    return FrameStore(root, policy, told, next_uses=uses, disk=disk)


def test_over_the_budget_the_frame_wanted_last_leaves(tmp_path: Path, told: Told) -> None:
    store = budgeted(tmp_path, told, {"a": [9], "b": [4], "c": [5]})
    for step in "abc":
        store.put(step, {"df": rows(1000)})
    assert [store.location(step) for step in "abc"] == ["spill", "memory", "memory"]
    assert store.total_size().memory_bytes <= BUDGET
    assert store.total_size().disk_bytes > 0


@pytest.mark.parametrize(("number", "places"), [(1, ["memory"]), (2, ["memory", "spill"])])
def test_room_is_kept_for_the_frame_that_is_being_made(
    tmp_path: Path, told: Told, number: int, places: list[str]
) -> None:
    """Three quarters of the budget are for what is held: a frame beside it is made before it is put."""
    store = FrameStore(tmp_path, SpillPolicy(budget_bytes=BUDGET), told, next_uses={"a": [1], "b": [2]})
    for step in "ab"[:number]:
        store.put(step, {"df": rows(2000)})
    assert [store.location(step) for step in "ab"[:number]] == places


def test_a_frame_nobody_wants_any_more_leaves_first(tmp_path: Path, told: Told) -> None:
    store = budgeted(tmp_path, told, {"a": [3], "b": [9], "c": [9]})
    store.put("a", {"df": rows(1000)})
    store.put("b", {"df": rows(1000)})
    store.mark_consumed("a", 3)
    store.put("c", {"df": rows(1000)})
    assert [store.location(step) for step in "abc"] == ["spill", "memory", "memory"]


def test_a_frame_that_was_put_last_may_be_the_one_that_leaves(tmp_path: Path, told: Told) -> None:
    store = budgeted(tmp_path, told, {"a": [3], "b": [4], "c": [9]})
    kept = [store.put(step, {"df": rows(1000)}) for step in "abc"][-1]
    assert (kept.storage, kept.reason) == ("spill", "over the memory budget")


def test_a_full_disk_beats_the_budget(tmp_path: Path, told: Told) -> None:
    disk = FailingDisk()
    disk.fault = "no room"
    store = budgeted(tmp_path, told, {}, disk)
    for step in "abcd":
        store.put(step, {"df": rows(1000)})
    assert [len(got(store, step)) for step in "abcd"] == [1000] * 4


def released(root: Path, told: Told) -> FrameStore:
    store = FrameStore(root, SpillPolicy(release_consumed=True), told, next_uses={"extract": [1, 2]})
    store.put("extract", {"df": FRAME})
    return store


def test_a_frame_is_released_after_its_last_consumer(tmp_path: Path, told: Told) -> None:
    store = released(tmp_path, told)
    store.mark_consumed("extract", 1)
    assert store.location("extract") == "memory"
    store.mark_consumed("extract", 2)
    assert store.location("extract") == "none"
    assert told.names() == ["frame_released"]
    assert store.total_size().memory_bytes == 0


def test_a_released_frame_is_said_to_be_released(tmp_path: Path, told: Told) -> None:
    store = released(tmp_path, told)
    store.mark_consumed("extract", 1)
    store.mark_consumed("extract", 2)
    with pytest.raises(InputNotFound, match="released after its last consumer"):
        got(store)


def test_nothing_is_released_unless_asked(tmp_path: Path, told: Told) -> None:
    store = FrameStore(tmp_path, SpillPolicy(), told, next_uses={"extract": [1]})
    store.put("extract", {"df": FRAME})
    store.mark_consumed("extract", 1)
    assert store.location("extract") == "memory"


def test_the_inputs_of_a_failed_step_can_be_read_in_another_process(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy())
    store.put("extract", {"df": FRAME})
    captured = store.capture(InputRef("extract"), "input of failed step 'compute'")
    assert captured is not None
    assert captured.path == "artifacts/extract/output.parquet"
    assert store.location("extract") == "memory"
    assert_frame_equal(got(FrameStore(tmp_path, SpillPolicy())), FRAME)


def test_an_input_that_is_on_disk_is_not_written_again(tmp_path: Path, told: Told) -> None:
    store = FrameStore(tmp_path, SPILLS, told)
    store.put("extract", {"df": FRAME})
    store.capture(InputRef("extract"), "input of failed step 'compute'")
    assert len(told.of("spill_write")) == 1


@pytest.mark.parametrize("key", ["data", "output", "index", "schema", "a.b", "../up", ""])
def test_a_frame_under_another_key_is_captured_beside_df(tmp_path: Path, key: str) -> None:
    other = FRAME.rename(columns=str.upper).set_index(FRAME.columns[0].upper())
    store = FrameStore(tmp_path, SPILLS)
    store.put("extract", {"df": FRAME, key: other})
    before = store.resolve("compute", "df", InputRef("extract", key)).fingerprint
    captured = store.capture(InputRef("extract", key), "input of failed step 'compute'")
    assert captured is not None
    assert captured.parquet.parent == tmp_path / "artifacts/extract"
    elsewhere = FrameStore(tmp_path, SpillPolicy())
    found = elsewhere.resolve("compute", "df", InputRef("extract", key))
    assert found.fingerprint == before
    assert_frame_equal(found.to_pandas(), other)
    assert_frame_equal(got(elsewhere), FRAME)
    assert store.capture(InputRef("extract", key), "again") is captured


def test_a_file_of_the_driver_is_not_overwritten_by_a_capture(tmp_path: Path) -> None:
    own = tmp_path / "artifacts/extract/data.parquet"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"the driver's")
    store = FrameStore(tmp_path, SpillPolicy())
    store.put("extract", {"data": FRAME})
    with pytest.raises(SpillFailed, match=r"the driver wrote a file 'data\.parquet'"):
        store.capture(InputRef("extract", "data"), "input of failed step 'compute'")
    assert own.read_bytes() == b"the driver's"


def test_a_frame_that_nobody_returned_is_not_captured(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy())
    store.put("extract", {"df": FRAME})
    assert store.capture(InputRef("extract", "data"), "why") is None
    assert store.capture(InputRef("absent"), "why") is None


def test_a_frame_in_memory_whose_file_was_damaged_is_spilled_anew(tmp_path: Path, told: Told) -> None:
    """It must not leave memory for a file that cannot be read."""
    store = FrameStore(
        tmp_path, SpillPolicy(budget_bytes=BUDGET), told, next_uses={"a": [9], "b": [1], "c": [1]}
    )
    store.put("a", {"df": rows(1000)})
    store.capture(InputRef("a"), "input of failed step 'compute'")
    (tmp_path / "artifacts/a/output.parquet").write_bytes(b"")
    for step in "bc":
        store.put(step, {"df": rows(1000)})
    assert store.location("a") == "spill"
    assert_frame_equal(got(store, "a"), rows(1000))
    assert [event["ok"] for event in told.of("spill_read")] == [False, True]


def test_a_closed_store_leaves_the_disk_as_it_is(tmp_path: Path) -> None:
    with FrameStore(tmp_path, SPILLS) as store:
        store.put("extract", {"df": FRAME})
    assert_frame_equal(got(FrameStore(tmp_path, SpillPolicy())), FRAME)


# -- Arrow -------------------------------------------------------------------------------------------------------------

TABLE = pa.table(
    {
        "n": pa.array([1, None, 2**62], pa.int64()),
        "s": pa.array(["a", None, "b"]),
        "t": pa.array([1, None, 3], pa.timestamp("s")),
        "d": pa.array([1, None, 3], pa.duration("ms")),
        "c": pa.array(["x", "y", None]).dictionary_encode(),
        "l": pa.array([[1], None, []], pa.list_(pa.int16())),
        "m": pa.array([(1, 2, 3), None, (0, 0, 0)], pa.month_day_nano_interval()),
    }
)


@pytest.mark.parametrize("force_spill", [False, True])
def test_an_arrow_table_is_one_frame_in_both_places(tmp_path: Path, force_spill: bool) -> None:
    store = FrameStore(tmp_path, SpillPolicy(force_spill))
    table = TABLE.drop_columns("m")
    store.put("extract", {"df": table})
    frame = got(store)
    assert frame["n"].dtype == "Int64"
    assert frame["n"].iloc[2] == 2**62
    assert frame["t"].dtype == "M8[s]"
    assert store.resolve("next", "df", InputRef("extract")).to_arrow().num_rows == 3


def test_every_arrow_type_comes_back_as_it_was(tmp_path: Path) -> None:
    from osiris_inspect.runtime.frames.conversion import frame as frames
    from osiris_inspect.runtime.frames.spill import spill_file as spill

    FrameStore(tmp_path, SPILLS).put("extract", {"df": TABLE})
    found = spill.find_spill(tmp_path, "extract")
    assert found is not None
    read = spill.read_arrow(found)
    again = frames.restore_arrow(found.document["restore"], found.rows, read.column, read.column)
    assert again.schema.types == TABLE.schema.types
    assert again.drop_columns("c").equals(TABLE.drop_columns("c"))
    assert again["c"].to_pylist() == TABLE["c"].to_pylist()


def test_kept_is_all_text_and_numbers(tmp_path: Path) -> None:
    import json
    from dataclasses import asdict

    kept: StoredFrame = FrameStore(tmp_path, SPILLS).put("extract", {"df": FRAME})
    assert json.loads(json.dumps(asdict(kept)))["rows"] == 5


class _Names(FailingDisk):
    """Remembers which folders were synced, and refuses to where it is told to."""

    def __init__(self) -> None:
        self.synced: list[str] = []
        self.refuses = False

    def sync_folder(self, folder: str) -> None:
        if self.refuses:
            raise OSError(errno.EIO, "Input/output error")
        self.synced.append(folder.rpartition("/")[2])


def test_the_names_of_all_spills_are_synced_when_the_store_is_closed(tmp_path: Path) -> None:
    disk = _Names()
    with FrameStore(tmp_path, SPILLS, disk=disk) as store:
        store.put("extract", {"df": FRAME})
        store.put("compute", {"df": FRAME})
        store.put("extract", {"df": FRAME})
        assert disk.synced == ["extract"]  # the older spill of the step must not come back after a power cut
    assert disk.synced == ["extract", "extract", "compute"]


def test_names_that_cannot_be_synced_are_told(tmp_path: Path, told: Told) -> None:
    disk = _Names()
    disk.refuses = True
    with FrameStore(tmp_path, SPILLS, told, disk=disk) as store:
        store.put("extract", {"df": FRAME})
    assert told.of("spill_unsynced") == [
        {
            "step_id": "extract",
            "path": "artifacts/extract/output.parquet",
            "reason": "the files were written, but a power cut may lose them",
            "error": "[Errno 5] Input/output error",
        }
    ]
    assert_frame_equal(got(FrameStore(tmp_path, SpillPolicy())), FRAME)
