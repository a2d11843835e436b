import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.cli.inspect.why import _cause_step, newest_report
from tests.cli.shell import osiris_inspect
from tests.inspector.making import CHAIN, failing_locally, run_dir
from tests.samples import SAMPLES

BROKEN = SAMPLES / "partly_skipped"


def test_why_walks_the_inputs_of_a_step(tmp_path: Path) -> None:
    done = osiris_inspect("why", SAMPLES / "missing_input", "compute-stats", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "step 'compute-stats' failed: missing input"
    for station in ("needs", "upstream", "memory", "spill", "result", "error", "cause", "fix"):
        assert re.search(rf"^\s+[✓✗?]?\s*{station} ", done.out, re.MULTILINE), station


def test_why_of_one_input_as_json(tmp_path: Path) -> None:
    done = osiris_inspect("why", SAMPLES / "good_local", "compute-stats.df", "-f", "json", cwd=tmp_path)
    assert json.loads(done.out)["inputs"][0]["from"] == "memory"


def test_why_without_a_step_takes_that_of_the_cause_and_names_the_others(tmp_path: Path) -> None:
    done = osiris_inspect("why", BROKEN, cwd=tmp_path)
    assert done.code == 0
    assert done.out.startswith("step 'broken' failed")
    assert done.err == (
        "osiris-inspect: showing step 'broken' (the cause); other steps: "
        "'movies', 'write-broken', 'good', 'write-good'\n"
    )


def test_why_without_a_step_takes_the_first_that_failed_where_the_cause_is_in_none(tmp_path: Path) -> None:
    report = newest_report(run_dir(tmp_path, failing_locally("boom"), steps=CHAIN))
    outside = tuple(replace(finding, step=None) for finding in report.findings)
    assert _cause_step(replace(report, findings=outside)) == _cause_step(report)


def test_why_without_a_step_names_the_steps_where_none_failed(tmp_path: Path) -> None:
    done = osiris_inspect("why", SAMPLES / "good_local", cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "osiris-inspect: no step failed; name a step after the run: 'extract-movies', 'compute-stats', 'write-stats'\n"
    )


def test_why_of_no_step_names_those_there_are(tmp_path: Path) -> None:
    done = osiris_inspect("why", BROKEN, "brokn", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "'broken'" in done.err


EVERY = (
    ["why"],
    ["why", "x"],
    ["lineage"],
    ["timeline"],
    ["pack"],
    ["events"],
    ["runs"],
    ["sql", "select 1"],
    ["summarize"],
    ["open"],
)


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_path_that_is_not_there_is_the_same_for_every_command(tmp_path: Path, command: list[str]) -> None:
    done = osiris_inspect(command[0], tmp_path / "absent", *command[1:], cwd=tmp_path)
    assert (done.code, done.out, len(done.err.splitlines())) == (3, "", 1)
    assert "no such file or directory" in done.err


def test_explain_in_a_run_that_is_none_says_only_that(tmp_path: Path) -> None:
    done = osiris_inspect("explain", "absent:disk-full", cwd=tmp_path)
    assert (done.code, done.out) == (3, "")


@pytest.mark.parametrize("command", [["why", "x"], ["lineage"], ["timeline"], ["pack"]])
def test_what_is_no_run_is_said(tmp_path: Path, command: list[str]) -> None:
    done = osiris_inspect(command[0], tmp_path, *command[1:], cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "contains no run" in done.err


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("text", "two-branches "),
        ("mermaid", "flowchart LR"),
        ("dot", "digraph lineage {"),
        ("json", "{"),
        ("svg", "<svg "),
    ],
)
def test_lineage_in_each_form(tmp_path: Path, form: str, first: str) -> None:
    done = osiris_inspect("lineage", BROKEN, "--format", form, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].startswith(first)


def test_timeline_has_a_bar_per_step(tmp_path: Path) -> None:
    done = osiris_inspect("timeline", BROKEN, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("two-branches  run_")
    bars = {line.split()[1]: line for line in done.out.splitlines() if line[:1] in "✓✗⊘" and line}
    assert list(bars) == ["movies", "broken", "write-broken", "good", "write-good"]
    assert "#" in bars["movies"]
    assert bars["write-broken"].endswith("skipped")


@pytest.mark.parametrize("command", ["lineage", "timeline"])
def test_picture_is_the_same_in_a_file_and_on_stdout(tmp_path: Path, command: str) -> None:
    printed = osiris_inspect(command, BROKEN, "--format", "svg", cwd=tmp_path)
    written = osiris_inspect(command, BROKEN, "--format", "svg", "-o", "made/x.svg", cwd=tmp_path)
    assert (printed.code, written.code, written.out, written.err) == (0, 0, "", "")
    assert (tmp_path / "made/x.svg").read_text() == printed.out


@pytest.mark.parametrize("command", ["lineage", "timeline"])
def test_png_is_written_to_a_file(tmp_path: Path, command: str) -> None:
    pytest.importorskip("resvg_py", reason="the extra 'pictures' is not installed")
    done = osiris_inspect(command, BROKEN, "--format", "png", "-o", "x.png", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = osiris_inspect("lineage", BROKEN, "--format", "svg", "-o", ".", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "osiris-inspect: --output: '.' cannot be written: is a directory\n"


@pytest.mark.parametrize("command", ["lineage", "timeline"])
def test_png_without_extra_says_how_to_install_it(tmp_path: Path, command: str) -> None:
    (tmp_path / "resvg_py.py").write_text("raise ModuleNotFoundError('resvg_py')\n")
    done = osiris_inspect(
        command, BROKEN, "--format", "png", "-o", "x.png", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}
    )
    hint = install_extras_command("pictures")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"osiris-inspect: --format png needs 'resvg-py'; install it with: {hint}\n"


def test_pack_keeps_to_the_budget_it_was_given(tmp_path: Path) -> None:
    small = osiris_inspect("pack", BROKEN, "--tokens", "400", cwd=tmp_path)
    large = osiris_inspect("pack", BROKEN, cwd=tmp_path)
    assert small.out.startswith("# Run of two-branches: failed")
    assert len(small.out) < len(large.out)


def test_explain_with_a_run_shows_its_evidence(tmp_path: Path) -> None:
    done = osiris_inspect("explain", f"{BROKEN}:column-missing", cwd=tmp_path)
    assert done.code == 0
    assert "What it finds:" in done.out
    assert "error, high confidence, broken: " in done.out
    assert re.search(r"events\.jsonl:\d+ Referenced column", done.out)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("disk-full", "not found"),
        ("nothing-written", "not checked: this run does not record table.ddl_planned"),
    ],
)
def test_explain_with_a_run_says_why_there_is_nothing(tmp_path: Path, rule: str, says: str) -> None:
    done = osiris_inspect("explain", f"{BROKEN}:{rule}", cwd=tmp_path)
    assert done.out.splitlines()[-1].strip() == says


def test_what_the_folder_allows_is_neither_shown_nor_failing(tmp_path: Path) -> None:
    (tmp_path / ".osiris-inspect.toml").write_text(
        'ignore = ["zero-rows-from-source@extract-movies: a sample", "disk-full: never"]'
    )
    done = osiris_inspect("summarize", SAMPLES / "empty_source", "--fail-on", "warning", cwd=tmp_path)
    assert done.code == 0
    assert "zero-rows" not in done.out
    assert "1 suppressed" in done.out
    assert done.err == "osiris-inspect: unused suppression: .osiris-inspect.toml: disk-full\n"


def test_settings_that_cannot_be_are_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / ".osiris-inspect.toml").write_text("ignroe = []")
    done = osiris_inspect("summarize", SAMPLES / "good_local", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "unknown key 'ignroe'" in done.err


def test_rules_of_the_folder_are_listed_and_explained(tmp_path: Path) -> None:
    (tmp_path / ".osiris-inspect.toml").write_text(
        '[[patterns]]\nname = "vpn-down"\npattern = "tunnel"\nmessage = "the VPN is down"'
    )
    assert "vpn-down" in osiris_inspect("rules", cwd=tmp_path).out
    assert "the VPN is down" in osiris_inspect("explain", "vpn-down", cwd=tmp_path).out
