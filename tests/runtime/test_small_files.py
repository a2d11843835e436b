from pathlib import Path

import pytest

from osiris_inspect.runtime.files.atomic_write import read_bytes, write_atomic, write_plain


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, None)  # type: ignore[arg-type]  # what fails half-way
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


def test_a_file_that_is_written_at_once_gets_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "artifacts/a/cleaned_config.json"
    write_plain(str(path), b"a longer one")
    write_plain(str(path), b"new")
    assert read_bytes(str(path)) == b"new"


def test_nothing_stays_of_a_file_that_could_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_plain(str(tmp_path / "x"), None)  # type: ignore[arg-type]  # what fails half-way
    assert not list(tmp_path.iterdir())
