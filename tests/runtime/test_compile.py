import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.model.errors import PipelineError
from osiris_inspect.model.manifest import InputRef, bind_inputs
from tests.runtime.faulty import REPO
from tests.runtime.pipelines import STATS, compiled

HEAD = 'oml_version: "0.1.0"\nname: p\n'
READ = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n"


def messages(text: str) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        compiled(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_good_pipeline_becomes_a_manifest_in_its_order() -> None:
    plan = compiled().manifest
    assert [(step.id, step.driver, step.needs, step.line) for step in plan.steps] == [
        ("extract-movies", "filesystem.csv_extractor", (), 4),
        ("compute-stats", "duckdb.processor", ("extract-movies",), 8),
        ("write-stats", "filesystem.csv_writer", ("compute-stats",), 14),
    ]


def test_defaults_stand_in_the_configuration() -> None:
    assert compiled().configs["extract-movies"] == {
        "component": "filesystem.csv_extractor",
        "mode": "read",
        "path": "movies.csv",
        "delimiter": ",",
        "encoding": "utf-8",
        "header": True,
    }


def test_same_text_gives_the_same_fingerprint_and_a_comment_does_not_change_it() -> None:
    assert compiled(STATS).fingerprint == compiled("# a word\n" + STATS).fingerprint
    assert compiled(STATS).fingerprint != compiled(STATS.replace("count(*)", "sum(rating)")).fingerprint


def test_the_same_pipeline_is_compiled_to_the_same_bytes_by_every_process(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(STATS)
    compiled_by = []
    for seed in ("0", "1"):
        command = [sys.executable, "-m", "osiris_inspect", "compile", "p.yaml", "--logs", f"logs-{seed}"]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPO)}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        folder = tmp_path / done.stdout.strip()
        compiled_by.append(
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )
    assert {str(path) for path in compiled_by[0]} == {
        "manifest.yaml",
        "cfg/extract-movies.json",
        "cfg/compute-stats.json",
        "cfg/write-stats.json",
    }
    assert compiled_by[0] == compiled_by[1]


def test_steps_written_in_another_order_run_after_what_they_need() -> None:
    text = HEAD + (
        "steps:\n  - {id: w, component: filesystem.csv_writer, needs: [a], config: {path: w.csv}}\n" + READ
    )
    assert [step.id for step in compiled(text).manifest.steps] == ["a", "w"]


def test_without_needs_a_step_that_takes_frames_needs_the_one_written_before_it() -> None:
    text = HEAD + "steps:\n" + READ + "  - {id: w, component: filesystem.csv_writer, config: {path: w.csv}}\n"
    assert compiled(text).manifest.steps[1].needs == ("a",)


def test_two_needs_become_two_named_inputs() -> None:
    text = (
        HEAD
        + "steps:\n"
        + READ
        + "  - {id: b-2, component: filesystem.csv_extractor, config: {path: b.csv}}\n"
        + "  - {id: j, component: duckdb.processor, needs: [a, b-2], config: {query: SELECT 1}}\n"
    )
    assert bind_inputs(compiled(text).manifest.steps[2]) == {"df_a": InputRef("a"), "df_b_2": InputRef("b-2")}


def test_two_needs_that_would_get_one_name_are_an_error() -> None:
    step = replace(compiled().manifest.steps[1], needs=("a-b", "a_b"))
    with pytest.raises(ValueError, match="'a-b' and 'a_b' would both be input 'df_a_b'"):
        bind_inputs(step)


