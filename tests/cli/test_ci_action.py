"""The composite action: its scripts are run as GitHub runs them, with what GitHub puts in their environment."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.inspector.export import runner
from tests.samples import ROOT, runs

FILE = ROOT / ".github/actions/osiris-inspect/action.yml"
ACTION: dict[str, Any] = yaml.safe_load(FILE.read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
PLACES = {run.parent.name: run for run in runs()}


def run_step(
    name: str, folder: Path, inputs: dict[str, str], outputs: dict[str, str]
) -> tuple[int, str, dict[str, str]]:
    """Exit code, stdout and outputs of one step."""
    step = STEPS[name]
    given = {key: str(one.get("default", "")) for key, one in ACTION["inputs"].items()} | inputs
    values = {f"inputs.{key}": value for key, value in given.items()}
    values |= {f"steps.summarize.outputs.{key}": value for key, value in outputs.items()}
    env = {
        key: re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values.get(found[1], ""), value)
        for key, value in step.get("env", {}).items()
    }
    output = folder / "output"
    output.write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={
            **os.environ,
            **env,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GITHUB_WORKSPACE": str(folder),
            "RUNNER_TEMP": str(folder / "temp dir"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    told = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done.returncode, done.stdout, told


@pytest.mark.parametrize(
    ("paths", "inputs", "code"),
    [
        (("good_local",), {}, 0),
        (("missing_input",), {}, 1),
        (("good_local", "missing_input"), {}, 1),
        (("missing_input",), {"fail-on": "never"}, 0),
        (("missing_input",), {"arguments": "--exit-zero\n--failed"}, 0),
        (("missing_input",), {"fail-on": "$(touch pwned)"}, 2),
        (("missing_input",), {"arguments": '"; touch pwned; "'}, 1),
        ((), {"paths": "absent"}, 3),
    ],
)
def test_the_exit_code_is_kept_across_the_uploads(
    paths: tuple[str, ...], inputs: dict[str, str], code: int, tmp_path: Path
) -> None:
    given = {"paths": "\n".join(str(PLACES[story]) for story in paths), **inputs}
    own, _, outputs = run_step("Summarize", tmp_path, given, {})
    assert (own, outputs["rc"]) == (0, str(code))
    last, _, _ = run_step("Exit as osiris-inspect did", tmp_path, given, outputs)
    assert last == code
    assert not list(tmp_path.rglob("pwned"))


def test_the_reports_lie_where_the_upload_looks_for_them(tmp_path: Path) -> None:
    _, stdout, outputs = run_step("Summarize", tmp_path, {"paths": str(PLACES["missing_input"])}, {})
    assert {path.name for path in Path(outputs["reports"]).iterdir()} == {
        "junit.xml",
        "osiris-inspect.sarif",
        "report.html",
        "report.json",
    }
    assert [command.name for command in runner.of_github(stdout)] == ["error", "notice"]
    assert (tmp_path / "summary.md").read_text().startswith("## ")


def test_a_step_that_never_ended_fails_the_job(tmp_path: Path) -> None:
    code, _, _ = run_step("Exit as osiris-inspect did", tmp_path, {}, {})
    assert code == 70


def test_no_text_of_the_caller_is_a_part_of_a_script() -> None:
    assert not [step["name"] for step in STEPS.values() if "${{" in step.get("run", "")]


def test_what_comes_after_the_summary_comes_whatever_it_said() -> None:
    names = list(STEPS)
    later = names[names.index("Summarize") + 1 :]
    assert later[-1] == "Exit as osiris-inspect did"
    assert all(STEPS[name]["if"].startswith("always()") for name in later)


def test_the_action_installs_the_repository_it_lies_in() -> None:
    (place,) = re.findall(r'"\$GITHUB_ACTION_PATH/([./]+)"', STEPS["Install"]["run"])
    assert (FILE.parent / place).resolve() == ROOT.resolve()
    assert (ROOT / "pyproject.toml").is_file()
