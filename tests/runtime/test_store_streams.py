"""A frame that comes as a stream of Arrow batches goes to disk as it comes."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError, InputNotFound, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from tests.runtime.failing_disk import FailingDisk, Fault

SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.string())])


def batches(number: int, rows: int = 1000) -> Iterator[pa.RecordBatch]:
    for place in range(number):
        numbers = pa.array(range(place * rows, (place + 1) * rows), pa.int64())
        yield pa.RecordBatch.from_arrays([numbers, numbers.cast(pa.string())], schema=SCHEMA)


def stream(some: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(SCHEMA, some)


def numbers(store: FrameStore) -> list[int]:
    return list(store.resolve("next", "df", InputRef("extract")).to_pandas()["n"])


@pytest.mark.parametrize(("number", "place"), [(0, "memory"), (2, "memory"), (3, "spill"), (300, "spill")])
def test_a_stream_is_kept_where_its_rows_want_it(tmp_path: Path, number: int, place: str) -> None:
    store = FrameStore(tmp_path, SpillPolicy(threshold=2000))
    kept = store.put("extract", {"df": stream(batches(number))})
    assert (kept.storage, kept.rows) == (place, number * 1000)
    assert numbers(store) == list(range(number * 1000))


@pytest.mark.parametrize("rows", [1, 7, 131_071, 131_072, 131_073])
def test_batches_of_any_size_give_the_fingerprint_of_the_whole(tmp_path: Path, rows: int) -> None:
    number = max(1, 262_145 // rows) if rows > 100 else 20
    streamed = FrameStore(tmp_path / "a", SpillPolicy(threshold=0)).put(
        "extract", {"df": stream(batches(number, rows))}
    )
    whole = pa.Table.from_batches(batches(number, rows))
    assert (
        FrameStore(tmp_path / "b", SpillPolicy(threshold=10**9)).put("extract", {"df": whole}).fingerprint
        == streamed.fingerprint
    )


def test_a_stream_over_the_budget_goes_to_disk(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy(budget_bytes=50_000))
    assert store.put("extract", {"df": stream(batches(20))}).storage == "spill"
    assert store.total_size().memory_bytes == 0


def test_a_stream_goes_to_disk_where_other_frames_fill_the_budget(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, SpillPolicy(budget_bytes=500_000))
    assert store.put("first", {"df": stream(batches(15))}).storage == "memory"
    assert store.put("second", {"df": stream(batches(18))}).storage == "spill"
    assert store.total_size().memory_bytes <= 500_000


def test_a_stream_is_read_no_further_than_a_slice_ahead(tmp_path: Path) -> None:
    handed: list[int] = []
    alive: list[int] = []

    def watched() -> Iterator[pa.RecordBatch]:
        for batch in batches(40, 50_000):
            handed.append(len(batch))
            alive.append(pa.total_allocated_bytes())
            yield batch

    start = pa.total_allocated_bytes()
    FrameStore(tmp_path, SpillPolicy(threshold=0)).put("extract", {"df": stream(watched())})
    assert sum(handed) == 2_000_000
    assert max(alive) - start < 20_000_000  # the whole is 46 MB


def test_a_stream_that_breaks_off_is_the_drivers_error(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from batches(5)
        raise OSError("connection lost")

    store = FrameStore(tmp_path, SpillPolicy(threshold=0))
    with pytest.raises(DriverError, match="after 5,000 rows: connection lost"):
        store.put("extract", {"df": stream(broken())})
    with pytest.raises(InputNotFound):
        store.resolve("next", "df", InputRef("extract"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_stream_stays_in_memory_where_the_disk_has_no_room(tmp_path: Path) -> None:
    disk = FailingDisk()
    disk.fault = "no room"
    store = FrameStore(tmp_path, SpillPolicy(threshold=0), disk=disk)
    assert store.put("extract", {"df": stream(batches(5))}).storage == "memory"
    assert numbers(store) == list(range(5000))


@pytest.mark.parametrize("fault", ["no room after a while", "cannot sync", "cannot rename"])
def test_a_stream_that_the_disk_refuses_halfway_is_a_named_error(tmp_path: Path, fault: Fault) -> None:
    disk = FailingDisk()
    disk.fault = fault
    store = FrameStore(tmp_path, SpillPolicy(threshold=0), disk=disk)
    with pytest.raises(SpillFailed, match="'extract'"):
        store.put("extract", {"df": stream(batches(5))})
    assert store.held_steps() == ()
