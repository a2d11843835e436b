"""``summarize`` as a CI job sees it: real processes, their files, stdout, stderr and exit codes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.export import runner
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally
from tests.samples import ROOT, SAMPLES, runs

FAILED = next(run for run in runs() if run.parent.name == "missing_input")
GOOD = next(run for run in runs() if run.parent.name == "good_local")
QUIET = {
    "GITHUB_ACTIONS": "",
    "GITLAB_CI": "",
    "TF_BUILD": "",
    "BUILDKITE": "",
    "GITHUB_STEP_SUMMARY": "",
    "CI": "true",
}
FILES = (
    "chrome-trace",
    "gitlab",
    "html",
    "json",
    "junit",
    "markdown",
    "openlineage",
    "otlp",
    "sarif",
    "text",
)


def summarize(*words: str | Path, cwd: Path, **env: str) -> Done:
    return osiris_inspect("summarize", *words, cwd=cwd, env=QUIET | env)


def test_every_format_is_written_in_one_call_beside_the_log(tmp_path: Path) -> None:
    options = [word for name in FILES for word in (f"--{name}", f"out/{name}")]
    done = summarize(FAILED, *options, "--summary", "out/summary.md", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("✗ ")
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert set(written) == {*FILES, "summary.md"}
    assert json.loads(written["sarif"])["version"] == "2.1.0"
    assert written["summary.md"] == written["markdown"]


def test_output_goes_to_a_file_and_nothing_to_stdout(tmp_path: Path) -> None:
    done = summarize(GOOD, "-f", "json", "-o", "deep/out.json", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert json.loads((tmp_path / "deep/out.json").read_text())["runs"][0]["status"] == "success"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((GOOD,), 0),
        ((FAILED,), 1),
        ((FAILED, GOOD), 1),
        ((FAILED, "--fail-on", "never"), 0),
        ((FAILED, "--exit-zero"), 0),
        ((FAILED, "--fail-on", "sometimes"), 2),
        ((FAILED, "--format", "morse"), 2),
        ((FAILED, "--baseline", "absent.json"), 2),
        ((FAILED, "--baseline", FAILED / "manifest.yaml"), 2),
        ((FAILED, "--output", "/dev/null/x"), 2),
        ((FAILED, "--junit", "/dev/null/x"), 2),
        ((FAILED, "--summary", "/dev/null/x"), 2),
        (("absent",), 3),
        (("absent", "--exit-zero"), 3),
        (("run_*",), 3),
        (("empty",), 3),
        (("empty", "--exit-zero"), 3),
        (("empty", GOOD), 1),
        (("absent", GOOD), 1),
        ((), 2),
    ],
    ids=lambda value: " ".join(Path(word).name for word in value) if isinstance(value, tuple) else str(value),
)
def test_exit_code_says_what_happened(words: tuple[str | Path, ...], code: int, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = summarize(*words, cwd=tmp_path)
    assert done.code == code
    assert "Traceback" not in done.err
    assert bool(done.err) == (code in (2, 3) or words[:1] in (("empty",), ("absent",)))


def test_no_format_is_guessed_from_a_typing_error(tmp_path: Path) -> None:
    done = summarize(GOOD, "--format", "junitt", cwd=tmp_path)
    assert "junit" in done.err


def test_a_pattern_that_the_shell_left_alone_is_expanded(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        run_dir(tmp_path / "logs", succeeding_locally(), name=f"run_175917058603{number}")
    done = summarize("logs/run_*[12]", "-f", "json", cwd=tmp_path)
    assert [run["run"] for run in json.loads(done.out)["runs"]] == ["run_1759170586032", "run_1759170586031"]


def test_latest_is_the_newest_run_of_each_path(tmp_path: Path) -> None:
    for place in ("a", "b"):
        for number in (1, 2):
            run_dir(tmp_path / place, succeeding_locally(), name=f"run_175917058603{number}")
    done = summarize("a", "b", "--latest", "-f", "json", cwd=tmp_path)
    assert [run["path"] for run in json.loads(done.out)["runs"]] == [
        "a/run_1759170586032",
        "b/run_1759170586032",
    ]


def test_a_run_that_two_paths_lead_to_is_told_once(tmp_path: Path) -> None:
    run_dir(tmp_path / "a", succeeding_locally(), name="run_1759170586031")
    done = summarize("a", "a/run_1759170586031", "a", "-f", "json", cwd=tmp_path)
    assert len(json.loads(done.out)["runs"]) == 1


def test_failed_leaves_out_what_went_well(tmp_path: Path) -> None:
    run_dir(tmp_path, succeeding_locally(), name="run_1759170586031")
    run_dir(tmp_path, failing_locally("boom"), name="run_1759170586032")
    done = summarize(".", "--failed", "-f", "json", cwd=tmp_path)
    assert [run["run"] for run in json.loads(done.out)["runs"]] == ["run_1759170586032"]
    assert done.code == 1


def test_failed_without_a_failed_run_writes_an_empty_report_and_says_so(tmp_path: Path) -> None:
    done = summarize(GOOD, "--failed", "--junit", "out.xml", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, "", "osiris-inspect: no run failed\n")
    assert 'tests="0"' in (tmp_path / "out.xml").read_text()


def test_what_the_baseline_knows_fails_nothing_and_what_is_mended_is_said(tmp_path: Path) -> None:
    first = summarize(FAILED, "--write-baseline", "known.json", cwd=tmp_path)
    assert (first.code, first.err) == (0, "osiris-inspect: baseline: 2 findings written to 'known.json'\n")
    again = summarize(FAILED, "--baseline", "known.json", cwd=tmp_path)
    assert (again.code, again.err) == (0, "")
    assert "[input-key-wrong, high, known]" in again.out
    mended = summarize(GOOD, "--baseline", "known.json", cwd=tmp_path)
    assert mended.code == 0
    assert mended.err.count("baseline: fixed: ") == 2


def test_a_new_finding_fails_beside_known_ones(tmp_path: Path) -> None:
    shutil.copytree(FAILED, tmp_path / FAILED.name)
    known = run_dir(tmp_path / "old", failing_locally("boom"), steps=CHAIN)
    assert summarize(known, "--write-baseline", "known.json", cwd=tmp_path).code == 0
    assert summarize(known, FAILED.name, "--baseline", "known.json", cwd=tmp_path).code == 1


def test_findings_less_sure_than_asked_for_are_left_out(tmp_path: Path) -> None:
    run = run_dir(tmp_path, failing_locally("something nobody has ever seen"), steps=CHAIN)
    found = json.loads(summarize(run, "-f", "json", "--min-confidence", "high", cwd=tmp_path).out)["runs"][0]
    assert {finding["confidence"] for finding in found["findings"]} <= {"high"}
    assert found["status"] == "failed"


@pytest.mark.parametrize("columns", ["20", "80", "400"])
def test_a_log_is_as_wide_on_every_machine(columns: str, tmp_path: Path) -> None:
    told = summarize(SAMPLES, cwd=ROOT, COLUMNS=columns, TERM="dumb")
    assert told.out == summarize(SAMPLES, cwd=ROOT).out


def test_a_log_has_no_color_unless_asked_for(tmp_path: Path) -> None:
    assert "\x1b" not in summarize(FAILED, cwd=tmp_path).out
    assert "\x1b[31m" in summarize(FAILED, "--color", "always", cwd=tmp_path).out


def test_stdout_that_was_closed_early_is_told_to_nobody(tmp_path: Path) -> None:
    command = f"{sys.executable} -m osiris_inspect summarize {SAMPLES} -f sarif | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode in (0, 1)
    assert (len(done.stdout), done.stderr) == (10, "")


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("summarize", "--help")], ids=" ".join)
def test_help_and_version_are_data_and_go_to_stdout(words: tuple[str, ...], tmp_path: Path) -> None:
    done = osiris_inspect(*words, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.parametrize(
    "option", [*(f"--{name}" for name in FILES), "--fail-on", "--baseline", "--latest", "--summary"]
)
def test_the_help_names_every_option(option: str, tmp_path: Path) -> None:
    done = osiris_inspect(
        "summarize", "--help", cwd=tmp_path, env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}
    )
    assert f"{option} " in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_formats(shell: str, tmp_path: Path) -> None:
    words = "osiris-inspect summarize --format ju"
    env = {
        "_OSIRIS_INSPECT_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": "3",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = osiris_inspect(cwd=tmp_path, env=env)
    assert "junit" in done.out


class TestEachSystem:
    """``--format auto``, the default, in the environment that each CI system gives."""

    def job(self, folder: Path, **env: str) -> Done:
        return osiris_inspect("summarize", FAILED, cwd=folder, env=QUIET | env)

    def test_github_is_given_annotations_and_the_summary_of_the_step(self, tmp_path: Path) -> None:
        summary = tmp_path / "summary.md"
        summary.write_text("# what an earlier command of the step wrote\n")
        done = self.job(
            tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary), GITHUB_WORKSPACE=str(tmp_path)
        )
        commands = runner.of_github(done.out)
        assert (done.code, done.err) == (1, "")
        assert [command.name for command in commands] == ["error", "notice"]
        assert commands[0].properties["line"] == "8"
        assert summary.read_text().startswith("# what an earlier command of the step wrote\n## ❌ ")

    def test_github_has_another_token_each_time(self, tmp_path: Path) -> None:
        said = {self.job(tmp_path, GITHUB_ACTIONS="true").out.splitlines()[0] for _ in range(2)}
        assert len(said) == 2

    def test_a_full_summary_is_left_as_it_is(self, tmp_path: Path) -> None:
        summary = tmp_path / "summary.md"
        summary.write_text("x" * 899_990)
        assert self.job(tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary)).code == 1
        assert summary.stat().st_size == 899_990

    def test_a_file_is_text_on_github_too(self, tmp_path: Path) -> None:
        osiris_inspect(
            "summarize", FAILED, "-o", "out.txt", cwd=tmp_path, env=QUIET | {"GITHUB_ACTIONS": "true"}
        )
        assert (tmp_path / "out.txt").read_text().startswith("✗ ")

    def test_a_pipeline_in_a_folder_of_the_workspace_is_named_from_its_root(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        done = self.job(tmp_path / "sub", GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(tmp_path))
        assert runner.of_github(done.out)[0].properties["file"] == "sub/pipeline.yaml"

    def test_azure_is_given_issues(self, tmp_path: Path) -> None:
        done = self.job(tmp_path, TF_BUILD="True", BUILD_SOURCESDIRECTORY=str(tmp_path))
        (issue,) = runner.of_azure(done.out)
        assert (done.code, issue.name, issue.properties["sourcepath"]) == (
            1,
            "task.logissue",
            "pipeline.yaml",
        )

    @pytest.mark.parametrize("name", ["GITLAB_CI", "BUILDKITE"])
    def test_gitlab_and_buildkite_are_given_text(self, name: str, tmp_path: Path) -> None:
        done = self.job(tmp_path, **{name: "true"})
        assert (done.code, done.out.splitlines()[0][:1]) == (1, "✗")
        assert runner.of_github(done.out) == runner.of_azure(done.out) == []

    def test_gitlab_reads_the_report_of_a_job(self, tmp_path: Path) -> None:
        words = ("summarize", FAILED, "--gitlab", "gl-code-quality-report.json", "--junit", "junit.xml")
        done = osiris_inspect(
            *words, cwd=tmp_path, env=QUIET | {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(tmp_path)}
        )
        (first, *_) = json.loads((tmp_path / "gl-code-quality-report.json").read_text())
        assert (done.code, first["location"]) == (1, {"path": "pipeline.yaml", "lines": {"begin": 8}})
