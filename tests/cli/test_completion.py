"""Completion in the real shells, with the scripts that ``--show-completion`` prints."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from osiris_inspect.cli.support.completion import complete_run
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally

BIN = Path(sys.executable).parent
STARTS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
SETUP = {
    "bash": "bind 'set enable-bracketed-paste off'; PS1=; source completion",
    "zsh": "PROMPT=; autoload -Uz compinit; compinit -u -d dump; unset zle_bracketed_paste; source completion",
}
LINES = (
    ("osiris-inspect su", "summarize"),
    ("osiris-inspect --vers", "--version"),
    ("osiris-inspect run --on sa", "sandbox"),
    ("osiris-inspect summarize --format ju", "junit"),
    ("osiris-inspect @fa", "@failed"),
    ("osiris-inspect why @la", "@latest"),
    ("osiris-inspect why run_17591705", "run_1759170586030"),
    ("osiris-inspect why logs/run_17591707", "logs/run_1759170700000"),
    ("osiris-inspect why logs/@pr", "logs/@prev"),
    ("osiris-inspect why @latest ext", "extract"),
    ("osiris-inspect explain frame-dropped", "frame-dropped-from-cache"),
    ("osiris-inspect components show filesystem.csv_e", "filesystem.csv_extractor"),
    ("osiris-inspect connections te", "test"),
    ("osiris-inspect connections test @mysql.mo", "@mysql.movies"),
)
CONNECTIONS = "connections: {mysql: {movies: {host: db, user: u, password: p, database: d}}}\n"


def shell_or_skip(name: str) -> str:
    """Return the path of a shell; skip without it, but fail if tests are to be complete (CI=true)."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    return path or pytest.skip(f"{name} is not installed")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN, name="run_1759170586030")
    run_dir(tmp_path / "logs", succeeding_locally(), steps=CHAIN, name="run_1759170700000")
    (tmp_path / "osiris_connections.yaml").write_text(CONNECTIONS)
    return tmp_path


def environment(here: Path) -> dict[str, str]:
    path = f"{BIN}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "HOME": str(here),
        "XDG_CACHE_HOME": str(here / "cache"),
        "TERM": "dumb",
    }


def run_shell(shell: str, command: str, here: Path, *words: str) -> str:
    call = [shell_or_skip(shell), "-c", command, *words]
    done = subprocess.run(
        call, cwd=here, env=environment(here), capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout


def write_script(shell: str, here: Path) -> None:
    """Write the script as ``--show-completion`` prints it in that shell."""
    (here / "completion").write_text(run_shell(shell, "osiris-inspect --show-completion; true", here))


def without_backspaces(text: str) -> str:
    """Return a text without the characters that backspaces go back over."""
    while "\x08" in text:
        text = re.sub(r"[^\x08]?\x08", "", text, count=1)
    return text


class Terminal:
    """An interactive shell on a terminal."""

    def __init__(self, shell: str, here: Path) -> None:
        self._end, other = pty.openpty()
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._shell = subprocess.Popen(
            STARTS[shell], stdin=other, stdout=other, stderr=other, cwd=here, env=environment(here),
            start_new_session=True,
        )  # fmt: skip
        os.close(other)

    def type(self, text: str, *, until: str) -> str:
        """Type a text and return what is shown up to ``until``, or all of it if that does not come within 30 seconds."""
        os.write(self._end, text.encode())
        seen = ""
        deadline = time.monotonic() + 30
        while (
            until not in seen and select.select([self._end], [], [], max(0, deadline - time.monotonic()))[0]
        ):
            seen = without_backspaces(seen + os.read(self._end, 65_536).decode())
        return seen

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._end)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shell_completes_every_kind_of_word(shell: str, here: Path) -> None:
    write_script(shell, here)
    terminal = Terminal(shell, here)
    try:
        terminal.type(f"{SETUP[shell]}; echo REA''DY\n", until="READY")
        for line, full in LINES:
            whole = f"{line.rpartition(' ')[0]} {full}"
            assert whole in terminal.type(f"{line}\t", until=whole)
            terminal.type("\x15", until="")
    finally:
        terminal.close()


def test_fish_completes_every_kind_of_word(here: Path) -> None:
    write_script("fish", here)
    for line, full in LINES:
        completions = run_shell("fish", "source completion; complete --do-complete $argv[1]", here, line)
        assert completions.splitlines()[0].partition("\t")[0] == full


@pytest.mark.parametrize(
    "name", ["run_1$(touch x)", "run_1`id`", "run_1;id", "run_1 2", "run_1'2", "run_1\n2"]
)
def test_run_with_a_name_that_a_shell_would_execute_is_not_offered(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run_dir(here / "logs", succeeding_locally(), steps=CHAIN, name=name)
    monkeypatch.chdir(here)
    assert sorted(complete_run("run_1")) == ["run_1759170586030", "run_1759170700000"]
