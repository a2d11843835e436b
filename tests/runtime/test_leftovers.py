"""Temporary files of killed processes are removed by a process that survives, and those in use stay."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from osiris_inspect.runtime.files.atomic_replace import replace_file
from osiris_inspect.runtime.files.beneath import opened_folder, replace_beneath
from osiris_inspect.runtime.files.leftovers import remove_stale_parts, remove_stale_reserves
from tests.runtime.faulty import REPO
from tests.runtime.runs import events_of, faulty, make_run

STALE = ".out.csv.0123456789abcdef.part"
WRITER = """
import os, signal, sys
from pathlib import Path
from osiris_inspect.runtime.files.atomic_replace import replace_file
with replace_file(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _parts(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".*.part")]


def _written_beside(text: str, target: Path) -> str:
    """Return a pipeline whose second step writes a file."""
    step = "  - id: write\n    component: filesystem.csv_writer\n    needs: [second]\n"
    return f"{text}{step}    config: {{path: {target}}}\n"


def test_host_removes_files_of_killed_worker(tmp_path: Path) -> None:
    target = tmp_path / "out" / "out.csv"
    target.parent.mkdir()
    target.write_text("old")
    text = _written_beside(faulty("kill_9_while_writing", path_outside=str(target)), target)
    outcome = make_run(tmp_path, "none", text=text)
    (removed,) = [event for event in events_of(outcome.path) if event["event"] == "leftovers_removed"]
    assert outcome.status == "failed"
    assert removed["paths"][0] == "artifacts/first/output.parquet.tmp"
    assert len(removed["paths"]) == 2
    assert not _parts(target.parent)
    assert not list(outcome.path.rglob("*.tmp"))
    assert target.read_text() == "old"


def test_run_without_leftovers_records_none(tmp_path: Path) -> None:
    names = [event["event"] for event in events_of(make_run(tmp_path).path)]
    assert "leftovers_removed" not in names


def test_next_run_removes_files_of_killed_host(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    subprocess.run([sys.executable, "-c", WRITER, str(target)], cwd=REPO, check=False)
    assert len(_parts(tmp_path)) == 1
    removed = remove_stale_parts([target])
    assert len(removed) == 1
    assert not _parts(tmp_path)


def test_file_in_use_is_not_removed(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with replace_file(target) as part:
        part.write_text("new")
        assert remove_stale_parts([target]) == []
    assert target.read_text() == "new"


def test_only_regular_files_of_this_form_are_removed(tmp_path: Path) -> None:
    for name in ("part", ".part", "out.csv.part", ".out.csv.part"):
        (tmp_path / name).write_text("mine")
    os.mkfifo(tmp_path / STALE)
    (tmp_path / STALE.replace("0", "1")).symlink_to(tmp_path / "part")
    assert remove_stale_parts([tmp_path / "out.csv"]) == []


def test_missing_folder_has_no_leftovers(tmp_path: Path) -> None:
    assert remove_stale_parts([tmp_path / "missing" / "out.csv"]) == []


def test_file_that_is_downloaded_is_no_leftover(tmp_path: Path) -> None:
    with opened_folder(tmp_path) as folder, replace_beneath(folder, "out.csv") as descriptor:
        os.write(descriptor, b"whole")
        assert remove_stale_parts([tmp_path / "out.csv"]) == []
    assert (tmp_path / "out.csv").read_bytes() == b"whole"
    assert not _parts(tmp_path)


def test_reserve_of_killed_run_is_removed_by_next_run(tmp_path: Path) -> None:
    killed, running = tmp_path / "logs" / "run_1000000000000", tmp_path / "logs" / "run_1000000000001"
    for run in (killed, running):
        run.mkdir(parents=True)
        (run / "events.jsonl").write_text("")
        (run / ".reserve").write_bytes(bytes(1000))
    with (running / "events.jsonl").open("rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        remove_stale_reserves(tmp_path / "logs")
        assert (running / ".reserve").exists()
    assert not (killed / ".reserve").exists()
    outcome = make_run(tmp_path, "none", text=faulty("return", words="rows"))
    assert outcome.path.parent == running.parent
    assert not (running / ".reserve").exists()
