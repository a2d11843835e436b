"""Where a parameter's value comes from, in which type, and what is said where it comes from nowhere."""

import json
from typing import Any

import pytest

from osiris_inspect.model.errors import PipelineError
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.pipeline.parameters import CompileInputs

PIPELINE = """\
oml_version: "0.1.0"
name: p
params:
  where: {default: of-default}
  head: {type: boolean, default: true}
  most: 3
profiles:
  default: {params: {where: of-usual-profile}}
  night: {params: {where: of-night}}
steps:
  - id: read
    component: filesystem.csv_extractor
    config: {path: "${params.where}", header: "${params.head}", limit: "${params.most}"}
"""


def config(text: str = PIPELINE, **given: Any) -> dict[str, Any]:
    return dict(compile_pipeline(text, "p.yaml", all_components(), CompileInputs(**given)).configs["read"])


def problems(text: str = PIPELINE, **given: Any) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        config(text, **given)
    return [str(problem) for problem in caught.value.problems]


ENVIRONMENT = {"OSIRIS_PARAM_WHERE": "of-environment"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "of-usual-profile"),
        ({"profile": "night"}, "of-night"),
        ({"profile": "night", "environment": ENVIRONMENT}, "of-environment"),
        (
            {"profile": "night", "environment": ENVIRONMENT, "params": {"where": "of-command-line"}},
            "of-command-line",
        ),
    ],
)
def test_the_command_line_comes_before_the_environment_a_profile_and_the_default(
    given: dict[str, Any], expected: str
) -> None:
    assert config(**given)["path"] == expected


def test_without_a_profile_the_default_counts() -> None:
    text = PIPELINE.replace("  default: {params: {where: of-usual-profile}}\n", "")
    assert config(text)["path"] == "of-default"


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ({"params": {"head": "false"}}, "header", False),
        ({"environment": {"OSIRIS_PARAM_HEAD": "no"}}, "header", False),
        ({"params": {"most": "7"}}, "limit", 7),
        ({"params": {"where": "7"}}, "path", "7"),
    ],
)
def test_text_becomes_the_type_of_the_parameter(given: dict[str, Any], key: str, expected: Any) -> None:
    assert config(**given)[key] == expected
    assert type(config(**given)[key]) is type(expected)


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (PIPELINE, {"params": {"were": "x"}}, "unknown parameter 'were'; did you mean 'where'? If not, add were: <default> under params of the pipeline"),
        (PIPELINE, {"profile": "day"}, "unknown profile 'day'; the pipeline has default, night"),
        (PIPELINE.replace("night: {params: {where", "night: {params: {were"), {"profile": "night"}, "p.yaml:9:20: profile 'night' sets unknown parameter 'were'; declare it under params"),
        (PIPELINE.replace("night: {params: {where: of-night}}", "night: 3"), {"profile": "night"}, "profile 'night' must be a mapping with params"),
        (PIPELINE.replace("${params.most}", "${params.mots}"), {}, "p.yaml:13:72: parameter 'mots' is not declared; did you mean 'most'? If not, add mots: <default> under params of the pipeline"),
        (PIPELINE, {"params": {"most": "some"}}, "p.yaml:13:72: invalid value 'some' for 'limit': expected integer"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_parameter_is_named(text: str, given: dict[str, Any], expected: str) -> None:
    assert any(problem.endswith(expected) for problem in problems(text, **given)), problems(text, **given)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("${DATA}/o.csv", "'${DATA}' is not substituted; write ${params.DATA}, and add DATA: <default> under params of the pipeline"),
        ("{{ where }}/o.csv", "'{{ where }}' is not substituted; write ${params.where}"),
        ("${{ env.where }}", "'${{ env.where }}' is not substituted; write ${params.where}"),
        ("${where:-x}", "'${where:-x}' is not substituted; write ${params.where}"),
        ("a/$where/o.csv", "'$where' is not substituted; write ${params.where}"),
        ("${}", "'${}' is not substituted; write ${params.<name>}, and add <name>: <default> under params of the pipeline"),
    ],
)  # fmt: skip
def test_placeholder_in_a_path_is_a_problem(path: str, expected: str) -> None:
    found = problems(PIPELINE.replace("${params.where}", path))
    assert found == [f"p.yaml:13:20: invalid path: {expected}"]


@pytest.mark.parametrize("path", ["a$where/$$", "{where}", "$.csv"])
def test_dollar_and_braces_in_a_path_are_kept(path: str) -> None:
    assert config(PIPELINE.replace("${params.where}", path))["path"] == path


