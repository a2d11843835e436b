"""The viewer on a real terminal: signals restore it, and Ctrl-Z suspends."""

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import ECHO, ICANON, TIOCSWINSZ, tcgetattr

import pytest

from tests.inspector.making import CHAIN, run_dir, succeeding_locally

pytestmark = pytest.mark.sampled(3)

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_ON, MOUSE_OFF = b"\x1b[?1003h", b"\x1b[?1003l"
PROGRAM = [sys.executable, "-m", "osiris_inspect"]


@dataclass
class Screen:
    """A process on a terminal, and what it wrote."""

    process: int
    terminal: int
    shown: bytes = b""

    def wait_for(self, text: bytes, count: int = 1) -> None:
        """Read until a text was written so many times."""
        end = time.monotonic() + 60
        while self.shown.count(text) < count:
            assert time.monotonic() < end, self.shown[-2000:]
            assert self.read(), self.shown[-2000:]

    def read(self) -> bytes:
        """Read a part; empty if the process closed the terminal."""
        if not select.select([self.terminal], [], [], 60)[0]:
            return b""
        try:
            part = os.read(self.terminal, 1 << 16)
        except OSError:
            return b""
        self.shown += part
        return part

    def exit_code(self) -> int:
        """Read until the process exits, and return its exit code."""
        while self.read():
            pass
        return self.reap()

    def reap(self) -> int:
        """Wait for the end of the process and return its exit code."""
        end = time.monotonic() + 60
        while not (ended := os.waitpid(self.process, os.WNOHANG))[0]:
            assert time.monotonic() < end
            time.sleep(0.02)
        self.process = 0
        return os.waitstatus_to_exitcode(ended[1])