def test_a_parameter_keeps_its_type_where_it_stands_alone() -> None:
    text = HEAD + (
        "params: {where: a.csv, head: {default: false}}\nsteps:\n"
        "  - {id: a, component: filesystem.csv_extractor, config: {path: 'in/${params.where}', header: '${params.head}'}}\n"
    )
    config = compiled(text).configs["a"]
    assert (config["path"], config["header"]) == ("in/a.csv", False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "pipeline.yaml:1:5: no YAML: "),
        ("just text", "pipeline.yaml:1:1: a pipeline is a map with oml_version, name and steps"),
        ("name: p\nsteps: []\n", 'pipeline.yaml:1:1: oml_version is missing; write oml_version: "0.1.0"'),
        (
            'oml_version: "9"\nname: p\nsteps: []',
            "pipeline.yaml:1:14: oml_version '9' is not supported; '0.1.0' is",
        ),
        (HEAD + "steps: []\n", "pipeline.yaml:3:8: steps is empty: there is nothing to run"),
        (HEAD + "steps: 3\n", "pipeline.yaml:3:8: steps is missing or is no list"),
        (HEAD + "stepz: 3\n", "pipeline.yaml:3:1: unknown key 'stepz'; did you mean 'steps'?"),
        (HEAD + "steps: [3]\n", "pipeline.yaml:3:9: a step is a map with id, component and config"),
        (
            HEAD + "steps:\n" + READ.replace("id: a", "id: ../a"),
            "pipeline.yaml:4:10: step id '../a' is no file name",
        ),
        (HEAD + "steps:\n" + READ + READ, "pipeline.yaml:5:10: step id 'a' stands in line 4 already"),
        (
            HEAD + "steps:\n" + READ.replace("csv_extractor", "csv_extracto"),
            "pipeline.yaml:4:24: unknown component 'filesystem.csv_extracto'; did you mean 'filesystem.csv_extractor'?",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path", "pth"),
            "pipeline.yaml:4:59: filesystem.csv_extractor has no key 'pth'; did you mean 'path'?",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path: a.csv", "header: false"),
            "filesystem.csv_extractor needs 'path' in the config of step 'a'",
        ),
        (
            HEAD + "steps:\n  - {id: q, component: postgres.extractor, config: {query: '  '}}\n",
            "postgres.extractor needs 'query' in the config of step 'q': one SQL statement that gives rows",
        ),
        (
            HEAD + "steps:\n" + READ + "  - {id: w, component: supabase.writer, config: {table: }}\n",
            "supabase.writer needs 'table' in the config of step 'w': the table to write to",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "[1]"),
            "pipeline.yaml:4:65: 'path' takes text or a list of texts, not [1]",
        ),
        (
            HEAD + "steps:\n" + READ.replace("config:", "mode: write, config:"),
            "filesystem.csv_extractor cannot be used in mode 'write'; filesystem.csv_extractor takes read",
        ),
        (
            HEAD
            + "steps:\n  - {id: j, component: duckdb.processor, needs: [k], config: {query: SELECT 1}}\n",
            "pipeline.yaml:4:49: step 'j' needs 'k', and no step has that id",
        ),
        (
            HEAD
            + "steps:\n  - {id: j, component: duckdb.processor, needs: [k], config: {query: SELECT 1}}\n"
            + "  - {id: k, component: duckdb.processor, needs: [j], config: {query: SELECT 1}}\n",
            "steps need each other in a circle: j → k → j",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "'${params.x}'"),
            "pipeline.yaml:4:65: parameter 'x' has no value; give --param x=…, OSIRIS_PARAM_X or a default under params",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path: a.csv", "path: a.csv, path: b.csv"),
            "pipeline.yaml:4:72: key 'path' stands twice",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path: a.csv", "path: a.csv, password: hunter22"),
            "a secret stands in the pipeline, in 'password'; put it into a connection",
        ),
        (
            HEAD + "steps:\n  - {id: w, component: filesystem.csv_writer, config: {path: w.csv}}\n",
            "step 'w' gets no frame; name a step in its needs",
        ),
        (
            HEAD
            + "steps:\n"
            + READ
            + READ.replace("id: a", "id: b")
            + "  - {id: w, component: filesystem.csv_writer, needs: [a, b], config: {path: w.csv}}\n",
            "step 'w' would get 2 frames and filesystem.csv_writer takes one; join them in a step before it",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, expected: str) -> None:
    assert any(expected in message for message in messages(text)), messages(text)


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    text = (
        HEAD
        + "steps:\n"
        + READ.replace("path", "pth")
        + READ.replace("id: a", "id: '/'").replace("path", "pth")
    )
    lines = [int(message.split(":")[1]) for message in messages(text)]
    assert len(lines) >= 5
    assert lines == sorted(lines)


def test_no_message_repeats_a_secret() -> None:
    text = HEAD + "steps:\n" + READ.replace("path: a.csv", "path: a.csv, password: hunter22")
    assert "hunter22" not in "\n".join(messages(text))
