"""A driver that another package ships: installed beside this one, it is found, shown, compiled, run and complained of like ours."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.runtime.protocol import dependencies, driver_packages
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


IN_THE_CLOUD = """
import os, sys, time
from pathlib import Path
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.e2b.transport import E2bTransport
compiled = compile_pipeline(Path("p.yaml").read_text(), "p.yaml", all_components())
request = RunRequest(compiled, settings.read({}), Path("logs"), Path.cwd(), time.time)
print(run(request, E2bTransport(os.environ, python=sys.executable)).reason)
"""


def _run_in_the_cloud(site: Path, cloud: Any) -> str:
    """Run the pipeline on E2B; return the reason of its failure."""
    environment = {**cloud.environment(), "PYTHONPATH": f"{site}:{REPO}"}
    command = [sys.executable, "-c", IN_THE_CLOUD]
    completed = subprocess.run(
        command, cwd=site.parent, env=environment, capture_output=True, text=True, check=True
    )
    assert not cloud.sandboxes
    return completed.stdout.strip()


def _as_package(site: Path) -> Path:
    """Turn the module into a package with a submodule, a data file and its version in the metadata."""
    package = site / "counting_for_osiris"
    package.mkdir()
    (package / "start.py").write_text("START = 1")
    (package / "offset.txt").write_text("0")
    (package / ".env").write_text("SECRET=1")
    head = (
        "from importlib.metadata import version\n"
        "from pathlib import Path\n"
        "from counting_for_osiris.start import START\n"
        "assert version('counting-for-osiris') == '1.0'\n"
        "assert Path(__file__).with_name('offset.txt').read_text() == '0'\n"
    )
    module = site / "counting_for_osiris.py"
    (package / "__init__.py").write_text(head + module.read_text())
    module.unlink()
    return package


@pytest.mark.parametrize("form", ["module", "package"])
def test_driver_travels_to_a_remote_worker(installed: Path, cloud: Any, form: str) -> None:
    if form == "package":
        _as_package(installed)
    (installed.parent / "p.yaml").write_text(PIPELINE)
    assert _run_in_the_cloud(installed, cloud) == "None"
    assert (installed.parent / "out.csv").read_text() == "s\n3\n"


def test_compiled_driver_must_be_in_the_template(installed: Path, cloud: Any) -> None:
    (_as_package(installed) / "fast.abi3.so").write_bytes(b"ELF")
    (installed.parent / "p.yaml").write_text(PIPELINE)
    reason = _run_in_the_cloud(installed, cloud)
    fix = "install them in the template of the sandbox (E2B_TEMPLATE) with: pip install counting-for-osiris==1.0"
    assert f"missing modules: counting_for_osiris; {fix}, or run with --install-deps" in reason
    (log,) = (installed.parent / "logs").glob("*/events.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (started,) = [event for event in events if event["event"] == "worker_started"]
    assert started["drivers_not_uploaded"] == {"counting_for_osiris": "it contains compiled code"}


def test_files_of_a_package_are_those_to_import(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _as_package(installed)
    monkeypatch.syspath_prepend(installed)
    files = driver_packages.find_files(["counting_for_osiris"])
    assert set(files.files) == {
        f"counting_for_osiris/{name}" for name in ("__init__.py", "offset.txt", "start.py")
    }
    assert set(files.metadata) == {"counting_for_osiris-1.0.dist-info/METADATA"}
    monkeypatch.setattr(driver_packages, "MAX_PACKAGE_BYTES", 100)
    assert (
        "more than 100" in driver_packages.find_files(["counting_for_osiris"]).left_out["counting_for_osiris"]
    )


def test_missing_modules_of_others_name_their_packages(tmp_path: Path) -> None:
    packages = {"counting_for_osiris": "counting-for-osiris==1.0"}
    missing = {"counting_for_osiris": None, "pymysql": "mysql"}
    error = str(dependencies.missing_error(missing, packages=packages))
    assert "'pymysql[rsa]<2,>=1.1' counting-for-osiris==1.0" in error