@contextmanager
def on_terminal(folder: Path, *words: str, term: str = "xterm-256color") -> Iterator[Screen]:
    """Run the program in a folder on a terminal of 120x40."""
    process, terminal = pty.fork()
    if process == 0:
        ioctl(0, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.chdir(folder)
        own = {"TERM": term, "XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder)}
        os.execve(sys.executable, [*PROGRAM, *words], {**os.environ, **own})
    made = Screen(process, terminal)
    try:
        yield made
    finally:
        if made.process:
            os.kill(made.process, signal.SIGKILL)
            os.waitpid(made.process, 0)
        if made.terminal >= 0:
            os.close(made.terminal)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    with on_terminal(tmp_path, str(run)) as made:
        made.wait_for(ENTER)
        made.wait_for(MOUSE_ON)
        made.wait_for(b"Overview")
        yield made


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
)
def test_signal_restores_terminal_and_exits(screen: Screen, number: signal.Signals, code: int) -> None:
    os.kill(screen.process, number)
    assert screen.exit_code() == code
    assert screen.shown.rfind(LEAVE) > screen.shown.rfind(ENTER)
    assert screen.shown.rfind(MOUSE_OFF) > screen.shown.rfind(MOUSE_ON)
    assert b"Traceback" not in screen.shown


def test_closed_terminal_ends_viewer(screen: Screen) -> None:
    os.close(screen.terminal)
    screen.terminal = -1
    assert screen.reap() == 129


def test_ctrl_z_suspends_and_resumes(screen: Screen) -> None:
    os.write(screen.terminal, b"\x1a")
    screen.wait_for(LEAVE)
    _, status = os.waitpid(screen.process, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert tcgetattr(screen.terminal)[3] & (ECHO | ICANON) == ECHO | ICANON
    os.kill(screen.process, signal.SIGCONT)
    screen.wait_for(ENTER, 2)
    screen.wait_for(MOUSE_ON, 2)
    os.write(screen.terminal, b"q")
    assert screen.exit_code() == 0
    assert screen.shown.rfind(LEAVE) > screen.shown.rfind(ENTER)


@pytest.mark.parametrize(
    "words", ["--help", "summarize --help", "--spec", "rules", "components list", "connections --help"]
)
def test_reader_that_leaves_early_is_no_error(tmp_path: Path, words: str) -> None:
    line = f"{' '.join(PROGRAM)} {words} | head -c1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    terminal, other = pty.openpty()
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        stdin=other,
        stdout=other,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    os.close(terminal)
    os.close(other)
    assert (done.returncode, done.stderr) == (0, b"")


PIPELINE = """\
oml_version: "0.1.0"
name: counted
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: data.csv}}
  - id: count
    component: duckdb.processor
    config: {query: "SELECT count(%s) AS rows FROM df_read"}
    needs: [read]
  - {id: write, component: filesystem.csv_writer, config: {path: out.csv}, needs: [count]}
"""


def pipeline(folder: Path, column: str = "id") -> str:
    (folder / "data.csv").write_text("id\n1\n2\n")
    (folder / "counted.yaml").write_text(PIPELINE % column)
    return "counted.yaml"


@pytest.mark.parametrize(
    ("column", "code", "word"), [("id", 0, b"succeeded"), ("nope", 1, b"column-missing")]
)
@pytest.mark.parametrize("target", ["local", "sandbox"])
def test_run_opens_viewer_and_keeps_its_exit_code(
    tmp_path: Path, column: str, code: int, word: bytes, target: str
) -> None:
    with on_terminal(tmp_path, "run", pipeline(tmp_path, column), "--on", target, "--open") as screen:
        screen.wait_for(ENTER)
        screen.wait_for(MOUSE_ON)
        screen.wait_for(b"Overview")
        screen.wait_for(word)
        os.write(screen.terminal, b"q")
        assert screen.exit_code() == code
    assert screen.shown.index(b"logs/run_") < screen.shown.index(ENTER) < screen.shown.rindex(LEAVE)
    assert screen.shown.rfind(MOUSE_OFF) > screen.shown.rfind(MOUSE_ON)
    assert b"Traceback" not in screen.shown[screen.shown.rindex(LEAVE) :]


def test_signal_to_opened_viewer_is_its_exit_code(tmp_path: Path) -> None:
    with on_terminal(tmp_path, "run", pipeline(tmp_path), "--open") as screen:
        screen.wait_for(ENTER)
        screen.wait_for(b"Overview")
        os.kill(screen.process, signal.SIGTERM)
        assert screen.exit_code() == 143


@pytest.mark.parametrize(("column", "code"), [("id", 0), ("nope", 1)])
def test_run_does_not_open_viewer_without_terminal(tmp_path: Path, column: str, code: int) -> None:
    words = [*PROGRAM, "run", pipeline(tmp_path, column), "--open"]
    done = subprocess.run(
        words, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    (run,) = done.stdout.splitlines()
    assert done.stderr.splitlines()[-1] == (
        f"osiris-inspect: --open needs a terminal; osiris-inspect {run} opens the run in one"
    )


def test_run_does_not_open_viewer_on_dumb_terminal(tmp_path: Path) -> None:
    with on_terminal(tmp_path, "run", pipeline(tmp_path), "--open", term="dumb") as screen:
        assert screen.exit_code() == 0
    assert b"--open needs a terminal" in screen.shown
    assert ENTER not in screen.shown


def test_interrupted_run_is_not_opened(tmp_path: Path) -> None:
    name = pipeline(tmp_path)
    query = "SELECT count(*) AS rows FROM range(1000000000) a, range(1000000000) b, df_read"
    text = (tmp_path / name).read_text().replace("SELECT count(id) AS rows FROM df_read", query)
    (tmp_path / name).write_text(text)
    with on_terminal(tmp_path, "run", name, "--open") as screen:
        screen.wait_for("… count".encode())
        os.write(screen.terminal, b"\x03")
        assert screen.exit_code() == 130
    assert b"the run was interrupted and is not opened; osiris-inspect logs/run_" in screen.shown
    assert ENTER not in screen.shown


@pytest.mark.parametrize(
    ("options", "pager", "shown"),
    [
        ("", "sed -n 1s/^/paged/p", "paged"),
        ("", "cat >&2", "cat"),
        ("--no-pager", "false", "adapter_selected"),
        ("--follow", "false", "run_end"),
        ("", "no-such-pager", "adapter_selected"),
        ("", "", "adapter_selected"),
        ("-n 1", "less", "adapter_selected"),
    ],
)
def test_events_on_terminal_go_through_pager(tmp_path: Path, options: str, pager: str, shown: str) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    process, terminal = pty.fork()
    if process == 0:
        environment = {**os.environ, "PAGER": pager, "TERM": "xterm"}
        os.execve(sys.executable, [*PROGRAM, "events", str(run), *options.split()], environment)
    made = Screen(process, terminal)
    assert made.exit_code() == 0
    assert shown.encode() in made.shown
    os.close(terminal)


def test_events_end_quietly_when_their_pager_ends(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b'{"event":"heartbeat"}\n' * 100_000)
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [*PROGRAM, "events", str(log)], {**os.environ, "PAGER": "head -1"})
    made = Screen(process, terminal)
    assert made.exit_code() == 0
    assert made.shown.split() == [b"1", b"-", b"-", b"heartbeat"]
    os.close(terminal)


def test_raw_lines_cannot_act_through_a_pager(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text('{"event":"a","note":"\u202e##vso[x]"}\n')
    process, terminal = pty.fork()
    if process == 0:
        environment = {**os.environ, "PAGER": "sed s/^/paged/"}
        os.execve(sys.executable, [*PROGRAM, "events", str(log), "--raw"], environment)
    made = Screen(process, terminal)
    assert made.exit_code() == 0
    assert made.shown.strip() == b'paged{"event":"a","note":"\\u202e\\u0023#vso[x]"}'
    os.close(terminal)


def test_pager_with_an_open_quote_is_a_usage_error(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [*PROGRAM, "events", str(run)], {**os.environ, "PAGER": "less 'x"})
    made = Screen(process, terminal)
    assert made.exit_code() == 2
    assert b"a quote is not closed; correct PAGER" in b" ".join(made.shown.split())
    os.close(terminal)
