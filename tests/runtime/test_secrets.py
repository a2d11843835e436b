"""A secret that a run was given stands in no byte of what the run leaves, in whatever form."""

import base64
import io
import json
import logging
import resource
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.drivers.supabase.rest_errors import RequestRejected, raise_if_rejected
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.worker.message_writer import MessageWriter
from osiris_inspect.runtime.worker.worker import Worker
from osiris_inspect.runtime.worker.worker_log import WorkerLog
from tests.runtime.clouds import in_the
from tests.runtime.runs import NAMES, TRANSPORTS, events_of, faulty, make_run, needs

SECRET = 'pä"ss/wörd+&%\\ %41'
"""Every form it travels in is another one."""
pytestmark = pytest.mark.usefixtures("nothing_left")


def _forms() -> set[bytes]:
    texts = {
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET))[3:-3],
        repr(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        base64.b64encode(b"u:" + SECRET.encode()).decode().rstrip("=")[4:-4],
        SECRET.encode().hex(),
    }
    return {text.encode() for text in texts}


def _leaks(run: Path) -> list[tuple[str, bytes]]:
    files = [path for path in run.rglob("*") if path.is_file()]
    assert len(files) > 8
    return [(path.name, form) for path in files for form in _forms() if form in path.read_bytes()]


@pytest.mark.parametrize("on", [*NAMES, "e2b"])
def test_a_secret_in_config_error_traceback_sql_and_output_is_in_no_byte_of_the_run(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    needs(on)
    transport = in_the(request.getfixturevalue("cloud")) if on == "e2b" else TRANSPORTS[on]()
    connections = Connections({"first": {"host": "h", "password": SECRET}}, (SECRET,))
    text = faulty("spill_secret", words=SECRET, query=f"SELECT '{SECRET}'")
    outcome = make_run(
        tmp_path, on, text=text, transport=transport, artifact_policy="all", connections=connections
    )
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert failed["error"] in ("SELECT '***'", "SELECT ***")
    assert not _leaks(outcome.path)
    log = (outcome.path / "worker.log").read_text()
    assert "my password is ***" in log
    assert " - faulty - [step first] - INFO - my token is ***" in log


def test_the_driver_gets_the_secret_itself(tmp_path: Path) -> None:
    connections = Connections({"first": {"password": SECRET}}, (SECRET,))
    text = faulty("print_length", words=SECRET)
    outcome = make_run(tmp_path, "local", text=text, connections=connections)
    assert outcome.status == "success"
    log = (outcome.path / "worker.log").read_text()
    assert log == f"{len(SECRET)} characters, {len(SECRET)} in the connection\n"


def test_run_records_the_server_of_a_connection_only(tmp_path: Path) -> None:
    url = f"postgresql://u:{quote(SECRET, safe='')}@db.example.org:5432/sales"
    connections = Connections({"first": {"dsn": url, "user": "u", "password": SECRET}}, (SECRET,))
    outcome = make_run(tmp_path, "local", text=faulty("nothing"), connections=connections)
    config = json.loads((outcome.path / "artifacts/first/cleaned_config.json").read_text())
    assert config["resolved_connection"] == {"host": "db.example.org", "port": "5432", "database": "sales"}


def test_streams_of_host_receive_nothing_of_driver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)
    limit = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        text = faulty("spill_secret", words=SECRET)
        make_run(tmp_path, "local", text=text, connections=Connections({"first": {}}, (SECRET,)))
        logging.getLogger("host").warning("of the host")
    finally:
        logging.getLogger().removeHandler(handler)
    assert logged.getvalue() == "of the host\n"
    assert SECRET not in capsys.readouterr().err
    assert resource.getrlimit(resource.RLIMIT_CORE) == limit


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_secret_cut_into_pieces_is_masked_in_the_workers_log(tmp_path: Path, size: int) -> None:
    log = WorkerLog(tmp_path / "worker.log", [SECRET, "other-secret"])
    data = f"before {SECRET} between other-secret {quote(SECRET)} after\n".encode() * 3
    for start in range(0, len(data), size):
        log.write(data[start : start + size])
    log.close()
    assert (tmp_path / "worker.log").read_bytes() == b"before *** between *** *** after\n" * 3


def test_bytes_that_are_no_text_stay_as_they_are_in_the_workers_log(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path / "worker.log", [SECRET])
    log.write(b"\xff\xfe\x00 and \xc3")
    log.write(b"\xa9")
    log.close()
    assert (tmp_path / "worker.log").read_bytes() == b"\xff\xfe\x00 and \xc3\xa9"


def test_a_log_does_not_wait_for_whoever_holds_its_pipe_open(tmp_path: Path) -> None:
    import os

    log = WorkerLog(tmp_path / "worker.log")
    held = os.dup(log.descriptor())
    os.write(held, b"said before\n")
    log.close()
    os.close(held)
    assert (tmp_path / "worker.log").read_bytes() == b"said before\n"


def test_worker_log_close_ignores_chatty_grandchild(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path / "worker.log")
    script = "while echo x; do sleep 0.02; done"
    with subprocess.Popen(["sh", "-c", script], stdout=log.descriptor(), stderr=subprocess.DEVNULL) as chatty:
        closing = threading.Thread(target=log.close, daemon=True)
        closing.start()
        closing.join(5.0)
        is_closed = not closing.is_alive()
        chatty.kill()
    assert is_closed


def test_a_disk_that_refuses_the_workers_log_does_not_stop_the_worker() -> None:
    log = WorkerLog(Path("/dev/full"))
    log.write(b"x")
    log.close()


def test_no_secret_stands_on_a_command_line_or_in_an_environment(tmp_path: Path) -> None:
    """While the worker is at work, its entries in the table of processes are read."""
    seen: list[bytes] = []

    def watch(event: object) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
                if b"osiris_inspect.runtime.worker" in words:
                    seen.append(words + (process / "environ").read_bytes())
            except OSError:
                continue

    connections = Connections({"first": {"password": SECRET}}, (SECRET,))
    make_run(tmp_path, "sandbox", text=faulty("nothing"), connections=connections, on_event=watch)
    assert seen
    assert not [words for words in seen if SECRET.encode() in words]


def test_refused_metric_with_long_secret_is_masked(tmp_path: Path) -> None:
    written: list[bytes] = []
    worker = Worker(WorkerContext(tmp_path, "none", time.time), MessageWriter(written.append))
    worker._emitter.redactor = Redactor(["Zq7kTrv9PxLm"])
    worker._send_metric("a", "m", "x" * 190 + "Zq7kTrv9PxLm")
    (line,) = written
    assert b"metric_refused" in line
    assert b"Zq7k" not in line


def test_refused_request_keeps_no_partial_word() -> None:
    answer = httpx.Response(500, text=f"{'x' * 190} Zq7kTrv9PxLm is wrong")
    with pytest.raises(RequestRejected) as caught:
        raise_if_rejected(answer)
    assert caught.value.reason == "x" * 190 + "…"
