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
        ("taken/out.csv", "correct the path: one of its folders is a file"),
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
