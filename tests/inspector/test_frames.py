import datetime as dt
import os
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.frame_info import FrameInfo, frame_path
from osiris_inspect.inspector.tables import parquet_preview as frames
from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader
from osiris_inspect.model.errors import SpillCorrupt, UnsafePath
from osiris_inspect.model.redaction import mask_by_pattern
from tests.inspector.making import run_dir
from tests.samples import SAMPLES


def frame_info(path: Path) -> FrameInfo:
    with ParquetFrameReader(path) as frame:
        return frame.info


KINDS = {
    "whole": pa.array([1, None, 3]),
    "text": pa.array(["a", "b\x1b[31m", None]),
    "bytes": pa.array([b"\x00\xff", None, b""]),
    "money": pa.array([Decimal("1.50"), None, Decimal("-2.25")]),
    "nanoseconds": pa.array([0, 1, None], pa.timestamp("ns", tz="Europe/Prague")),
    "far": pa.array([2**62, None, 0], pa.timestamp("us")),
    "day": pa.array([dt.date(2026, 1, 31), None, dt.date.min]),
    "time": pa.array([1, 2, None], pa.time64("ns")),
    "list": pa.array([[1, None], [], None]),
    "record": pa.array([{"a": 1}, None, {"a": None}]),
    "category": pa.array(["x", "x", None]).dictionary_encode(),
    "nothing": pa.nulls(3),
    "truth": pa.array([True, False, None]),
    "not a number": pa.array([float("nan"), float("inf"), None]),
}


def written(path: Path, rows: int, group: int) -> Path:
    table = pa.table({"number": range(rows), "text": [f"row {number}" for number in range(rows)]})
    parquet.write_table(table, path, row_group_size=group)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_every_kind_have_a_text_and_a_null_has_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "output.parquet"
    parquet.write_table(pa.table({kind: KINDS[kind]}), path)
    with ParquetFrameReader(path) as frame:
        cells = [cell for (cell,) in frame.read_page(0, 10)]
    assert [cell is None for cell in cells] == [not value.is_valid for value in KINDS[kind]]
    assert frame.info.columns[0].nulls in (None, KINDS[kind].null_count)


@pytest.mark.parametrize("group", [1, 7, 100, 1_000])
@pytest.mark.parametrize(("begin", "count"), [(0, 5), (95, 10), (993, 50), (999, 1), (1_000, 5), (0, 1_000)])
def test_page_holds_the_rows_asked_for_whatever_the_row_groups(
    tmp_path: Path, group: int, begin: int, count: int
) -> None:
    with ParquetFrameReader(written(tmp_path / "output.parquet", 1_000, group)) as frame:
        page = frame.read_page(begin, count)
    assert [int(number or 0) for number, _ in page] == list(range(begin, min(begin + count, 1_000)))


def test_page_of_a_large_row_group_is_read_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "WHOLE_GROUP", 100)
    monkeypatch.setattr(frames, "_BATCH_ROWS", 64)
    with ParquetFrameReader(written(tmp_path / "output.parquet", 1_000, 1_000)) as frame:
        assert [number for number, _ in frame.read_page(500, 3)] == ["500", "501", "502"]
        assert [number for number, _ in frame.read_page(60, 8)] == [str(number) for number in range(60, 68)]
        assert frame._chunk is not None
        assert frame._chunk.num_rows <= 64


def test_only_the_named_columns_are_read(tmp_path: Path) -> None:
    with ParquetFrameReader(written(tmp_path / "output.parquet", 10, 5)) as frame:
        assert frame.read_page(4, 2, ["text"]) == [("row 4",), ("row 5",)]
        assert frame.read_page(4, 1) == [("4", "row 4")]


def test_statistics_tell_nulls_and_bounds_without_a_row(tmp_path: Path) -> None:
    path = tmp_path / "output.parquet"
    parquet.write_table(pa.table({"year": [1994, None, 2010, None]}), path, row_group_size=2)
    (column,) = frame_info(path).columns
    assert (column.type, column.nulls, column.low, column.high) == ("int64", 2, "1994", "2010")


