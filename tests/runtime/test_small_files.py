import os
from pathlib import Path

import pytest

from osiris_inspect.runtime.files.atomic_write import write_atomic
from osiris_inspect.runtime.files.hashed_file import Filesystem


@pytest.mark.parametrize("sync", [True, False])
def test_failed_write_leaves_old_file(tmp_path: Path, *, sync: bool) -> None:
    path = tmp_path / "status.json"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, None, sync=sync)  # type: ignore[arg-type]  # what fails half-way
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


def test_write_creates_missing_folder(tmp_path: Path) -> None:
    path = tmp_path / "artifacts/a/cleaned_config.json"
    write_atomic(path, b"a longer one", sync=False)
    write_atomic(path, b"new", sync=False)
    assert path.read_bytes() == b"new"


def test_spill_without_umask_is_not_writable_by_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Filesystem().create(str(tmp_path / "output.parquet")).close()
    finally:
        os.umask(before)
    assert (tmp_path / "output.parquet").stat().st_mode & 0o777 == 0o600
