"""``resume`` on the command line: the plan, the second run, and what is refused."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.all_commands import Call, call_all
from tests.cli.shell import Done

pytestmark = pytest.mark.sampled(3)

PIPELINE = """\
oml_version: "0.1.0"
name: films
params: {least: {type: integer, default: 0}, token: {default: none}}
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: films.csv}}
  - id: good
    component: duckdb.processor
    needs: [ext]
    config: {query: "SELECT * FROM df WHERE v > ${params.least} AND '${params.token}' <> ''"}
  - {id: write-good, component: filesystem.csv_writer, needs: [good], config: {path: good.csv}}
  - {id: bad, component: duckdb.processor, needs: [good], config: {query: SELECT COLUMN FROM df}}
  - {id: write-bad, component: filesystem.csv_writer, needs: [bad], config: {path: bad.csv}}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a pipeline whose step ``bad`` fails."""
    (tmp_path / "films.csv").write_text("id,v\n1,1\n2,2\n3,3\n")
    (tmp_path / "films.yaml").write_text(PIPELINE.replace("COLUMN", "nope"))
    return tmp_path


def call(here: Path, *lines: Sequence[str]) -> list[Done]:
    """Make several calls in one process."""
    done = call_all([Call(line) for line in lines], here, {"XDG_CACHE_HOME": str(here / "cache")})
    return [Done(each.code, each.out.decode(), each.err.decode()) for each in done]


def _fix(here: Path) -> None:
    (here / "films.yaml").write_text(PIPELINE.replace("COLUMN", "v + 1 AS w"))


def _plain(text: str) -> str:
    return re.sub(r"run_\d+", "RUN", re.sub(r"[0-9a-f]{32}", "FINGERPRINT", text))


PLAN = """\
films {} RUN: 2 of 5 steps run
  ext         filesystem.csv_extractor  done: its frame is not needed
  good        duckdb.processor          reuse FINGERPRINT (2 rows of RUN)
  write-good  filesystem.csv_writer     done: wrote 2 rows in RUN
  bad         duckdb.processor          run: did not succeed
  write-bad   filesystem.csv_writer     run: did not succeed
