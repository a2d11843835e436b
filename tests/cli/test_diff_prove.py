"""``diff --prove`` on the command line: what it prints, and that no run is added or changed."""

import json
from pathlib import Path

import pytest

from tests.cli.test_resume import call
from tests.runtime.test_replay import tree

PIPELINE = """\
oml_version: "0.1.0"
name: films
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: films.csv}}
  - {id: good, component: duckdb.processor, needs: [ext], config: {query: SELECT * FROM df}}
  - {id: bad, component: duckdb.processor, needs: [good], config: {query: SELECT CAST(v AS INTEGER) AS n FROM df}}
  - {id: write, component: filesystem.csv_writer, needs: [bad], config: {path: out.csv}}
"""
RUN = ["run", "films.yaml", "--quiet", "--keep", "frames"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a run that succeeded."""
    (tmp_path / "films.csv").write_text("id,v\n1,1\n2,2\n")
    (tmp_path / "films.yaml").write_text(PIPELINE)
    assert call(tmp_path, RUN)[0].code == 0
    return tmp_path


def change(here: Path, old: str, new: str) -> None:
    """Change the pipeline, and run it; the run fails."""
    (here / "films.yaml").write_text(PIPELINE.replace(old, new))
    assert call(here, RUN)[0].code == 1


def test_proved_configuration_is_marked_in_every_format(here: Path) -> None:
    change(here, "CAST(v AS INTEGER) AS n", "nope")
    before = tree(here / "logs")
    text, document, markdown = call(
        here,
        ["diff", "@failed", "--prove"],
        ["diff", "@failed", "--prove", "--format", "json"],
        ["diff", "@failed", "--prove", "--format", "markdown"],
    )
    assert text.code == 1
    (ranked,) = [line for line in text.out.splitlines() if line.startswith("  1  ")]
    assert ranked.startswith("  1  configuration query of bad  ")
    assert ranked.endswith("  proved: with A's it succeeds")
    assert "  proved: bad succeeds with A's configuration (query), and fails without" in text.out.splitlines()
    assert text.err.splitlines()[:2] == [
        "replays bad unchanged",
        "replays bad with A's configuration (query)",
    ]
    found = json.loads(document.out)
    swap = {"kind": "configuration", "names": ["query"], "result": "succeeds", "reason": None}
    assert found["proof"] == {
        "step": "bad",
        "result": "proved",
        "proved": swap,
        "swaps": [swap],
        "replays": 6,
        "reason": None,
    }
    assert [entry["proved"] for entry in found["ranked"]] == [True]
    lines = markdown.out.splitlines()
    assert "| | difference | B, was A | named in the error | proved |" in lines
    assert "`proved: bad succeeds with A's configuration (query), and fails without`" in lines
    assert next(line for line in lines if line.startswith("| 1 |")).endswith("| yes |")
    assert tree(here / "logs") == before


def test_data_cause_is_proved_by_kept_frame(here: Path) -> None:
    (here / "films.csv").write_text("id,v\n1,1\n2,x\n")
    change(here, "", "")
    (done,) = call(here, ["diff", "@failed", "--prove"])
    assert "  proved: bad succeeds with A's frame of good, and fails without" in done.out.splitlines()


def test_writer_is_not_run(here: Path) -> None:
    change(here, "out.csv", "none/out.csv, create_dirs: false")
    (here / "out.csv").unlink()
    refused, allowed = call(
        here, ["diff", "@failed", "--prove"], ["diff", "@failed", "--prove", "--allow-writes"]
    )
    (line,) = [line for line in refused.out.splitlines() if line.startswith("  not proved: ")]
    assert line.startswith("  not proved: step 'write' writes to ")
    assert line.endswith("none/out.csv; add --allow-writes to run it again")
    assert "  proved: write succeeds with A's configuration (create_dirs), and fails without" in allowed.out
    assert (here / "out.csv").is_file()  # of the whole configuration
    assert (here / "none/out.csv").is_file()


def test_what_is_not_proved_is_one_line(here: Path) -> None:
    change(here, "SELECT * FROM df", "SELECT nope FROM df")
    same, needless = call(
        here, ["diff", "@latest", "@latest", "--prove"], ["diff", "@latest", "--allow-writes"]
    )
    assert "  not proved: nothing of good can be swapped, and it fails again" in same.out.splitlines()
    assert (needless.code, needless.err) == (
        2,
        "osiris-inspect: --allow-writes: needs --prove, which runs a step\n",
    )
    (run, _) = sorted((here / "logs").iterdir())
    (well,) = call(here, ["diff", str(run), str(run), "--prove"])
    assert (well.code, well.out.splitlines()[1:]) == (0, [f"  not proved: no step of {run.name} failed"])