def test_sample_tells_both_what_the_worker_had_and_what_lies_on_disk() -> None:
    (run,) = (SAMPLES / "all_spilled").glob("run_*")
    facts = frame_info(frame_path(load(run), "extract-movies"))
    assert (facts.rows, facts.recorded_rows) == (14, 14)
    assert [(column.name, column.dtype) for column in facts.columns][1] == ("title", "str")


@pytest.mark.parametrize(
    ("schema", "dtype", "rows"),
    [
        ('{"number": "int64", "text": "object"}', "int64", None),
        ('{"row_count": 3, "dtypes": ["Int32", "object"]}', "Int32", 3),
        ('{"row_count": "many", "dtypes": 7}', None, None),
        ("[1]", None, None),
        ("{torn", None, None),
    ],
)
def test_schema_of_every_form_is_read_and_a_broken_one_left_out(
    tmp_path: Path, schema: str, dtype: str | None, rows: int | None
) -> None:
    path = written(tmp_path / "output.parquet", 3, 3)
    (tmp_path / "schema.json").write_text(schema)
    facts = frame_info(path)
    assert (facts.columns[0].dtype, facts.recorded_rows) == (dtype, rows)


@pytest.mark.parametrize("cut", [0, 1, 4, 8, 100, -1, -4, -8, -100])
def test_file_that_was_cut_is_said_to_be_damaged(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "output.parquet", 100, 10)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SpillCorrupt, match=r"output\.parquet (is empty|cannot be read)"):
        frame_info(path)


@pytest.mark.parametrize("begin", range(0, 3_000, 250))
def test_damaged_bytes_are_said_or_read_never_another_error(tmp_path: Path, begin: int) -> None:
    path = written(tmp_path / "output.parquet", 500, 100)
    content = bytearray(path.read_bytes())
    content[begin : begin + 60] = b"\xa5" * len(content[begin : begin + 60])
    path.write_bytes(content)
    with suppress(SpillCorrupt), ParquetFrameReader(path) as frame:
        assert len(frame.read_page(0, 500)) == 500


def test_missing_file_and_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(SpillCorrupt, match="is not there"):
        frame_info(tmp_path / "output.parquet")
    with pytest.raises(SpillCorrupt, match="cannot be read"):
        frame_info(tmp_path)


@pytest.mark.parametrize("place", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_schema_that_is_no_file_is_left_out(tmp_path: Path, place: Callable[[Path], None]) -> None:
    file = written(tmp_path / "output.parquet", 3, 3)
    place(tmp_path / "schema.json")
    assert frame_info(file).rows == 3
    assert frame_info(file).recorded_rows is None


def test_deeply_nested_schema_is_left_out(tmp_path: Path) -> None:
    file = written(tmp_path / "output.parquet", 3, 3)
    (tmp_path / "schema.json").write_text('{"dtypes":' * 3000 + "1" + "}" * 3000)
    assert frame_info(file).recorded_rows is None


@pytest.mark.parametrize("place", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_frame_that_is_no_file_is_refused(tmp_path: Path, place: Callable[[Path], None]) -> None:
    place(tmp_path / "output.parquet")
    with pytest.raises(
        SpillCorrupt, match=r"output\.parquet cannot be read: (not a regular file|a symbolic link)"
    ):
        ParquetFrameReader(tmp_path / "output.parquet")


def test_frame_behind_a_link_out_of_the_run_is_refused(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "runs", [{"event": "step_start", "step_id": "a"}])
    (tmp_path / "elsewhere").mkdir()
    (run / "artifacts").mkdir()
    (run / "artifacts" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafePath):
        frame_path(load(run), "a")


def test_long_cell_with_secret_across_cut_is_masked(tmp_path: Path) -> None:
    cells = ["x" * before + " mysql://root:Zq7kTrv9PxLm@db" for before in range(1_970, 2_000)]
    parquet.write_table(pa.table({"a": cells}), tmp_path / "output.parquet")
    with ParquetFrameReader(tmp_path / "output.parquet") as frame:
        shown = [cell or "" for (cell,) in frame.read_page(0, 30)]
    assert len(shown) == 30
    assert "root:Z" not in mask_by_pattern("\n".join(shown))
