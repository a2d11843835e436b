"""Frames of older runs are removed after a run, if the user's settings say so, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from osiris_inspect.cli.support.old_frames import KeptRun, exceeding_runs
from osiris_inspect.cli.support.user_config import KeepLimits, keep_limits
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.frames.spill.remove_frames import frames_bytes, remove_frames
from tests.cli.shell import osiris_inspect
from tests.runtime.capturing import CAPTURING, pipeline
from tests.runtime.runs import make_run

PIPELINE = """\
oml_version: "0.1.0"
name: kept
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: a.csv}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "config/osiris-inspect/config.toml"
    file.parent.mkdir(parents=True)
    return file


def _run(
    name: str, age_s: float, size: int = 10, pipeline: str = "p", *, is_removable: bool = True
) -> KeptRun:
    return KeptRun(Path(name), pipeline, 1_000_000.0 - age_s, size, is_removable)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (KeepLimits(), []),
        (KeepLimits(runs=1), ["b", "d"]),
        (KeepLimits(runs=0), ["b", "c", "d"]),
        (KeepLimits(bytes=25), ["c", "d"]),
        (KeepLimits(age_s=25), ["c", "d"]),
        (KeepLimits(age_s=1_000, bytes=1_000, runs=9), []),
    ],
)
def test_runs_that_exceed_a_limit_are_the_oldest(limits: KeepLimits, expected: list[str]) -> None:
    runs = [
        _run("d", 40),
        _run("a", 10, is_removable=False),
        _run("empty", 15, size=0),
        _run("b", 20),
        _run("c", 30, pipeline="other"),
    ]
    assert [run.path.name for run in exceeding_runs(runs, limits, 1_000_000.0)] == expected


def test_only_the_files_of_frames_are_removed(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=pipeline("raise_error"), components=CAPTURING).path
    own = run / "artifacts/source/own.schema.json"
    own.write_text('{"files": {}}')
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "schema.json").write_text('{"files": {"output.parquet": {}}}')
    (outside / "output.parquet").write_text("x")
    (run / "artifacts/linked").symlink_to(outside)
    before = {path for path in run.rglob("*") if path.is_file()}
    size = frames_bytes(run)
    assert size > 0
    assert remove_frames(run) == size
    gone = {path.relative_to(run / "artifacts").as_posix() for path in before if not path.exists()}
    frames = ("source/output.parquet", "source/data.parquet", "early/output.parquet", "side/output.parquet")
    schemas = ("source/schema.json", "source/data.schema.json", "early/schema.json", "side/schema.json")
    assert gone == {*frames, *schemas}
    assert own.exists()
    assert (outside / "output.parquet").exists()
    assert frames_bytes(run) == 0


def test_run_removes_the_frames_of_older_runs(tmp_path: Path, config: Path) -> None:
    config.write_text("[keep]\nruns = 1\n")
    (tmp_path / "p.yaml").write_text(PIPELINE)
    (tmp_path / "a.csv").write_text("n\n1\n")
    old = tmp_path / osiris_inspect("run", "p.yaml", "--keep", "frames", "--quiet", cwd=tmp_path).out.strip()
    assert (old / "artifacts/read/output.parquet").exists()
    then = time.time() - 60
    for path in old.rglob("*"):
        os.utime(path, (then, then))
    done = osiris_inspect("run", "p.yaml", "--keep", "frames", cwd=tmp_path)
    assert "removed the frames of 1 older run, " in done.err
    assert not (old / "artifacts/read/output.parquet").exists()
    assert not (old / "artifacts/read/schema.json").exists()
    assert (old / "events.jsonl").exists()
    assert (tmp_path / done.out.strip() / "artifacts/read/output.parquet").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep = 3", "it takes runs, bytes and age"),
        ("[keep]\nweeks = 3", "it takes runs, bytes and age"),
        ("[keep]\nruns = -1", "write a number of runs"),
        ("[keep]\nruns = true", "write a number of runs"),
        ("[keep]\nage = 30", "write hours, days or weeks"),
        ("[keep]\nage = 'old'", "write hours, days or weeks"),
        ("[keep]\nbytes = 'much'", "is not a size"),
    ],
)
def test_limit_that_is_invalid_is_an_error(config: Path, text: str, words: str) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError, match=words):
        keep_limits()


def test_limits_are_read_from_the_settings(config: Path) -> None:
    assert keep_limits() is None
    config.write_text('[keep]\nruns = 20\nbytes = "5GB"\nage = "30d"\n')
    assert keep_limits() == KeepLimits(20, 5_000_000_000, 30 * 86_400)