"""


def test_failed_run_continues(here: Path) -> None:
    run = ["run", "films.yaml", "--quiet", "--param", "least=1", "--step-timeout", "60"]
    (first,) = call(here, run)
    assert first.code == 1
    good = (here / "good.csv").stat().st_mtime_ns
    _fix(here)
    plan, done, again, before = call(
        here,
        ["resume", "@failed", "--dry-run"],
        ["resume", "@failed"],
        ["resume", "@latest"],
        ["resume", "@failed"],
    )
    assert (plan.code, _plain(plan.out), plan.err) == (0, PLAN.format("would continue"), "")
    assert (done.code, _plain(done.out)) == (0, "logs/RUN\n")
    assert _plain(done.err).startswith(PLAN.format("continues") + "films (local) RUN\n  ↺ ext  of RUN\n")
    assert (here / "bad.csv").read_text() == "w\n3\n4\n"
    assert (here / "good.csv").stat().st_mtime_ns == good
    newest = done.out.strip().removeprefix("logs/")
    assert (again.code, again.err) == (
        0,
        f"osiris-inspect: nothing to resume: every step of {newest} succeeded\n",
    )
    oldest = first.out.strip().removeprefix("logs/")
    assert (before.code, before.err) == (
        2,
        f"osiris-inspect: {oldest} was already resumed, and {newest}, which continued it, succeeded; "
        f"read its report (osiris-inspect summarize {here}/logs/{newest}): nothing is left to resume\n",
    )
    start = json.loads((here / "logs" / newest / "events.jsonl").read_text().splitlines()[0])
    assert start["settings"]["step_timeout_s"] == {
        "value": 60.0,
        "origin": "flag",
        "variable": "E2B_STEP_TIMEOUT",
    }
    assert start["origin"] == {"kind": "resume", "run": oldest, "step": None, "done": ["ext", "write-good"]}


def test_parameter_of_first_run_applies(here: Path) -> None:
    call(here, ["run", "films.yaml", "--quiet", "--param", "least=1"])
    _fix(here)
    same, other = call(
        here,
        ["resume", "@failed", "--dry-run"],
        ["resume", "@failed", "--dry-run", "--param", "least=2"],
    )
    assert "good        duckdb.processor          reuse " in same.out
    assert "good        duckdb.processor          run: its configuration differs in query\n" in other.out
    assert other.out.endswith("\nparameter least is '2', not '1'\n")


def test_masked_parameter_is_named(here: Path) -> None:
    call(here, ["run", "films.yaml", "--quiet", "--param", "token=s3cr3t-Value-91"])
    (done,) = call(here, ["resume", "@failed", "--dry-run"])
    (run,) = (here / "logs").iterdir()
    assert (done.code, done.out, done.err) == (
        2,
        "",
        f"osiris-inspect: parameter 'token' of {run.name} is masked; "
        "set it with --param token=VALUE, as it was set by --param or OSIRIS_PARAM_TOKEN\n",
    )


def test_resumed_run_resumes_without_first(here: Path) -> None:
    call(here, ["run", "films.yaml", "--quiet"])
    (second,) = call(here, ["resume", "@failed", "--quiet"])
    assert second.code == 1
    logs = here / "logs"
    first = min(logs.iterdir())
    assert len(list(logs.iterdir())) == 2
    shutil.rmtree(first)
    _fix(here)
    (third,) = call(here, ["resume", "@latest"])
    assert third.code == 0, third.err
    assert "good        duckdb.processor          reuse " in third.err
    assert f"(3 rows of {first.name})" in third.err
    assert (here / "bad.csv").read_text() == "w\n2\n3\n4\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["--from", "goood"],
            2,
            "--from: no step is named 'goood'; did you mean 'good'?; the steps are ext, good",
        ),
        (["--rerun", "write-good"], 2, "--rerun write-good: it wrote its rows in RUN; run it again with"),
        (["--accept", "write-bad"], 2, "--accept write-bad: it did not write its rows in RUN"),
        (["--accept", "bad"], 2, "--accept bad: it is not a writer, so it runs again without harm"),
    ],
)
def test_wrong_option_is_refused(here: Path, words: list[str], code: int, message: str) -> None:
    call(here, ["run", "films.yaml", "--quiet"])
    (done,) = call(here, ["resume", "@failed", *words])
    assert (done.code, done.out) == (code, "")
    assert _plain(done.err).startswith(f"osiris-inspect: {message}")
    assert len(list((here / "logs").iterdir())) == 1


def test_run_of_original_is_refused(here: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "sample_logs/original_nonetype", here / "old")
    (run,) = (here / "old").glob("run_*")
    (done,) = call(here, ["resume", str(run)])
    assert (done.code, done.err) == (
        3,
        f"osiris-inspect: {run} was not made by osiris-inspect run, so its steps cannot be taken over; "
        "run its pipeline with osiris-inspect run\n",
    )


def test_changed_source_stops(here: Path) -> None:
    call(here, ["run", "films.yaml", "--quiet", "--force-spill"])
    (run,) = (here / "logs").iterdir()
    shutil.rmtree(run / "artifacts/ext")
    (here / "films.csv").write_text("id,v\n1,1\n")
    _fix(here)
    text = PIPELINE.replace("COLUMN", "v + 1 AS w").replace(
        "needs: [good], config: {query", "needs: [ext], config: {query"
    )
    (here / "films.yaml").write_text(text)
    stopped, again, allowed = call(
        here, ["resume", "@failed"], ["resume", "@latest"], ["resume", "@latest", "--allow-mixed"]
    )
    assert stopped.code == again.code == 1
    assert "run: its frame is no longer on disk" in stopped.err
    assert f"step 'ext' returned another frame than in {run.name}" in stopped.err
    assert "step 'ext' returned another frame than in run_" in again.err
    assert allowed.code == 0, allowed.err
    assert "mixed-sources ext: returned another frame" in allowed.err
    assert (here / "bad.csv").read_text() == "w\n2\n"


def test_pipeline_of_other_folder_resumes(here: Path) -> None:
    (here / "sub").mkdir()
    for name in ("films.csv", "films.yaml"):
        (here / name).rename(here / "sub" / name)
    call(here, ["run", "sub/films.yaml", "--quiet"])
    (here / "sub/films.yaml").write_text(PIPELINE.replace("COLUMN", "v + 1 AS w"))
    (done,) = call(here, ["resume", "@failed"])
    assert (done.code, _plain(done.out)) == (0, "logs/RUN\n"), done.err
    assert "good        duckdb.processor          reuse " in done.err
    assert (here / "sub/bad.csv").read_text() == "w\n2\n3\n4\n"
