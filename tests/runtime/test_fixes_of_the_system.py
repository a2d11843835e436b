"""Errors of the system are advised by their number or signal, not only by their kind."""

from pathlib import Path

import pandas as pd
import pytest

from osiris_inspect.model.errors import DriverError, WorkerLost
from osiris_inspect.runtime.proxy.failures import lost_worker, step_timeout
from tests.runtime.driving import context, drive, handed


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("x" * 300 + ".csv", "shorten the file name"),
    ],
)
def test_file_that_cannot_be_written_is_advised_by_errno(tmp_path: Path, path: str, fix: str) -> None:
    (tmp_path / "taken").write_text("")
    config = {"path": path, "create_dirs": True}
    with pytest.raises(DriverError) as caught:
        drive(
            "filesystem.csv_writer", config, context(tmp_path), df=handed(tmp_path, pd.DataFrame({"a": [1]}))
        )
    assert caught.value.fix == fix


@pytest.mark.parametrize("create_dirs", [True, False])
def test_file_in_place_of_a_folder_is_named(tmp_path: Path, *, create_dirs: bool) -> None:
    (tmp_path / "taken").write_text("")
    config = {"path": "taken/deep/out.csv", "create_dirs": create_dirs}
    with pytest.raises(DriverError) as caught:
        drive(
            "filesystem.csv_writer", config, context(tmp_path), df=handed(tmp_path, pd.DataFrame({"a": [1]}))
        )
    assert f"deep/out.csv: {tmp_path}/taken is a file, not a folder; correct the path" in str(caught.value)


@pytest.mark.parametrize(
    ("component", "content", "advice"),
    [
        ("filesystem.csv_extractor", b"SQLite format 3\0rest", "read it with sqlite.extractor if"),
        ("filesystem.csv_extractor", b"%PDF-1.7", "name a CSV file, or convert this one first"),
        ("filesystem.parquet_extractor", b"a,b\n1,2\n", "read it with filesystem.csv_extractor if"),
        ("filesystem.parquet_extractor", b"%PDF-1.7", "name a Parquet file, or convert"),
        ("sqlite.extractor", b"a,b\n1,2\n" * 99, "read it with filesystem.csv_extractor if"),
        ("sqlite.extractor", b"PAR1" + bytes(600) + b"PAR1", "read it with filesystem.parquet_extractor if"),
        ("sqlite.extractor", bytes(range(256)) * 4, "name a SQLite file, or convert"),
    ],
)
def test_file_of_another_format_names_its_extractor(
    tmp_path: Path, component: str, content: bytes, advice: str
) -> None:
    (tmp_path / "data").write_bytes(content)
    config = {"path": "data", **({"table": "t"} if component == "sqlite.extractor" else {})}
    with pytest.raises(DriverError) as caught:
        drive(component, config, context(tmp_path))
    assert (caught.value.kind, advice in str(caught.value.fix)) == ("file-format-wrong", True)


@pytest.mark.parametrize(
    ("signal", "fix"),
    [
        ("SIGXCPU", "CPU time"),
        ("SIGXFSZ", "file sizes"),
        ("SIGKILL", "memory"),
        ("SIGTERM", "what ended the process"),
        ("SIGABRT", "worker.log"),
    ],
)
def test_lost_worker_is_advised_by_signal(signal: str, fix: str) -> None:
    error = WorkerLost(f"killed by {signal}", signal=signal)
    assert fix in lost_worker(error, {}, {}).info["fix"]


def test_step_timeout_names_a_lock_as_one_reason() -> None:
    assert "lock" in step_timeout("load", 4.0).info["fix"]
