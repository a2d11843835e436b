"""stdout and stderr that are closed, full, or without a reader: the exit code is that of what was done."""

import os
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

import osiris_inspect
from tests.runtime.pipelines import STATS, TWO_BRANCHES, with_movies

pytestmark = pytest.mark.sampled(3)

HERE = f"{sys.executable} -m osiris_inspect"
BAD_DISK = "stdout cannot be written: no space left on device; send it somewhere else"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(STATS)
    (tmp_path / "bad.yaml").write_text(TWO_BRANCHES)
    return with_movies(tmp_path)


def shell(work: Path, line: str, *, unbuffered: bool = False) -> tuple[int, str, str]:
    """A line of shell: the exit code of its first command, what it wrote to stdout, and to stderr."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", line.replace("osiris-inspect", HERE) + "\nexit ${PIPESTATUS[0]}"],
        cwd=work,
        env={**environment, **({"PYTHONUNBUFFERED": "1"} if unbuffered else {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert "fault in" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def statuses(work: Path) -> list[tuple[str, int, int]]:
    """Of each run its status, and how many steps of how many were completed."""
    found = [orjson.loads(file.read_bytes()) for file in work.glob("logs/run_*/status.json")]
    return [(status["status"], status["steps_completed"], status["steps_total"]) for status in found]


@pytest.mark.parametrize(
    "line",
    [
        "osiris-inspect run {} 2>&1 | head -1",
        "osiris-inspect run {} 2>/dev/full",
        "osiris-inspect run {} 2>&-",
        "osiris-inspect run {} >&-",
        "osiris-inspect run {} <&- >&- 2>&-",
        "osiris-inspect run {} --on sandbox 2>&-",
        "osiris-inspect run {} 2>/dev/null | true",
    ],
)
@pytest.mark.parametrize(("pipeline", "code"), [("good.yaml", 0), ("bad.yaml", 1)])
def test_a_run_goes_on_and_ends_with_its_own_exit_code_whoever_listens(
    work: Path, line: str, pipeline: str, code: int
) -> None:
    assert shell(work, line.format(pipeline))[0] == code
    assert statuses(work) == ([("success", 3, 3)] if code == 0 else [("failed", 3, 5)])


@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize(("pipeline", "code"), [("good.yaml", 2), ("bad.yaml", 1)])
def test_a_full_stdout_is_said_with_where_the_run_lies(
    work: Path, pipeline: str, code: int, unbuffered: bool
) -> None:
    line = f"osiris-inspect run {pipeline} --quiet >/dev/full"
    ended, _, err = shell(work, line, unbuffered=unbuffered)
    (run,) = work.glob("logs/run_*")
    assert ended == code
    assert err.endswith(f"osiris-inspect: {BAD_DISK}; the run is logs/{run.name}\n")


@pytest.mark.parametrize(
    "command", ["config show", "config show --json", "compile good.yaml", "lint warn.yaml"]
)
def test_a_full_stdout_is_said_in_one_line(work: Path, command: str) -> None:
    (work / "warn.yaml").write_text(STATS.replace("input_df", "imput_df"))
    assert shell(work, f"osiris-inspect {command} >/dev/full") == (2, "", f"osiris-inspect: {BAD_DISK}\n")


def test_a_full_stderr_does_not_change_what_is_wrong_with_the_command_line(work: Path) -> None:
    assert shell(work, "osiris-inspect run nope.yaml 2>/dev/full")[0] == 2


CLOSED = """
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while b"compute-stats" not in shown:
    shown += os.read(terminal, 4096)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_a_terminal_that_is_closed_ends_the_run_in_order(work: Path, on: str) -> None:
    slow = "FROM input_df, range(10000000000) AS r WHERE hash(r.range) = 7"
    (work / "slow.yaml").write_text(STATS.replace("FROM input_df", slow))
    words = [sys.executable, "-m", "osiris_inspect", "run", "slow.yaml", "--on", on]
    command = [sys.executable, "-c", CLOSED, *words]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "130"
    assert [status for status, _, _ in statuses(work)] == ["interrupted"]
    assert b'"run_end"' in next(work.glob("logs/run_*/events.jsonl")).read_bytes()


def test_nothing_that_is_said_to_people_stands_in_a_file_of_the_run(work: Path) -> None:
    shell(work, "osiris-inspect run good.yaml <&- >&- 2>&-")
    (run,) = work.glob("logs/run_*")
    for line in (run / "events.jsonl").read_bytes().splitlines():
        assert "seq" in orjson.loads(line)
    assert not [
        path for path in work.rglob("*") if path.is_file() and b"extract-movies  14 rows" in path.read_bytes()
    ]


WRITERS = {
    "cli/replay/shell.py",  # the interactive Python of the user
    "cli/support/streams.py",
    "runtime/cluster/node.py",  # a program of its own on a machine of a cluster
    "runtime/transport/in_process.py",  # lends the streams to drivers
    "runtime/transport/e2b/list_files.py",  # a program of its own in the sandbox
    "runtime/worker/__main__.py",  # the protocol of the worker process
    "runtime/worker/driver_logging.py",  # what a driver prints goes to the log
    "runtime/worker/fork_guard.py",  # to the log too
}


def test_only_streams_module_writes_to_stdout_and_stderr() -> None:
    folder = Path(osiris_inspect.__file__).parent
    writes = re.compile(
        r"\bsys\.(?:__)?std(?:out|err)\b(?!\.(?:fileno|isatty)\(\))|\b(?:typer|click)\.s?echo|(?<![\w.])print\(|\bConsole\(|os\.write\([12],"
    )
    users = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if writes.search(path.read_text(encoding="utf-8"))
    }
    assert users == WRITERS


def test_symbols_are_ascii_where_the_encoding_lacks_them(work: Path) -> None:
    run = "osiris-inspect run bad.yaml >/dev/null 2>&1; "
    code, plain, _ = shell(work, f"{run}OSIRIS_INSPECT_ASCII=1 osiris-inspect summarize @latest")
    assert "✗ failed" in plain  # a pipe has an exact text
    assert "⊘ skipped" in plain
    for settings, terminal in (("PYTHONIOENCODING=ascii", False), ("OSIRIS_INSPECT_ASCII=1", True)):
        command = f"{settings} COLUMNS=200 osiris-inspect summarize @latest --color never"
        line = f"script -qec '{command}' /dev/null </dev/null" if terminal else command
        _, text, _ = shell(work, line)
        assert "x failed" in text
        assert "o skipped" in text
        assert "──" not in text
        assert text.isascii()
    assert code == 1
