"""A driver that another package ships: installed beside this one, it is found, shown, compiled, run and complained of like ours."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.runtime.faulty import REPO

MODULE = """\
    import pandas as pd
    from osiris_inspect import Component, ConfigKey

    class Counting:
        def run(self, *, step_id, config, inputs, ctx):
            ctx.progress(config["upto"])
            return {"df": pd.DataFrame({"n": range(config["upto"])})}

    COMPONENT = Component(
        name="counting.extractor",
        summary="Counts.",
        driver="counting_for_osiris:Counting",
        modes=("read",),
        keys=(ConfigKey("upto", "whole", "where to stop", required=True, minimum=0),),
        inputs="none",
        produces_frame=True,
        requires=("pandas",),
        capabilities=("never loses count",),
        example="- id: count\\n  component: counting.extractor\\n  config: {upto: 3}\\n",
    )
"""
PIPELINE = """\
oml_version: "0.1.0"
name: counted
steps:
  - {id: count, component: counting.extractor, config: {upto: 3}}
  - {id: sum, component: duckdb.processor, needs: [count], config: {query: SELECT sum(n)::INT AS s FROM input_df}}
  - {id: write, component: filesystem.csv_writer, needs: [sum], config: {path: out.csv}}
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package in it, as an installer leaves it."""
    site = tmp_path / "site"
    info = site / "counting_for_osiris-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "counting_for_osiris.py").write_text(textwrap.dedent(MODULE))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting-for-osiris\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[osiris_inspect.components]\ncounting = counting_for_osiris:COMPONENT\n"
    )
    return site


def ask(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "osiris_inspect", *words]
    environment = {**os.environ, "PYTHONPATH": f"{site}:{REPO}"}
    return subprocess.run(
        command, cwd=site.parent, env=environment, capture_output=True, text=True, check=False
    )


def test_it_is_listed_and_shown_with_its_example(installed: Path) -> None:
    assert "counting.extractor" in ask(installed, "components", "list").stdout
    shown = ask(installed, "components", "show", "counting.extractor").stdout
    assert "never loses count" in shown
    assert "upto  integer, required" in shown
    assert "component: counting.extractor" in shown


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_a_pipeline_runs_it(installed: Path, on: str) -> None:
    (installed.parent / "p.yaml").write_text(PIPELINE)
    done = ask(installed, "run", "p.yaml", "--on", on)
    assert done.returncode == 0, done.stderr
    assert (installed.parent / "out.csv").read_text() == "s\n3\n"


def test_its_keys_are_held_to_what_it_says_of_them(installed: Path) -> None:
    (installed.parent / "p.yaml").write_text(PIPELINE.replace("upto: 3", "up: 3"))
    done = ask(installed, "lint", "p.yaml")
    assert done.returncode == 1
    assert "unknown key 'up' for counting.extractor; did you mean 'upto'?" in done.stdout


def test_without_the_package_it_is_unknown(installed: Path) -> None:
    (installed.parent / "p.yaml").write_text(PIPELINE)
    nowhere = installed.parent / "nowhere"
    nowhere.mkdir()
    assert (
        "p.yaml:4:28: error: unknown component 'counting.extractor'" in ask(nowhere, "lint", "p.yaml").stdout
    )


def test_wrong_return_key_advice_reaches_user(installed: Path) -> None:
    module = installed / "counting_for_osiris.py"
    module.write_text(module.read_text().replace('{"df":', '{"data":'))
    (installed.parent / "p.yaml").write_text(PIPELINE)
    advice = "return the DataFrame under 'df' instead of 'data'"
    assert advice in ask(installed, "run", "p.yaml").stderr
    (log,) = (installed.parent / "logs").glob("*/events.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (error,) = [event["error"] for event in events if event["event"] == "step_failed"]
    assert error == (
        "step 'count': driver 'counting.extractor' returned no frame under 'df': "
        f"the driver returned 'data': DataFrame, not 'df'; {advice}"
    )
    cards = json.loads((log.parent / "artifacts" / "_system" / "run_card.json").read_text())
    assert advice in json.dumps(cards)
    assert f"fix    {advice}" in ask(installed, "summarize", "logs", "--latest").stdout
