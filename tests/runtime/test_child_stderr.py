"""Copying of the stderr of child processes to the log, without taking it from the terminal."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime.transport.child_stderr import ChildStderr
from tests.runtime.runs import faulty, make_run

PRINT = [sys.executable, "-c", "import sys; print('disk is full', file=sys.stderr); sys.exit(3)"]


def in_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def copied(work: Callable[[], object], *, of_host: bool = False) -> bytes:
    """What a log gets while a thread works."""
    log: list[bytes] = []
    copy = ChildStderr(log.append)
    copy.start()
    try:
        if of_host:
            work()
        else:
            in_thread(work)
    finally:
        copy.stop()
    return b"".join(log)


def test_stderr_of_child_reaches_log_and_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert copied(lambda: subprocess.run(PRINT, check=False)) == b"disk is full\n"
    assert capfd.readouterr().err == "disk is full\n"


@pytest.mark.parametrize("target", [subprocess.DEVNULL, subprocess.PIPE])
def test_stderr_that_the_driver_redirects_stays_its_own(target: int) -> None:
    assert copied(lambda: subprocess.run(PRINT, stderr=target, check=False)) == b""


def test_captured_output_is_not_copied() -> None:
    answers: list[bytes] = []
    work = lambda: answers.append(subprocess.run(PRINT, capture_output=True, check=False).stderr)  # noqa: E731
    assert copied(work) == b""
    assert answers == [b"disk is full\n"]


def test_child_of_the_host_thread_is_not_copied(capfd: pytest.CaptureFixture[str]) -> None:
    assert copied(lambda: subprocess.run(PRINT, check=False), of_host=True) == b""
    assert capfd.readouterr().err == "disk is full\n"


def test_exit_status_of_child_is_unchanged() -> None:
    codes: list[int] = []
    copied(lambda: codes.append(subprocess.run(PRINT, check=False).returncode))
    assert codes == [3]


def test_popen_is_restored() -> None:
    before = subprocess.Popen.__init__
    copied(lambda: None)
    assert subprocess.Popen.__init__ is before


def test_child_that_outlives_the_run_does_not_block_it(capfd: pytest.CaptureFixture[str]) -> None:
    children: list[subprocess.Popen[bytes]] = []
    script = "import sys; sys.stdin.read(); print('late', file=sys.stderr)"
    assert (
        copied(
            lambda: children.append(subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE))
        )
        == b""
    )
    children[0].communicate()
    assert children[0].returncode == 0
    for thread in threading.enumerate():
        if thread.name == "child-stderr":
            thread.join(5)
    assert capfd.readouterr().err == "late\n"


def test_local_run_logs_the_reason_of_a_failed_tool(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = make_run(tmp_path, text=faulty("fail_in_child"))
    assert "the tool found no licence" in (outcome.path / layout.WORKER_LOG).read_text()
    assert "the tool found no licence" in capfd.readouterr().err
