"""``--spec``: what scripts are told of the program is what the program takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from osiris_inspect.cli.app import build_app
from osiris_inspect.cli.inspect.report_output import format_names
from osiris_inspect.cli.support.exit_codes import MEANINGS
from osiris_inspect.inspector.diagnosis.engine import builtin_rules
from tests.cli.shell import osiris_inspect


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = osiris_inspect("--spec", cwd=tmp_path_factory.mktemp("anywhere"))
    assert (done.code, done.err) == (0, "")
    told: dict[str, Any] = json.loads(done.out)
    return told


def commands(group: Any, above: str = "") -> dict[str, Any]:
    """Every command as the command line itself knows it, by name."""
    found = {}
    for name, command in group.commands.items():
        is_group = hasattr(command, "commands")
        found |= commands(command, f"{above}{name} ") if is_group else {f"{above}{name}": command}
    return found


def test_every_command_is_told_with_every_option_and_what_it_is_about(spec: dict[str, Any]) -> None:
    known = commands(typer.main.get_command(build_app()))
    told = {command["name"]: command for command in spec["commands"]}
    assert set(told) == set(known)
    for name, command in known.items():
        flags = {flag for option in told[name]["options"] for flag in option["flags"]}
        options = [each for each in command.params if each.param_type_name == "option"]
        assert flags == {flag for option in options for flag in (*option.opts, *option.secondary_opts)}, name
        assert len(told[name]["arguments"]) == len(command.params) - len(options), name
        needed = [each.required for each in command.params if each.param_type_name == "argument"]
        assert [each["required"] for each in told[name]["arguments"]] == needed, name


def test_formats_rules_and_exit_codes_are_those_there_are(spec: dict[str, Any]) -> None:
    assert [each["name"] for each in spec["formats"]] == list(format_names())
    assert [each["id"] for each in spec["rules"]] == [rule.id for rule in builtin_rules()]
    assert [each["code"] for each in spec["exit_codes"]] == list(MEANINGS)


def test_choices_and_defaults_are_told(spec: dict[str, Any]) -> None:
    summarize = next(command for command in spec["commands"] if command["name"] == "summarize")
    by_name = {option["name"]: option for option in summarize["options"]}
    assert by_name["fail_on"]["choices"] == ["error", "warning", "never"]
    assert (by_name["fail_on"]["type"], by_name["fail_on"]["default"]) == ("choice", "error")
    assert summarize["arguments"][0]["several"]


def test_short_help_is_that_of_the_program(tmp_path: Path) -> None:
    assert osiris_inspect("-h", cwd=tmp_path).out == osiris_inspect("--help", cwd=tmp_path).out


def test_option_on_of_run_keeps_its_name(spec: dict[str, Any]) -> None:
    run = next(command for command in spec["commands"] if command["name"] == "run")
    assert [option["flags"] for option in run["options"] if option["name"] == "on"] == [["--on"]]


def test_help_texts_fit_one_line(spec: dict[str, Any]) -> None:
    texts = [command["help"].partition("\n")[0] for command in spec["commands"]]
    entries = [each for command in spec["commands"] for each in (*command["options"], *command["arguments"])]
    texts += [entry["help"] for entry in entries]
    assert not [text for text in texts if not 0 < len(text) <= 79 or "\n" in text]


def test_option_help_starts_with_verb(spec: dict[str, Any]) -> None:
    first_words = {
        option["help"].split()[0].rstrip(":") for command in spec["commands"] for option in command["options"]
    }
    assert not first_words & {"A", "An", "The", "Which", "How", "At", "Only", "Whether", "Its", "No"}
