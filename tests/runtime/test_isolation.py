"""What a sandboxed worker can reach of its host: what it was granted, and nothing else."""

import ast
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.proxy.proxy import run
from osiris_inspect.runtime.sandbox import bubblewrap, isolation
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.runs import (
    ENVIRONMENT,
    NAMES,
    TRANSPORTS,
    events_of,
    faulty,
    make_run,
    needs,
    order,
    status_of,
)

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

EVERYWHERE = pytest.mark.parametrize("on", NAMES)
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
    for what in ("file", "write", "signal", "environ", "network"):
        assert seen[what].startswith("refused"), (what, seen[what])
    assert not (tmp_path / "outside.txt.new").exists()


def test_without_isolation_all_of_it_is_in_reach_so_that_is_called_a_process(
    tmp_path: Path, neighbour: str, port: str
) -> None:
    seen = _seen(tmp_path, "none", neighbour, port)
    assert seen["file"] == "reached: 'of the host'"
    assert seen["network"] == "reached: 'connected'"
    assert Stdio(ENVIRONMENT, "none").mode == "process"
    assert Stdio(ENVIRONMENT, "none").isolation_level == "none"


@pytest.mark.parametrize("on", ["none", "landlock", "bwrap"])
def test_the_hosts_variables_do_not_reach_the_worker_by_any_way(
    tmp_path: Path, on: isolation.RequestedLevel, neighbour: str, port: str
) -> None:
    needs(on)
    transport = Stdio({**ENVIRONMENT, "SECRET_OF_THE_HOST": "x", "AWS_SECRET_ACCESS_KEY": "x"}, on)
    names = set(_seen(tmp_path, on, neighbour, port, transport)["variables"])
    assert not names & {"SECRET_OF_THE_HOST", "AWS_SECRET_ACCESS_KEY"}
    assert {"PATH", "TMPDIR"} <= names


def test_stdio_variable_with_similar_name_is_dropped() -> None:
    passed = {"LANG": "C", "LANGUAGE": "en", "LC_ALL": "C", "SSL_CERT_FILE": "/cert.pem"}
    secret = {"LANGCHAIN_API_KEY": "x", "LANGFUSE_SECRET_KEY": "x", "SSL_CERT_PASSWORD": "x"}
    assert Stdio({**passed, **secret}, "none")._environment == passed


def test_a_level_that_is_demanded_and_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        isolation, "unavailable_reason", lambda level: "not today" if level == "bwrap" else None
    )
    with pytest.raises(SettingsError, match="isolation 'bwrap' is not available: not today"):
        isolation.choose("bwrap")


def test_auto_takes_the_best_that_works_and_says_why_not_a_better_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("landlock")
    real = isolation.unavailable_reason
    monkeypatch.setattr(
        isolation, "unavailable_reason", lambda level: "not today" if level == "bwrap" else real(level)
    )
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
    reason = isolation.unavailable_reason.__wrapped__("bwrap")
    assert reason == "bwrap failed: setting up uid map: Permission denied"


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


def _steps(*steps: str) -> str:
    return 'oml_version: "0.1.0"\nname: files\nsteps:\n' + "".join(f"  - {step}\n" for step in steps)


def _copy(of: str, to: str, more: str = "") -> str:
    """A pipeline that reads one file and writes another."""
    return _steps(
        f"{{id: first, component: filesystem.csv_extractor, config: {{path: {of!r}}}}}",
        f"{{id: second, component: filesystem.csv_writer, needs: [first], config: {{path: {to!r}{more}}}}}",
    )


def _outside(tmp_path: Path, *names: str) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in names:
        (outside / name).write_text("a\n1\n")
    return outside


@EVERYWHERE
@pytest.mark.parametrize("to", ["../outside/new/deep/out.csv", "{outside}/new/out.csv", "../new/out.csv"])
def test_a_missing_folder_outside_is_made_and_the_file_is_there_after_the_run(
    tmp_path: Path, on: str, to: str
) -> None:
    outside = _outside(tmp_path, "in.csv")
    to = to.format(outside=outside)
    outcome = make_run(tmp_path / "base", on, text=_copy("../outside/in.csv", to, ", create_dirs: true"))
    assert outcome.status == "success", outcome.reason
    assert (tmp_path / "base" / to).read_text() == "a\n1\n"


