"""Output that is not taken: stdout closed, full, or left by its reader; stderr closed or full."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import SAMPLES

pytestmark = pytest.mark.sampled(3)

RUN = SAMPLES / "missing_input"
FULL = Path("/dev/full")
TOOL = f"{sys.executable} -m osiris_inspect"
COMMANDS = (
    f"summarize {RUN}", f"summarize {RUN} -f json", f"summarize {RUN} -f html", f"{RUN}", f"events {RUN}",
    f"events {RUN} --raw", f"why {RUN} compute-stats", f"lineage {RUN} -f dot", f"pack {RUN}", f"runs {SAMPLES}",
    f"runs {SAMPLES} --json", f"sql {RUN} 'select * from steps'", f"sql {RUN} 'select 1' -f parquet", "rules",
    "explain disk-full", "components list", "config show", "--version", "--spec", "summarize --help",
)  # fmt: skip
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this system")


def shell(words: str, cwd: Path) -> tuple[int, str]:
    """The exit code of a line of bash, and what it says on stderr."""
    done = subprocess.run(["bash", "-c", words], cwd=cwd, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stderr.decode()


@needs_full
@pytest.mark.parametrize("command", COMMANDS)
def test_full_stdout_is_said_in_one_line(command: str, tmp_path: Path) -> None:
    assert shell(f"{TOOL} {command} > {FULL}", tmp_path) == (
        2,
        "osiris-inspect: stdout cannot be written: no space left on device; send it somewhere else\n",
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_stdout_leaves_the_exit_code_as_it_is(command: str, tmp_path: Path) -> None:
    expected, _ = shell(f"{TOOL} {command}", tmp_path)
    assert shell(f"{TOOL} {command} >&-", tmp_path) == (expected, "")


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.endswith("--help")])
def test_reader_that_has_seen_enough_is_no_error(command: str, tmp_path: Path) -> None:
    assert shell(f"{TOOL} {command} | true; exit ${{PIPESTATUS[0]}}", tmp_path) in ((0, ""), (1, ""))


@needs_full
@pytest.mark.parametrize("command", [f"events {RUN} nope=1", "events absent", "explain absent", "sql absent"])
@pytest.mark.parametrize("way", ["2>&-", "2>/dev/full"])
def test_what_nobody_can_be_told_changes_no_exit_code(command: str, way: str, tmp_path: Path) -> None:
    expected, told = shell(f"{TOOL} {command}", tmp_path)
    assert told
    assert shell(f"{TOOL} {command} {way}", tmp_path) == (expected, "")


@needs_full
def test_file_that_a_frame_does_not_fit_into_is_said(tmp_path: Path) -> None:
    code, told = shell(f"{TOOL} sql {RUN} 'select * from steps' -f csv -o {FULL}", tmp_path)
    assert (code, told) == (
        2,
        "osiris-inspect: --output: '/dev/full' cannot be written: no space left on device\n",
    )


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code, told = shell(f"{TOOL} summarize {RUN} --junit j.xml --json r.json <&- >&- 2>&-", tmp_path)
    assert (code, told) == (1, "")
    assert (tmp_path / "j.xml").read_text().startswith("<?xml")
    assert (tmp_path / "r.json").read_text().rstrip().endswith("}")
