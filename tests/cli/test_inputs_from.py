"""``run --inputs-from`` and ``run --reuse``: frames of earlier runs, and why other steps run."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.all_commands import Call, call_all
from tests.cli.shell import Done

PIPELINE = """\
oml_version: "0.1.0"
name: films
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: films.csv}}
  - {id: some, component: duckdb.processor, needs: [ext], config: {query: SELECT * FROM df WHERE v > 1}}
  - {id: write-some, component: filesystem.csv_writer, needs: [some], config: {path: some.csv}}
  - {id: sum, component: duckdb.processor, needs: [some], config: {query: SELECT sum(v) AS v FROM df}}
  - {id: write-sum, component: filesystem.csv_writer, needs: [sum], config: {path: sum.csv}}
"""
RUN = ["run", "films.yaml", "--quiet"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a pipeline."""
    (tmp_path / "films.csv").write_text("id,v\n1,1\n2,2\n3,3\n")
    (tmp_path / "films.yaml").write_text(PIPELINE)
    return tmp_path


def call(here: Path, *lines: Sequence[str]) -> list[Done]:
    """Make several calls in one process."""
    done = call_all([Call(line) for line in lines], here, {"XDG_CACHE_HOME": str(here / "cache")})
    return [Done(each.code, each.out.decode(), each.err.decode()) for each in done]


def _entries(text: str) -> dict[str, str]:
    """The entries of a plan by step, without fingerprints and names of runs."""
    lines = (re.fullmatch(r" +(?:\d+ +)?(\S+) +\S+\.\S+ *(.*)", line) for line in text.splitlines())
    found = {line[1]: line[2] for line in lines if line is not None}
    return {
        step: re.sub(r"^reuse \w{32} \((.*) of run_\d+\)", r"reuse \1", entry)
        for step, entry in found.items()
    }


def test_part_takes_frames_of_run(here: Path) -> None:
    call(here, [*RUN, "--keep", "frames"])
    part = [*RUN, "--only", "write-sum", "--inputs-from", "@latest"]
    plan, done = call(here, [*part, "--dry-run"], part)
    assert _entries(plan.out) == {
        "write-sum": "--only write-sum; takes sum",
        "ext": "reuse 3 rows",
        "some": "reuse 2 rows",
        "sum": "reuse 1 rows",
        "write-some": "not in --only write-sum",
    }
    assert done.code == 0, done.err
    events = (here / done.out.strip() / "events.jsonl").read_text().splitlines()
    assert json.loads(events[0])["origin"]["kind"] == "selection"
    starts = [json.loads(line)["step_id"] for line in events if '"event":"step_start"' in line]
    assert starts == ["write-sum"]


def test_changed_or_lost_frames_are_made_again(here: Path) -> None:
    call(here, [*RUN, "--keep", "frames"])
    part = [*RUN, "--only", "write-sum", "--inputs-from", "@latest", "--dry-run"]
    (here / "films.yaml").write_text(PIPELINE.replace("v > 1", "v > 2"))
    (changed,) = call(here, part)
    assert _entries(changed.out) == {
        "some": "sum needs it; its configuration differs in query; takes ext",
        "sum": "write-sum needs it; it needs some, which runs again; takes some",
        "write-sum": "--only write-sum; takes sum",
        "ext": "reuse 3 rows",
        "write-some": "not in --only write-sum",
    }
    (here / "films.yaml").write_text(PIPELINE)
    (kept,) = call(here, RUN)
    (lost,) = call(here, [*part[:-2], kept.out.strip(), "--dry-run"])
    assert _entries(lost.out) == {  # the run before has the same frames on disk
        "write-sum": "--only write-sum; takes sum",
        "ext": "reuse 3 rows",
        "some": "reuse 2 rows",
        "sum": "reuse 1 rows",
        "write-some": "not in --only write-sum",
    }


def test_frame_that_was_not_kept_is_named(here: Path) -> None:
    call(here, RUN)
    (plan,) = call(here, [*RUN, "--only", "write-sum", "--inputs-from", "@latest", "--dry-run"])
    reason = "its frame was not kept (use --keep frames)"
    assert _entries(plan.out) == {
        "ext": f"some needs it; {reason}",
        "some": f"sum needs it; {reason}; takes ext",
        "sum": f"write-sum needs it; {reason}; takes some",
        "write-sum": "--only write-sum; takes sum",
        "write-some": "not in --only write-sum",
    }


def test_whole_pipeline_takes_no_inputs(here: Path) -> None:
    call(here, RUN)
    (done,) = call(here, [*RUN, "--inputs-from", "@latest"])
    assert (done.code, done.err) == (
        2,
        "osiris-inspect: --inputs-from takes frames of steps that are not selected; "
        "it needs --only, --exclude or --from\n",
    )


def test_unchanged_steps_are_reused(here: Path) -> None:
    call(here, [*RUN, "--keep", "frames"])
    (here / "sum.csv").unlink()
    plan, done = call(here, [*RUN, "--reuse", "--dry-run"], [*RUN, "--reuse"])
    assert _entries(plan.out) == {
        "write-some": "a writer always runs; takes some",
        "write-sum": "a writer always runs; takes sum",
        "ext": "reuse 3 rows",
        "some": "reuse 2 rows",
        "sum": "reuse 1 rows",
    }
    assert done.code == 0, done.err
    assert (here / "sum.csv").read_text() == "v\n5\n"


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_changed_file_is_read_again(here: Path, on: str) -> None:
    call(here, [*RUN, "--keep", "frames", "--on", on])
    (here / "films.csv").write_text("id,v\n1,1\n2,2\n3,9\n")
    plan, done = call(here, [*RUN, "--reuse", "--dry-run"], [*RUN, "--reuse"])
    assert _entries(plan.out) == {
        "ext": "films.csv has changed",
        "some": "it needs ext, which runs again; takes ext",
        "write-some": "a writer always runs; takes some",
        "sum": "it needs some, which runs again; takes some",
        "write-sum": "a writer always runs; takes sum",
    }
    assert done.code == 0, done.err
    assert (here / "sum.csv").read_text() == "v\n11\n"
