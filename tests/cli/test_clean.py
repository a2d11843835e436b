"""``clean`` shows what it removes, asks, and touches neither running runs nor anything else."""

import fcntl
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.making import failing_locally, run_dir

DAY = 86_400


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with three runs, 1, 40 and 80 days old, and a cache."""
    for number, days in enumerate((80, 40, 1)):
        _age(_run(tmp_path, f"run_175917058603{number}"), days)
    index = tmp_path / "cache" / "osiris-inspect" / "indexes" / "1-2.index"
    index.parent.mkdir(parents=True)
    index.write_bytes(bytes(100))
    return tmp_path


def _run(folder: Path, name: str, *, size: int = 100_000) -> Path:
    files = {"status.json": {"ok": False}, "artifacts/a/x.bin": os.urandom(size)}
    return run_dir(folder / "logs", failing_locally("boom"), files=files, name=name)


def _age(folder: Path, days: float) -> None:
    then = time.time() - days * DAY
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))


def _clean(project: Path, *words: str) -> Done:
    return osiris_inspect("clean", *words, cwd=project, env={"XDG_CACHE_HOME": str(project / "cache")})


def _runs(project: Path) -> list[str]:
    return sorted(path.name[-1] for path in (project / "logs").iterdir())


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ([], "012"),
        (["--older-than", "30d"], "2"),
        (["--older-than", "8w"], "12"),
        (["--keep", "250kB"], "12"),
        (["--keep", "0"], ""),
        (["--older-than", "60d", "--keep", "150kB"], "2"),
    ],
    ids=" ".join,
)
def test_old_runs_are_removed(project: Path, words: list[str], left: str) -> None:
    done = _clean(project, "logs", *words, "--yes")
    assert done.code == 0
    assert "".join(_runs(project)) == left
    assert done.out.endswith("removed\n")


def test_nothing_is_removed_without_consent(project: Path) -> None:
    done = _clean(project, "--older-than", "30d")
    assert done.code == 2
    assert _runs(project) == ["0", "1", "2"]
    assert "runs to remove: 2 of 3" in done.out
    assert "run_1759170586030" in done.out
    assert "use --yes" in done.err


@pytest.mark.parametrize(("answer", "left"), [(b"y\n", "2"), (b"n\n", "012"), (b"\n", "012")])
def test_answer_on_terminal_decides(project: Path, answer: bytes, left: str) -> None:
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "osiris_inspect", "clean", "--older-than", "30d"]
    env = {**os.environ, "XDG_CACHE_HOME": str(project / "cache")}
    with subprocess.Popen(command, cwd=project, env=env, stdin=inner, stdout=subprocess.PIPE) as process:
        os.write(outer, answer)
        output = process.stdout.read() if process.stdout else b""
    os.close(inner)
    os.close(outer)
    assert b"remove all of this? [y/N]" in output
    assert "".join(_runs(project)) == left


def test_cache_is_removed_and_empty_folders_with_it(project: Path) -> None:
    assert _clean(project, "--yes").code == 0
    assert list((project / "cache").iterdir()) == []


def test_cache_in_use_is_kept_with_age(project: Path) -> None:
    assert _clean(project, "--older-than", "30d", "--yes").code == 0
    assert (project / "cache/osiris-inspect/indexes/1-2.index").exists()


def test_locked_run_is_never_removed(project: Path) -> None:
    with (project / "logs/run_1759170586030/events.jsonl").open("rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        done = _clean(project, "--keep", "0", "--yes")
    assert _runs(project) == ["0"]
    assert "kept because they are running" in done.out


@pytest.mark.parametrize(("hours", "has_status", "left"), [(0.5, True, "0"), (2, True, ""), (20, False, "0"), (30, False, "")])  # fmt: skip
def test_recently_written_run_is_kept(tmp_path: Path, hours: float, has_status: bool, left: str) -> None:
    run = _run(tmp_path, "run_1759170586030")
    if not has_status:
        (run / "status.json").unlink()
    _age(run, hours / 24)
    assert _clean(tmp_path, "--keep", "0", "--yes").code == 0
    assert "".join(_runs(tmp_path)) == left


def test_links_and_other_folders_stay(project: Path) -> None:
    outside = _run(project / "elsewhere", "run_1759170586039")
    _age(outside, 90)
    (project / "logs/link").symlink_to(project / "elsewhere" / "logs")
    (project / "logs/run_1759170586038").symlink_to(outside)
    (project / "logs/run_1759170586031/out").symlink_to(project / "elsewhere")
    kubernetes = project / "logs" / "deployment"
    kubernetes.mkdir()
    (kubernetes / "manifest.yaml").write_text("kind: Deployment\n")
    _age(kubernetes, 90)
    assert _clean(project, "logs", "--older-than", "1d", "--keep", "0", "--yes").code == 0
    assert (outside / "events.jsonl").exists()
    assert (kubernetes / "manifest.yaml").exists()
    assert sorted(path.name for path in (project / "logs").iterdir()) == ["deployment", "link", "run_1759170586038"]  # fmt: skip


def test_leftovers_of_killed_processes_are_removed(project: Path) -> None:
    reserve = project / "logs/run_1759170586030/.reserve"
    reserve.write_bytes(bytes(100))
    half_removed = project / "logs/.removed-0123456789abcdef"
    half_removed.mkdir()
    _age(reserve.parent, 80)
    done = _clean(project, "--yes")
    assert "files left by killed processes: 2" in done.out
    assert not reserve.exists()
    assert not half_removed.exists()
    assert _clean(project, "--yes").out.endswith("nothing to remove\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["logs/run_1759170586030"], 3, "is a run; name the folder"),
        (["nowhere"], 3, "no such file"),
        (["--older-than", "soon"], 2, "12h, 30d, 8w"),
        (["--keep", "much"], 2, "is not a size"),
    ],
)
def test_wrong_use_removes_nothing(project: Path, words: list[str], code: int, message: str) -> None:
    done = _clean(project, *words, "--yes")
    assert (done.code, message in done.err) == (code, True)
    assert _runs(project) == ["0", "1", "2"]


def test_folder_without_runs_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert _clean(tmp_path, "logs", "--keep", "0", "--yes").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_run_that_cannot_be_removed_is_named(project: Path) -> None:
    folder = project / "logs/run_1759170586030/artifacts/a"
    folder.chmod(0o500)
    done = _clean(project, "--keep", "0", "--yes")
    folder.parents[2].joinpath(".").chmod(0o700)
    for path in (project / "logs").rglob("a"):
        path.chmod(0o700)
    assert done.code == 1
    assert "cannot remove" in done.err
