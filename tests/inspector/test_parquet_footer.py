"""Null counts from the footer of a Parquet file: those of the library, and nothing from a damaged file."""

import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.tables.parquet_footer import null_counts
from osiris_inspect.runtime.frames.store import FrameStore
from tests.runtime.driving import STORAGES
from tests.runtime.frames_of_every_kind import FRAMES

TABLE = pa.table(
    {
        "id": range(100),
        "half": [None, 1.5] * 50,
        "nan": [float("nan")] * 100,
        "none": pa.array([None] * 100, pa.string()),
        "at": pa.array([None, *range(99)], pa.timestamp("us")),
        "nested": [{"a": 1}, None] * 50,
    }
)
COUNTS = {"id": 0, "half": 50, "nan": 100, "none": 100, "at": 1, "nested.a": 50}


@pytest.mark.parametrize("options", [{}, {"row_group_size": 7}, {"version": "1.0"}, {"compression": "zstd"}])
def test_nulls_are_those_of_every_row_group(tmp_path: Path, options: dict[str, object]) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet", **options)
    assert null_counts(RunFiles(tmp_path), "t.parquet") == (100, COUNTS)


def test_column_without_statistics_is_unknown(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet", write_statistics=["id"])
    found = null_counts(RunFiles(tmp_path), "t.parquet")
    assert found is not None
    assert (found[1]["id"], found[1]["none"]) == (0, None)


def test_file_of_the_original_is_read(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.0, None], "b": ["x", None]}).to_parquet(tmp_path / "t.parquet")
    assert null_counts(RunFiles(tmp_path), "t.parquet") == (2, {"a": 1, "b": 1})


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", FRAMES)
def test_spill_of_every_kind_of_frame_is_read(tmp_path: Path, name: str) -> None:
    stored = FrameStore(tmp_path, STORAGES["spill"]).put("s", {"df": FRAMES[name]()})
    found = null_counts(RunFiles(tmp_path), (stored.parquet or ""))
    assert found is not None
    assert found[0] == stored.rows


def test_damaged_file_has_no_counts_and_raises_nothing(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    whole, chance = (tmp_path / "t.parquet").read_bytes(), random.Random(7)
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged) // 2, len(damaged))] = chance.randrange(256)
        (tmp_path / "d.parquet").write_bytes(
            damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])]
        )
        null_counts(RunFiles(tmp_path), "d.parquet")
    assert null_counts(RunFiles(tmp_path), "nowhere.parquet") is None