@EVERYWHERE
def test_a_missing_folder_that_is_not_to_be_made_is_named(tmp_path: Path, on: str) -> None:
    text = _copy("movies.csv", "../outside/new/out.csv", ", create_dirs: false")
    _outside(tmp_path)
    outcome = make_run(tmp_path / "base", on, text=text)
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert "outside/new does not exist; set create_dirs: true" in failed["error"]


@EVERYWHERE
def test_a_folder_that_cannot_be_made_fails_its_step_and_the_reason_is_told(tmp_path: Path, on: str) -> None:
    _outside(tmp_path, "file")
    outcome = make_run(tmp_path / "base", on, text=_copy("movies.csv", "../outside/file/new/out.csv"))
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert failed["step_id"] == "second"
    assert "cannot write" in failed["error"]
    assert failed["error_info"]["kind"] == "path-not-writable"
    assert failed["error_info"]["facts"]["path"].endswith("outside/file/new/out.csv")


@ISOLATED
@pytest.mark.parametrize("place", ["{beside}", "/tmp", "/", "/dev", "/var"])
def test_a_write_where_nothing_was_granted_fails_and_says_so(tmp_path: Path, on: str, place: str) -> None:
    lost = Path(place.format(beside=tmp_path), f"of-{tmp_path.name}.csv")
    query = f"COPY (SELECT 1) TO '{lost}'; SELECT 1 AS a"
    text = _steps(
        f'{{id: first, component: duckdb.processor, config: {{allow_external: true, query: "{query}"}}}}'
    )
    outcome = make_run(tmp_path / "base", on, text=text)
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert re.search("Permission denied|Read-only file system|No such file", failed["error"])
    assert not lost.exists()


@ISOLATED
def test_file_in_root_is_written_without_grant(tmp_path: Path, on: str) -> None:
    out = Path(f"/of-{tmp_path.name}.csv")
    try:
        outcome = make_run(tmp_path / "base", on, text=_copy("movies.csv", str(out)))
        (started,) = [event for event in events_of(outcome.path) if event["event"] == "worker_started"]
        assert not {"/", str(out)} & {*started["grants"]["write"], *started["grants"]["read"]}
        assert out.exists() == (outcome.status == "success") == os.access("/", os.W_OK)
    finally:
        out.unlink(missing_ok=True)


@ISOLATED
def test_the_whole_file_system_is_no_folder_for_a_sandbox(tmp_path: Path, on: str) -> None:
    needs(on)
    asked = replace(order(tmp_path), base=Path("/"))
    outcome = run(asked, TRANSPORTS[on]())
    assert outcome.status == "failed"
    assert "its folder is '/'; set --base" in str(outcome.reason)


@EVERYWHERE
@pytest.mark.parametrize("to", ["/dev/null", "/dev/stderr"])
def test_a_device_can_be_written_and_the_worker_keeps_its_own(tmp_path: Path, on: str, to: str) -> None:
    assert make_run(tmp_path, on, text=_copy("movies.csv", to)).status == "success"
    assert Path("/dev/null").is_char_device()


@EVERYWHERE
@pytest.mark.parametrize(
    "of", ["../outside/in[1].csv", "../outside/x*.csv", "{outside}/?2.csv", "../*/x1.csv"]
)
def test_a_name_or_pattern_outside_means_the_same_files_everywhere(tmp_path: Path, on: str, of: str) -> None:
    outside = _outside(tmp_path, "in[1].csv", "x1.csv", "x2.csv")
    if "in[" not in of:
        (outside / "in1.csv").write_text("another\n1\n")
    outcome = make_run(tmp_path / "base", on, text=_copy(of.format(outside=outside), "out.csv"))
    assert outcome.status == "success", outcome.reason
    assert (tmp_path / "base/out.csv").read_text() == "a\n" + "1\n" * (2 if "x*" in of else 1)


@EVERYWHERE
def test_an_output_called_like_a_pattern_is_written_wherever_it_lies(tmp_path: Path, on: str) -> None:
    outside = _outside(tmp_path, "in.csv", "out1.csv")
    outcome = make_run(tmp_path / "base", on, text=_copy("../outside/in.csv", "../outside/out[12].csv"))
    assert outcome.status == "success", outcome.reason
    assert (outside / "out[12].csv").read_text() == "a\n1\n"


