"""A file that was cut, changed, exchanged or removed is known before a value of it is handed out."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import xxhash
from pandas.testing import assert_frame_equal

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from tests.runtime.frames_of_every_kind import FRAMES

FRAME = pd.concat([FRAMES["mixed columns"]()] * 50)
FOLDER = "artifacts/step"
READERS: dict[str, Callable[[SpillFile], object]] = {
    "frame": spill.read_frame,
    "arrow": spill.read_arrow,
    "batches": lambda spilled: spill.read_batches(spilled, 10).read_all(),
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pristine")
    spill.write_spill(root, "step", frames.plan_pandas(FRAME), 0, Filesystem())
    return root


@pytest.fixture
def root(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine, tmp_path / "run")
    return tmp_path / "run"


def read(root: Path, reader: str = "frame") -> object:
    found = spill.find_spill(root, "step")
    assert found is not None
    return READERS[reader](found)


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << (place % 8)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(40))
def test_a_single_flipped_bit_is_never_handed_out(root: Path, seed: int) -> None:
    path = root / FOLDER / random.Random(seed).choice(["output.parquet", "index.parquet"])
    flip(path, random.Random(seed).randrange(path.stat().st_size))
    with pytest.raises(SpillCorrupt, match=path.name):
        read(root)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kept", [0, 1, 4, 0.5, 0.99])
def test_a_file_that_was_cut_is_named(root: Path, kept: float, reader: str) -> None:
    path = root / FOLDER / "output.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(SpillCorrupt, match=r"output\.parquet holds"):
        read(root, reader)


@pytest.mark.parametrize("name", ["output.parquet", "index.parquet"])
def test_a_file_that_is_gone_is_named(root: Path, name: str) -> None:
    (root / FOLDER / name).unlink()
    with pytest.raises(SpillCorrupt, match=f"{name} is missing"):
        read(root)


def test_the_file_of_another_frame_of_the_same_shape_is_known(root: Path, tmp_path: Path) -> None:
    other = FRAME.assign(id=FRAME["id"] + 1)
    spill.write_spill(tmp_path / "other", "step", frames.plan_pandas(other), 0, Filesystem())
    shutil.copy(tmp_path / "other" / FOLDER / "output.parquet", root / FOLDER / "output.parquet")
    with pytest.raises(SpillCorrupt, match=r"output\.parquet"):
        read(root)


def test_a_foreign_parquet_file_is_known(root: Path) -> None:
    FRAME.to_parquet(root / FOLDER / "output.parquet")
    with pytest.raises(SpillCorrupt):
        read(root)


def test_without_its_commit_mark_there_is_no_spill(root: Path) -> None:
    (root / FOLDER / "schema.json").unlink()
    assert spill.find_spill(root, "step") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"row_count": 1}',
        b'{"a": "int64"}',
        b'{"format": 99, "restore": {}}',
        b"\xff\xfe",
    ],
)
def test_a_schema_file_that_is_not_ours_is_named(root: Path, content: bytes) -> None:
    (root / FOLDER / "schema.json").write_bytes(content)
    with pytest.raises(SpillCorrupt, match=r"schema\.json"):
        spill.find_spill(root, "step")


@pytest.mark.parametrize("seed", range(60))
def test_a_changed_schema_file_gives_the_frame_or_a_named_error(root: Path, seed: int) -> None:
    path = root / FOLDER / "schema.json"
    flip(path, random.Random(seed).randrange(path.stat().st_size))
    try:
        found = spill.find_spill(root, "step")
        assert found is not None
        frame = spill.read_frame(found)
    except SpillCorrupt:
        return
    assert_frame_equal(frame, FRAME)


def test_a_schema_file_names_no_file_outside_its_folder(root: Path, tmp_path: Path) -> None:
    path = root / FOLDER / "schema.json"
    document = json.loads(path.read_bytes())
    document["files"]["../../../secret"] = document["files"].pop("index.parquet")
    del document["seal"]
    sealed = xxhash.xxh3_128(json.dumps(document, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(document | {"seal": sealed}))
    with pytest.raises(SpillCorrupt, match="do not belong to a spill"):
        spill.find_spill(root, "step")


@pytest.mark.parametrize("reader", READERS)
def test_a_damage_that_the_file_system_does_not_show_is_found_by_the_page_checksums(
    root: Path, reader: str
) -> None:
    """The hash is not tested again while size and times stay; pages are tested whenever they are read."""
    found = spill.find_spill(root, "step")
    assert found is not None
    path = root / FOLDER / "output.parquet"
    flip(path, 60)
    found.stat_cache["output.parquet"] = spill.stat_file(path)
    with pytest.raises(SpillCorrupt):
        READERS[reader](found)


def test_a_file_that_nobody_touched_is_not_read_again_to_test_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = spill.find_spill(root, "step")
    assert found is not None
    spill.verify(found)
    monkeypatch.setattr(spill, "hash_file", lambda path: pytest.fail(f"{path} was read again"))
    spill.verify(found)


def test_unsupported_read_of_arrow_spill_is_corrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = frames.plan_table(pa.table({"a": [1]}))
    found = spill.write_spill(tmp_path, "step", plan, 0, Filesystem())

    def fail(*_: object) -> None:
        raise pa.ArrowNotImplementedError("codec not built")

    monkeypatch.setattr(spill.ParquetTableReader, "column", fail)
    with pytest.raises(SpillCorrupt, match="codec not built"):
        spill.read_frame(found)
