"""Files that drivers read and write: which ones are meant, and what becomes of the one that is replaced."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.files.atomic_replace import replace_file
from tests.runtime.driving import context, drive, handed

FRAME = pd.DataFrame({"a": [1]})
WRITERS = pytest.mark.parametrize("name", ["filesystem.csv_writer", "filesystem.parquet_writer"])


def write(folder: Path, name: str, path: str = "out") -> None:
    assert drive(name, {"path": path}, context(folder), df=handed(folder, FRAME)) == {"rows_written": 1}


def rows(path: Path, name: str) -> list[int]:
    frame = pd.read_csv(path) if "csv" in name else pd.read_parquet(path)
    return [int(value) for value in frame["a"]]


@pytest.fixture
def umask() -> Iterator[None]:
    """A umask that is nobody's default."""
    before = os.umask(0o027)
    yield
    os.umask(before)


@WRITERS
@pytest.mark.parametrize("there", [True, False], ids=["old file", "no file yet"])
def test_a_symbolic_link_stays_and_its_file_is_written(tmp_path: Path, name: str, *, there: bool) -> None:
    real = tmp_path / "real"
    real.mkdir()
    if there:
        (real / "data").write_text("old")
    (tmp_path / "out").symlink_to("real/data")
    write(tmp_path, name)
    assert str((tmp_path / "out").readlink()) == "real/data"
    assert rows(real / "data", name) == [1]
    assert [path.name for path in real.iterdir()] == ["data"]


@WRITERS
def test_missing_folders_are_made_where_a_link_leads(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").symlink_to("new/deep/data")
    write(tmp_path, name)
    assert rows(tmp_path / "new/deep/data", name) == [1]


@WRITERS
def test_a_link_to_itself_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(DriverError, match=r"cannot write .*out: Too many levels of symbolic links"):
        write(tmp_path, name)


@WRITERS
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666, 0o755])
@pytest.mark.usefixtures("umask")
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, name: str, mode: int) -> None:
    (tmp_path / "out").write_text("old")
    (tmp_path / "out").chmod(mode)
    write(tmp_path, name)
    assert (tmp_path / "out").stat().st_mode & 0o7777 == mode


@WRITERS
@pytest.mark.usefixtures("umask")
def test_a_new_file_gets_what_the_umask_leaves(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    assert (tmp_path / "out").stat().st_mode & 0o7777 == 0o640


def test_what_the_old_file_hides_nobody_reads_while_the_new_one_is_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    (tmp_path / "out").chmod(0o600)
    with replace_file(tmp_path / "out") as part:
        assert part.stat().st_mode & 0o777 == 0o600


@WRITERS
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_that_is_replaced_keeps_its_owner(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").write_text("old")
    os.chown(tmp_path / "out", 1234, 4321)
    write(tmp_path, name)
    found = (tmp_path / "out").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


@pytest.mark.parametrize(("mode", "left"), [(0o640, 0o600), (0o664, 0o644), (0o600, 0o600), (0o775, 0o755)])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_group_that_cannot_be_kept_leaves_another_group_what_everybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, left: int
) -> None:
    (tmp_path / "out").write_text("old")
    (tmp_path / "out").chmod(mode)
    os.chown(tmp_path / "out", 1234, 4321)

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refused)
    with replace_file(tmp_path / "out") as part:
        part.write_text("new")
    assert (tmp_path / "out").stat().st_mode & 0o777 == left


def test_two_writers_of_one_file_share_nothing_and_the_last_one_stands_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with replace_file(out) as one:
        with replace_file(out) as other:
            assert one != other
            one.write_text("one " * 1000)
            other.write_text("other")
        assert out.read_text() == "other"
    assert out.read_text() == "one " * 1000
    assert list(tmp_path.iterdir()) == [out]


def test_a_write_that_fails_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    before = out.stat()
    with pytest.raises(IsADirectoryError), replace_file(out):
        tmp_path.write_text("no file")
    assert (out.read_text(), out.stat()) == ("old", before)
    assert list(tmp_path.iterdir()) == [out]


@WRITERS
def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "ž" * 127)
    assert rows(tmp_path / ("ž" * 127), name) == [1]


def test_a_device_is_written_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, "filesystem.csv_writer", "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_an_open_descriptor_is_written_and_its_name_stays(tmp_path: Path) -> None:
    with (tmp_path / "behind").open("wb") as file:
        write(tmp_path, "filesystem.csv_writer", f"/dev/fd/{file.fileno()}")
    assert (tmp_path / "behind").read_text() == "a\n1\n"


@pytest.mark.parametrize("name", ["in[1].csv", "what?.csv", "*.csv"])
def test_a_file_called_like_a_pattern_is_that_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "in1.csv").write_text("a\n2\n")
    (tmp_path / name).write_text("a\n1\n")
    frame = drive("filesystem.csv_extractor", {"path": name}, context(tmp_path))["df"]
    assert frame["a"].tolist() == [1]


def test_only_columns_of_repeated_cells_have_a_dictionary(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": range(10_000), "city": ["Brno", "Praha"] * 5_000, "n": [1, 2] * 5_000, "a.b": 7}
    )
    config = {"path": "out.parquet"}
    drive("filesystem.parquet_writer", config, context(tmp_path), df=handed(tmp_path, frame))
    with pq.ParquetFile(tmp_path / "out.parquet") as file:
        group = file.metadata.row_group(0)
        columns = [group.column(number) for number in range(group.num_columns)]
    assert {column.path_in_schema: column.has_dictionary_page for column in columns} == {
        "id": False,
        "city": True,
        "n": True,
        "a.b": True,
    }