@EVERYWHERE
@pytest.mark.parametrize("name", ["../outside/in.csv", "in.csv"])
def test_a_file_can_be_read_and_then_written(tmp_path: Path, on: str, name: str) -> None:
    _outside(tmp_path, "in.csv")
    (tmp_path / "base").mkdir()
    (tmp_path / "base/in.csv").write_text("a\n1\n")
    outcome = make_run(tmp_path / "base", on, text=_copy(name, name))
    assert outcome.status == "success", outcome.reason


@EVERYWHERE
@pytest.mark.parametrize("link", ["relative", "absolute", "file"])
def test_symbolic_links_lead_where_they_lead_on_the_host(tmp_path: Path, on: str, link: str) -> None:
    outside = _outside(tmp_path, "in.csv", "old.csv")
    (outside / "old.csv").chmod(0o600)
    (tmp_path / "base").mkdir()
    (tmp_path / "base/relative").symlink_to("../outside")
    (tmp_path / "base/absolute").symlink_to(outside)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/in.csv").symlink_to(outside / "in.csv")
    (tmp_path / "links/old.csv").symlink_to("../outside/old.csv")
    folder = link if link != "file" else "../links"
    outcome = make_run(tmp_path / "base", on, text=_copy(f"{folder}/in.csv", f"{folder}/old.csv"))
    assert outcome.status == "success", outcome.reason
    assert (outside / "old.csv").read_text() == "a\n1\n"
    assert (outside / "old.csv").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "links/old.csv").is_symlink()


def test_code_in_the_pipelines_own_folder_cannot_be_changed_in_a_sandbox_of_bubblewrap(
    tmp_path: Path,
) -> None:
    needs("bwrap")
    (tmp_path / "code").mkdir()
    granted = SandboxPermissions(read=(tmp_path / "code",), write=(tmp_path,))
    command = ["sh", "-c", "echo > data && ! echo > code/changed"]
    done = subprocess.run(bubblewrap.command(granted, tmp_path, command), capture_output=True, check=False)
    assert (done.returncode, (tmp_path / "data").exists()) == (0, True), done.stderr
    assert not (tmp_path / "code/changed").exists()


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
        tmp_path, on, on_event=lambda _: modes.update(path.stat().st_mode for path in temporary.iterdir())
    )
    assert {mode & 0o777 for mode in modes} == {0o700}
    assert status_of(outcome.path)["ok"]
    assert not list(temporary.iterdir())


@EVERYWHERE
def test_socket_that_a_connection_names_is_reachable(tmp_path: Path, on: str) -> None:
    needs(on)
    path = tmp_path / "server" / "socket"
    path.parent.mkdir()
    connections = Connections({"first": {"unix_socket": str(path)}})
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(60)

        def greet() -> None:
            with server.accept()[0] as client:
                client.sendall(b"hello")

        greeting = threading.Thread(target=greet)
        greeting.start()
        outcome = make_run(tmp_path / "base", on, text=faulty("connect_to_socket"), connections=connections)
        greeting.join()
    assert outcome.status == "success", outcome.reason


@ISOLATED
def test_log_states_what_the_level_protects(tmp_path: Path, on: str) -> None:
    (tmp_path / ".env").touch()
    outcome = make_run(tmp_path, on)
    (started,) = [event for event in events_of(outcome.path) if event["event"] == "worker_started"]
    assert list(started["guarantees"]) == ["files", "network", "processes", "secrets"]
    partly = "partly: the names of hidden files can be listed, and modes and times of files can be changed"
    assert started["guarantees"]["files"] == (partly if on == "landlock" else "yes")
    assert str(tmp_path / ".env") in started["grants"]["hidden"]


LANDLOCK = """
import socket
import sys
from pathlib import Path
from osiris_inspect.runtime.sandbox import landlock
landlock.restrict([Path("/usr"), Path("/nowhere")], [Path(sys.argv[1])], [Path(sys.argv[4])], network=False)
if [path.name for path in Path(sys.argv[4]).iterdir()] != ["named"]:
    sys.exit("names were not read")
Path(sys.argv[1], "written").write_text("x")
for outside in (Path(sys.argv[2]), Path("/etc/passwd"), Path(sys.argv[4], "named")):
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
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / "named").write_text("x")
    words = [sys.executable, "-c", LANDLOCK, str(inside), str(outside), port, str(listed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (inside / "written").read_text() == "x"
