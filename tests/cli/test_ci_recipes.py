"""The recipes for CI systems in the README: their YAML is YAML, and their commands do what they are there for."""

import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from osiris_inspect.cli.pipeline import starter_files
from tests.cli.shell import osiris_inspect
from tests.samples import ROOT, runs

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(?:yaml|groovy)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {
        command.strip()
        for block in BLOCKS
        for command in re.findall(r"osiris-inspect (summarize [^\n'|<;&]*)", block)
    }
)
pytestmark = pytest.mark.skipif(not COMMANDS, reason="the README has no recipe for a CI system")


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
def test_a_recipe_in_yaml_is_yaml(block: str) -> None:
    assert yaml.safe_load(block)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_of_a_recipe_fails_for_a_failed_run_and_leaves_its_files(
    command: str, tmp_path: Path
) -> None:
    (failed,) = [run for run in runs() if run.parent.name == "missing_input"]
    shutil.copytree(failed, tmp_path / "logs" / failed.name)
    words = shlex.split(command)
    done = osiris_inspect(*words, cwd=tmp_path, env={"GITHUB_ACTIONS": "", "TF_BUILD": ""})
    assert done.code == (0 if "--exit-zero" in words else 1), done.err
    named = [word for option, word in pairwise(words) if re.fullmatch("--[a-z]+", option)]
    files = [word for word in named if "." in word]
    assert all((tmp_path / file).stat().st_size for file in files)


@pytest.mark.parametrize("block", [block for block in BLOCKS if "osiris-inspect run" in block])
def test_recipe_installs_before_it_runs(block: str) -> None:
    source = starter_files.install_source()
    assert starter_files.needs_replacement(source)
    before, _, _ = block.partition("osiris-inspect run")
    assert f'pip install "osiris-inspect @ {source}"' in before


def test_five_recipes_run_a_pipeline() -> None:
    assert sum("osiris-inspect run pipelines/" in block for block in BLOCKS) == 5


def test_the_page_of_options_names_every_format() -> None:
    from osiris_inspect.cli.inspect.report_output import LOG_ONLY_FORMATS, format_names

    assert [
        name for name in format_names() if name not in LOG_ONLY_FORMATS and f"`--{name} FILE`" not in README
    ] == []
