"""The README is true: its commands and snippets run, and its output and picture are those of the program."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from osiris_inspect.cli.inspect import runs
from osiris_inspect.inspector.analysis.run_list import RunEntry
from osiris_inspect.model.run_types import RunStatus
from tests import make_readme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SETUP = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.strip() and not line.startswith("#") and line not in SETUP
]
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
FILES = dict(re.findall(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
"""The example files: the first line of their block is a comment with their name."""
EXIT_CODE = re.compile(r"#.*\bexit code (\d+)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the samples and the example files of the README."""
    (tmp_path / "sample_logs").symlink_to(ROOT / "sample_logs")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_two_setup_commands_are_run_by_ci() -> None:
    assert len(SETUP) == 2
    assert "'^python3 -m venv '" in (ROOT / ".ci/run").read_text()


def test_readme_commands_exit_as_documented(folder: Path) -> None:
    assert COMMANDS
    for command in COMMANDS:
        done = run(command, folder)
        expected = EXIT_CODE.search(command)
        assert done.returncode == (int(expected[1]) if expected else 0), (
            f"{command}\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stderr, command


def test_readme_python_snippets_run(folder: Path) -> None:
    assert SNIPPETS
    assert run("osiris-inspect demo", folder).returncode == 0
    for number, snippet in enumerate(SNIPPETS):
        (folder / f"snippet{number}.py").write_text(snippet)
        done = run(f"python snippet{number}.py", folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("allowed", [True, False])
def test_readme_comment_allows_a_warning(folder: Path, *, allowed: bool) -> None:
    (folder / "orders.csv").write_text("id,amount\n")
    pipeline = FILES["orders.yaml"]
    (comment,) = re.findall(r"  # osiris-inspect: allow .*", pipeline)
    if not allowed:
        (folder / "orders.yaml").write_text(pipeline.replace(comment, ""))
    assert run("osiris-inspect run orders.yaml", folder).returncode == 0
    done = run("osiris-inspect summarize logs --latest --format json", folder)
    assert ('"zero-rows-from-source"' not in done.stdout) is allowed
    marks = [line[0] for line in run("osiris-inspect runs", folder).stdout.splitlines()[1:]]
    assert marks == ["✓" if allowed else "!"]


def test_readme_checks_report_offending_rows(folder: Path) -> None:
    (folder / "osiris-demo").mkdir()
    (folder / "osiris-demo/movies.csv").write_text(
        "id,title,director,year,rating\n1,Dawn,Ana Sol,1999,9.9\n1,noon,Eva Lind,1899,7\n"
    )
    assert run("osiris-inspect run checked.yaml", folder).returncode == 0
    (document,) = json.loads(run("osiris-inspect summarize logs --format json", folder).stdout)["runs"]
    checks = {
        (step["id"], check["check"]): (check["status"], check["failed_rows"], check["rows"])
        for step in document["steps"]
        for check in step["checks"]
    }
    assert checks == {
        ("read-movies", "rows"): ("passed", None, 2),
        ("read-movies", "not_null"): ("passed", 0, 2),
        ("read-movies", "unique"): ("failed", 2, 2),
        ("read-movies", "min"): ("failed", 1, 2),
        ("read-movies", "max"): ("passed", 0, 2),
        ("read-movies", "regex"): ("failed", 1, 2),
        ("read-movies", "sql"): ("failed", 1, 2),
        ("write-movies", "in"): ("failed", 1, 2),
    }
    warned = [finding["step"] for finding in document["findings"] if finding["rule"] == "check-failed"]
    assert warned == ["read-movies", "write-movies"]


def test_warning_of_checks_can_be_allowed(folder: Path) -> None:
    (folder / "osiris-demo").mkdir()
    (folder / "osiris-demo/movies.csv").write_text(
        "id,title,director,year,rating\n1,Dawn,Eva Lind,1999,9.9\n"
    )
    comment = "  # osiris-inspect: allow check-failed: known"
    text = FILES["checked.yaml"].replace("id: read-movies", f"id: read-movies{comment}")
    (folder / "checked.yaml").write_text(text)
    assert run("osiris-inspect run checked.yaml", folder).returncode == 0
    (document,) = json.loads(run("osiris-inspect summarize logs --format json", folder).stdout)["runs"]
    warned = [finding["step"] for finding in document["findings"] if finding["rule"] == "check-failed"]
    assert warned == ["write-movies"]


def test_readme_marks_are_those_of_runs() -> None:
    (line,) = re.findall(r"^- `runs` marks each run: (.*)$", README, re.MULTILINE)
    words = {"success": "succeeded", "interrupted": "interrupted", "running": "running", "failed": "failed"}
    marked = dict(re.findall(r"`(.)` ([^`]*)", line))
    for status, word in (*words.items(), ("truncated", "log ends early")):
        assert word in marked[_mark(status, 0)]
    assert "succeeded with warnings" in marked[_mark("success", 2)]


def _mark(status: RunStatus, warnings: int) -> str:
    entry = RunEntry(Path("x"), "x", "daily", status, "local", 0.0, 1.0, 3, None, warnings)
    return runs._row(entry, None)[0]


def test_readme_output_is_of_the_program() -> None:
    assert make_readme.OUTPUT.search(README)
    assert make_readme.with_outputs(README) == README, "run python -m tests.make_readme"


async def test_readme_picture_is_of_the_program() -> None:
    assert await make_readme.picture() == make_readme.PICTURE.read_text(), "run python -m tests.make_readme"


@pytest.mark.parametrize("command", make_readme.DRAWINGS)
def test_readme_drawing_is_of_the_program(command: str) -> None:
    file = make_readme.DRAWINGS[command]
    assert f"osiris-inspect {command} {make_readme.DRAWN_RUN} --format svg" in README
    assert f"]({file.relative_to(ROOT)})" in README
    assert make_readme.drawing(command) == file.read_text(), "run python -m tests.make_readme"


def test_readme_benchmarks_exist() -> None:
    names = re.findall(r"`(test_\w+)`", README)
    code = "".join(path.read_text() for path in (ROOT / "tests/bench").glob("test_*.py"))
    assert len(names) >= 10
    assert [name for name in names if f"def {name}(" not in code] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_document_names_no_local_path(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"/work/|/tmp/|/root/|/home/(?!user/)", text)
