"""The README tells the truth: each of its commands is run, in its order, in one folder, as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SETS_UP = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in BLOCKS
    for line in block.splitlines()
    if line.strip() and not line.startswith("#") and line not in SETS_UP
]
EXIT_CODE = re.compile(r"#.*\bexit code (\d+)")


def test_two_commands_set_everything_up_and_ci_runs_both() -> None:
    assert len(SETS_UP) == 2
    assert "'^python3 -m venv '" in (ROOT / ".ci/run").read_text()


def test_every_command_of_the_readme_does_what_it_says(tmp_path: Path) -> None:
    assert COMMANDS
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    (tmp_path / "sample_logs").symlink_to(ROOT / "sample_logs")
    for command in COMMANDS:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        told = EXIT_CODE.search(command)
        assert done.returncode == (int(told[1]) if told else 0), f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, command


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_no_document_speaks_of_this_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"/work/|/tmp/|/root/|/home/(?!user/)", text)
