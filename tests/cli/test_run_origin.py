"""Runs that repeat or continue another run: how lists and reports mark them, and what refers to them."""

import json
import re
from pathlib import Path

import pytest

import osiris_inspect as oi
from tests.cli.test_resume import call

PIPELINE = """\
oml_version: "0.1.0"
name: films
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: films.csv}}
  - {id: bad, component: duckdb.processor, needs: [ext], config: {query: SELECT nope FROM df}}
  - {id: write, component: filesystem.csv_writer, needs: [bad], config: {path: out.csv}}
"""


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, str, str, str]:
    """A folder, and the ids of a run that failed, its replay, and the run that continued it."""
    (tmp_path / "films.csv").write_text("id,v\n1,1\n")
    (tmp_path / "films.yaml").write_text(PIPELINE)
    (first,) = call(tmp_path, ["run", "films.yaml", "--quiet"])
    name = first.out.strip()
    (again,) = call(tmp_path, ["replay", name, "bad", "--quiet"])
    (tmp_path / "films.yaml").write_text(PIPELINE.replace("nope", "id"))
    (resumed,) = call(tmp_path, ["resume", name, "--quiet"])
    outputs = (name, again.out.splitlines()[0], resumed.out.splitlines()[-1])
    assert all(re.fullmatch(r"logs/run_\d+", output) for output in outputs)
    first_id, again_id, resumed_id = (output.removeprefix("logs/") for output in outputs)
    return tmp_path, first_id, again_id, resumed_id


def test_lists_and_reports_name_the_earlier_run(runs: tuple[Path, str, str, str]) -> None:
    here, first, again, resumed = runs
    table, filtered, objects, plain, replayed, continued, markdown, page, document = call(
        here,
        ["runs", "logs"],
        ["runs", "logs", "--where", "origin=replay"],
        ["runs", "logs", "--json"],
        ["summarize", f"logs/{first}"],
        ["summarize", f"logs/{again}"],
        ["summarize", f"logs/{resumed}"],
        ["summarize", f"logs/{again}", "--format", "markdown"],
        ["summarize", f"logs/{again}", "--format", "html"],
        ["summarize", f"logs/{again}", "--format", "json"],
    )
    cells = [re.split(r"\s{2,}", line) for line in table.out.splitlines()[1:]]
    assert [(row[2], row[6]) for row in cells] == [
        ("failed", first),
        ("failed, replay", again),
        ("succeeded, resumed", resumed),
    ]
    assert again in filtered.out
    assert resumed not in filtered.out
    entries = {
        entry["id"]: (entry["origin"], entry["origin_run"])
        for entry in map(json.loads, objects.out.splitlines())
    }
    assert entries == {first: (None, None), again: ("replay", first), resumed: ("resume", first)}
    assert "origin" not in plain.out
    assert f"\n  origin repeats step 'bad' of {first}\n" in replayed.out
    assert f"\n  origin continues {first}\n" in continued.out
    assert f"**Origin:** `repeats step 'bad' of {first}`\n" in markdown.out
    assert f"repeats step &#x27;bad&#x27; of {first}</p>" in page.out
    (run,) = json.loads(document.out)["runs"]
    assert run["origin"] == {"kind": "replay", "run": first, "step": "bad"}


def test_resume_of_a_continued_run_says_how_that_ended(runs: tuple[Path, str, str, str]) -> None:
    here, first, _, resumed = runs
    (again,) = call(here, ["resume", f"logs/{first}"])
    assert (again.code, again.err) == (
        2,
        f"osiris-inspect: {first} was already resumed, and {resumed}, which continued it, succeeded; "
        f"read its report (osiris-inspect summarize {here}/logs/{resumed}): nothing is left to resume\n",
    )


def test_resume_names_the_last_run_of_a_chain(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text("id,v\n1,1\n")
    (tmp_path / "films.yaml").write_text(PIPELINE)
    (first,) = call(tmp_path, ["run", "films.yaml", "--quiet"])
    (second,) = call(tmp_path, ["resume", first.out.strip(), "--quiet"])
    (third,) = call(tmp_path, ["resume", second.out.strip(), "--quiet"])
    (again,) = call(tmp_path, ["resume", first.out.strip()])
    names = [done.out.strip().removeprefix("logs/") for done in (first, third)]
    assert again.err == (
        f"osiris-inspect: {names[0]} was already resumed, and {names[1]}, which continued it, ended as failed; "
        f"resume {names[1]}\n"
    )


def test_replay_of_a_skipped_step_names_the_failed_one(runs: tuple[Path, str, str, str]) -> None:
    here, first, _, _ = runs
    refused, shell = call(
        here, ["replay", f"logs/{first}", "write"], ["shell", f"logs/{first}", "write", "--script", "x.py"]
    )
    text = f"osiris-inspect: step 'write' did not run in {first}, because step 'bad' failed; replay bad\n"
    assert (refused.code, refused.err) == (2, text)
    assert (shell.code, shell.err) == (2, text)


def test_damaged_origin_is_no_origin(tmp_path: Path) -> None:
    run = tmp_path / "run_1"
    run.mkdir()
    for origin in (1, {"kind": "other", "run": "x"}, {"kind": "replay", "run": None}, {"kind": ["replay"]}):
        (run / "events.jsonl").write_text(
            json.dumps({"ts": 1, "event": "run_start", "origin": origin}) + "\n"
        )
        assert oi.open(run).to_dict()["origin"] is None
