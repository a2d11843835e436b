"""What a sandboxed worker can reach of its host: what it was granted, and nothing else."""

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime import isolation
from osiris_inspect.runtime.transport import Transport
from osiris_inspect.runtime.transport.stdio import Stdio
from tests.runtime.runs import ENVIRONMENT, events_of, faulty, make_run, needs, status_of

pytestmark = pytest.mark.usefixtures("nothing_left")

ISOLATED = pytest.mark.parametrize("on", ["landlock", "bwrap"])


@pytest.fixture
def port() -> Iterator[str]:
    """A port of this machine that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@pytest.fixture
def neighbour() -> Iterator[str]:
    """Another process of the same user."""
    process = subprocess.Popen(["sleep", "60"], env={"NEIGHBOURS_SECRET": "x"})
    yield str(process.pid)
    process.kill()
    process.wait()


def _seen(tmp_path: Path, on: str, pid: str, port: str, transport: Transport | None = None) -> dict[str, Any]:
    outside = tmp_path / "outside.txt"
    outside.write_text("of the host")
    text = faulty("look_around", path_outside=str(outside), pid=pid, port=port)
    outcome = make_run(tmp_path / "base", on, text=text, transport=transport)
    assert outcome.status == "success", outcome.reason
    seen: dict[str, Any] = ast.literal_eval((outcome.path / "artifacts/first/seen.json").read_text())
    return seen


@ISOLATED
def test_host_files_other_processes_and_the_network_are_out_of_reach(
    tmp_path: Path, on: str, neighbour: str, port: str
) -> None:
    seen = _seen(tmp_path, on, neighbour, port)
    # a home shows the folders on the way to the interpreter at most
    assert "refused" in seen["list_home"] or not set(seen["list_home"].split("'")) & {
        "/root/.bashrc",
        "/root/.profile",
    }
    for what in ("file", "signal", "environ", "network"):
        assert seen[what].startswith("refused"), (what, seen[what])
    # Bubblewrap lets it write beside its own folder: into memory that goes with the sandbox
    assert seen["write"].startswith("refused" if on == "landlock" else "reached")
    assert not (tmp_path / "outside.txt.new").exists()


def test_without_isolation_all_of_it_is_in_reach_so_that_is_called_a_process(
    tmp_path: Path, neighbour: str, port: str
) -> None:
    seen = _seen(tmp_path, "none", neighbour, port)
    assert seen["file"] == "reached: 'of the host'"
    assert seen["network"] == "reached: 'connected'"
    assert Stdio(ENVIRONMENT, "none").mode == "process"
    assert Stdio(ENVIRONMENT, "none").isolation == "none"


@pytest.mark.parametrize("on", ["none", "landlock", "bwrap"])
def test_the_hosts_variables_do_not_reach_the_worker_by_any_way(
    tmp_path: Path, on: isolation.Wanted, neighbour: str, port: str
) -> None:
    needs(on)
    transport = Stdio({**ENVIRONMENT, "SECRET_OF_THE_HOST": "x", "AWS_SECRET_ACCESS_KEY": "x"}, on)
    names = set(_seen(tmp_path, on, neighbour, port, transport)["variables"])
    assert not names & {"SECRET_OF_THE_HOST", "AWS_SECRET_ACCESS_KEY"}
    assert {"PATH", "TMPDIR"} <= names


def test_a_level_that_is_demanded_and_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "why_not", lambda level: "not today" if level == "bwrap" else None)
    with pytest.raises(SettingsError, match="isolation 'bwrap' does not work here: not today"):
        isolation.choose("bwrap")


def test_auto_takes_the_best_that_works_and_says_why_not_a_better_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("landlock")
    real = isolation.why_not
    monkeypatch.setattr(isolation, "why_not", lambda level: "not today" if level == "bwrap" else real(level))
    outcome = make_run(tmp_path, "sandbox")
    (environment, *_) = [event for event in events_of(outcome.path) if event["event"] == "environment"]
    assert environment["isolation"] == "landlock"
    assert environment["isolation_declined"] == [{"level": "bwrap", "reason": "not today"}]
    card = (outcome.path / "artifacts/_system/run_card.json").read_text()
    assert '"isolation": "landlock"' in card
    assert "not today" in card


def test_a_bwrap_that_is_there_and_does_not_work_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    reason = isolation.why_not.__wrapped__("bwrap")
    assert reason == "bwrap was tried and failed: setting up uid map: Permission denied"


def test_a_file_the_pipeline_names_is_granted_wherever_it_lies(tmp_path: Path) -> None:
    needs("bwrap")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "in.csv").write_text("a\n1\n")
    text = (
        'oml_version: "0.1.0"\nname: copy\nsteps:\n'
        f"  - id: first\n    component: filesystem.csv_extractor\n    config: {{path: {outside}/in.csv}}\n"
        f"  - id: second\n    component: filesystem.csv_writer\n    needs: [first]\n    config: {{path: {outside}/out.csv}}\n"
    )
    for on in ("landlock", "bwrap"):
        assert make_run(tmp_path / on, on, text=text).status == "success"
        assert (outside / "out.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize("on", ["none", "landlock", "bwrap"])
def test_a_file_of_the_pipelines_folder_is_not_taken_for_a_module(tmp_path: Path, on: str) -> None:
    for name in ("json", "orjson", "pandas", "tests"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken for a module')")
    assert make_run(tmp_path, on).status == "success"


@pytest.mark.parametrize("on", ["none", "landlock", "bwrap"])
def test_a_workers_temporary_folder_is_for_its_user_alone_and_is_gone_after_the_run(
    tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    modes: set[int] = set()
    outcome = make_run(
        tmp_path, on, watch=lambda _: modes.update(path.stat().st_mode for path in temporary.iterdir())
    )
    assert {mode & 0o777 for mode in modes} == {0o700}
    assert status_of(outcome.path)["ok"]
    assert not list(temporary.iterdir())


LANDLOCK = """
import socket
import sys
from pathlib import Path
from osiris_inspect.runtime import landlock
landlock.restrict([Path("/usr"), Path("/nowhere")], [Path(sys.argv[1])], network=False)
Path(sys.argv[1], "written").write_text("x")
for outside in (Path(sys.argv[2]), Path("/etc/passwd")):
    try:
        outside.read_text()
    except PermissionError:
        continue
    sys.exit(f"{outside} was read")
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[3])), timeout=2)
except PermissionError:
    sys.exit(0)
sys.exit("connected")
"""


def test_landlock_leaves_a_process_what_it_was_granted_and_no_more(tmp_path: Path, port: str) -> None:
    needs("landlock")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.write_text("x")
    words = [sys.executable, "-c", LANDLOCK, str(inside), str(outside), port]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (inside / "written").read_text() == "x"