def test_placeholder_in_a_query_is_kept() -> None:
    query = "SELECT '{{ b }} ${b}'"
    step = f'{{id: read, component: mysql.extractor, config: {{connection: "@mysql", query: "{query}"}}}}'
    assert config(f'oml_version: "0.1.0"\nname: x\nsteps: [{step}]\n')["query"] == query


@pytest.mark.parametrize(
    ("component", "config", "expected"),
    [
        ("mysql.extractor", '{connection: "@mysql.${DB}", query: SELECT 1}', "p.yaml:4:65: invalid connection '@mysql.${DB}': '${DB}' is not substituted; write ${params.DB}, and add params: {DB: <default>} to the pipeline"),
        ("filesystem.csv_extractor", '{path: [a.csv, "{{b}}"]}', "p.yaml:4:76: invalid path: '{{b}}' is not substituted; write ${params.b}, and add params: {b: <default>} to the pipeline"),
    ],
)  # fmt: skip
def test_placeholder_in_a_name_is_a_problem(component: str, config: str, expected: str) -> None:
    text = (
        f'oml_version: "0.1.0"\nname: x\nsteps:\n  - {{id: read, component: {component}, config: {config}}}\n'
    )
    assert problems(text) == [expected]


@pytest.mark.parametrize("given", ["2024-13-45", "9" * 5000, "[" * 5000])
def test_text_that_no_type_fits_stays_text_and_is_refused_by_its_key(given: str) -> None:
    (said,) = problems(params={"most": given})
    assert said.startswith("p.yaml:13:72: invalid value '")


def test_a_parameter_without_a_value_is_one_problem_and_not_two() -> None:
    assert len(problems(PIPELINE.replace("${params.most}", "${params.mots}"))) == 1


@pytest.mark.parametrize(
    ("component", "key", "value", "expected"),
    [
        ("csv_extractor", "delimiter", "", "invalid value '' for 'delimiter': expected one ASCII character other than a quote, or \\s+ for any whitespace"),
        ("csv_extractor", "delimiter", "||", "invalid value '||' for 'delimiter': expected one ASCII character"),
        ("csv_extractor", "delimiter", "§", "invalid value '§' for 'delimiter': expected one ASCII character"),
        ("csv_extractor", "delimiter", "\n", "invalid value '\\n' for 'delimiter': expected one ASCII character"),
        ("csv_extractor", "comment", "//", "invalid value '//' for 'comment': expected one character other than a quote"),
        ("csv_writer", "delimiter", "||", "invalid value '||' for 'delimiter': expected one character other than a quote"),
        ("csv_writer", "delimiter", r"\t", "invalid value '\\\\t' for 'delimiter': expected one character other than a quote; write a tab as \"\\t\" in double quotes"),
        ("csv_writer", "delimiter", '"', "invalid value '\"' for 'delimiter': expected one character other than a quote"),
        ("csv_extractor", "delimiter", r"\s+", None),
        ("csv_extractor", "delimiter", "\t", None),
        ("csv_writer", "delimiter", "§", None),
        ("csv_extractor", "keep_default_na", False, None),
    ],
)  # fmt: skip
def test_what_stands_between_fields_is_one_character(
    component: str, key: str, value: Any, expected: str | None
) -> None:
    step = {"id": "s", "component": f"filesystem.{component}", "config": {"path": "a", key: value}}
    if component == "csv_writer":
        step["needs"] = ["read"]
    read = {"id": "read", "component": "filesystem.csv_extractor", "config": {"path": "in"}}
    text = json.dumps({"oml_version": "0.1.0", "name": "p", "steps": [read, step]})
    if expected is None:
        assert compile_pipeline(text, "p.yaml", all_components()).configs["s"][key] == value
    else:
        (problem,) = problems(text)
        assert expected in problem
        assert problem.startswith("p.yaml:1:")


def test_source_contains_parameters_set_from_outside() -> None:
    inputs = CompileInputs({"most": "7"}, {"OSIRIS_PARAM_WHERE": "x", "OSIRIS_PARAM_OTHER": "y"}, "night")
    source = compile_pipeline(PIPELINE, "p.yaml", all_components(), inputs).source
    assert (source["profile"], source["params"]) == ("night", {"where": "x", "most": "7"})


def test_secret_parameter_is_masked_in_the_source() -> None:
    text = PIPELINE.replace("  most: 3", "  most: 3\n  api_key: {default: a}")
    source = compile_pipeline(text, "p.yaml", all_components(), CompileInputs({"api_key": "s3cret"})).source
    assert "s3cret" not in str(source)
