"""``clean --shared`` removes what old runs left on a shared store, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from osiris_inspect.runtime.cluster.shared_runs import shared_runs
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from tests.cli.shell import Done, osiris_inspect

OLD, RECENT = "run_1759170586030", "run_1759170586031"


def _stored(shared: str) -> SharedStore:
    store = SharedStore(shared)
    for run in (OLD, RECENT, f"{OLD}5"):
        store.write(f"{run}/owner", b"host")
        store.write(f"{run}/frames/a/output.parquet", bytes(100))
    store.write("run_1759170586032/by hand", b"created by no host of a run")
    store.write("other/owner", b"no run")
    store.write("notes.txt", b"ours")
    return store


def _clean(shared: str, folder: Path, *words: str) -> Done:
    return osiris_inspect("clean", "--shared", shared, *words, cwd=folder)


def test_runs_of_store_are_listed(shared: str) -> None:
    before = time.time()
    runs = shared_runs(_stored(shared))
    assert sorted((run.name, run.files, run.bytes) for run in runs) == [
        (name, 2, 104) for name in (OLD, f"{OLD}5", RECENT)
    ]
    assert all(abs(run.written - before) < 60 for run in runs)


def test_run_is_removed_and_the_rest_stays(shared: str) -> None:
    store = _stored(shared)
    others = [key for key in store.keys("") if not key.startswith(f"{OLD}/")]
    store.delete(OLD)
    assert store.keys("") == others


def test_old_runs_are_removed(tmp_path: Path) -> None:
    store = _stored(str(tmp_path / "shared"))
    then = time.time() - 8 * 86_400
    for name in ("owner", "frames/a/output.parquet"):
        os.utime(tmp_path / "shared" / OLD / name, (then, then))
    os.utime(tmp_path / "shared" / RECENT / "owner", (then, then))
    others = [key for key in store.keys("") if not key.startswith(f"{OLD}/")]
    shown = _clean("shared", tmp_path, "--older-than", "7d")
    assert (shown.code, store.keys(OLD)) == (2, [f"{OLD}/frames/a/output.parquet", f"{OLD}/owner"])
    assert f"104 B  {OLD}\n" in shown.out
    assert f"runs to remove from {tmp_path}/shared: 1 of 3, 104 B\n" in shown.out
    done = _clean("shared", tmp_path, "--older-than", "7d", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, "removed")
    assert store.keys("") == others
    again = _clean("shared", tmp_path, "--older-than", "7d", "--yes")
    assert again.out.splitlines()[-1] == "nothing to remove"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--shared needs --older-than with an age of 1d or more"),
        (("--older-than", "23h"), "--shared needs --older-than with an age of 1d or more"),
        (("--older-than", "7"), "'7' is not an age"),
        (("--older-than", "7d", "--keep", "1GB"), "--shared takes neither a folder nor --keep"),
        (("logs", "--older-than", "7d"), "--shared takes neither a folder nor --keep"),
        (("--older-than", "7d"), "there is no folder 'missing'"),
    ],
)
def test_misuse_is_refused(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = _clean("missing", tmp_path, *words, "--yes")
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "missing").exists()
