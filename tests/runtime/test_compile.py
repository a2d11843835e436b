import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.base.bounded_yaml import MAX_ALIAS_EXPANSION
from osiris_inspect.model.errors import PipelineError
from osiris_inspect.model.manifest import InputRef, bind_inputs
from osiris_inspect.runtime.pipeline.compiler import MAX_ID_LENGTH
from osiris_inspect.runtime.proxy import run_directory
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
        "delimiter": "auto",
        "encoding": "utf-8",
        "header": True,
        "quote": '"',
        "decimal": ".",
    }


def test_same_text_gives_the_same_fingerprint_and_a_comment_does_not_change_it() -> None:
    assert compiled(STATS).fingerprint == compiled("# a word\n" + STATS).fingerprint
    assert compiled(STATS).fingerprint != compiled(STATS.replace("count(*)", "sum(rating)")).fingerprint


def test_source_of_a_pipeline_ignores_comments() -> None:
    assert compiled(STATS).source == compiled("# a word\n" + STATS).source
    assert compiled(STATS).source["text"] != compiled(STATS.replace("stats.csv", "new.csv")).source["text"]


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


TAKES = "  - {id: b, component: duckdb.processor, inputs: {df: a}, config: {query: SELECT * FROM df}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "pipeline.yaml:1:5: invalid YAML: "),
        ("just text", "pipeline.yaml:1:1: a pipeline must be a mapping with oml_version, name and steps"),
        ("name: p\nsteps: []\n", 'pipeline.yaml:1:1: oml_version is missing; add oml_version: "0.1.0"'),
        (
            'oml_version: "9"\nname: p\nsteps: []',
            "pipeline.yaml:1:14: oml_version '9' is not supported; use '0.1.0'",
        ),
        (HEAD + "steps: []\n", "pipeline.yaml:3:8: steps is empty; add a step"),
        (HEAD + "steps: 3\n", "pipeline.yaml:3:8: steps is missing or not a list"),
        (HEAD + "stepz: 3\n", "pipeline.yaml:3:1: unknown key 'stepz'; did you mean 'steps'?"),
        (
            HEAD + "steps:\n" + READ + TAKES.replace("df: a", "df: {from: a, key: rows}"),
            "input 'df' has no step; the key 'from' is called from_step: write df: {from_step: a, key: rows}",
        ),
        (
            HEAD + "steps:\n" + READ + TAKES.replace("df: a", "df: {table: a}"),
            "input 'df' has no step; write df: <step id>, or df: {from_step: <step id>, key: df}",
        ),
        (
            HEAD + "steps:\n" + READ + TAKES.replace("df: a", "df: 3"),
            "input 'df' has no step; write df: <step id>",
        ),
        (HEAD + "steps: [3]\n", "pipeline.yaml:3:9: a step must be a mapping with id, component and config"),
        (
            HEAD + "steps:\n" + READ.replace("id: a", "id: ../a"),
            "pipeline.yaml:4:10: step id '../a' is invalid",
        ),
        (HEAD + "steps:\n" + READ + READ, "pipeline.yaml:5:10: step id 'a' is a duplicate of line 4"),
        (
            HEAD + "steps:\n" + READ.replace("csv_extractor", "csv_extracto"),
            "pipeline.yaml:4:24: unknown component 'filesystem.csv_extracto'; did you mean 'filesystem.csv_extractor'?",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path", "pth"),
            "pipeline.yaml:4:59: unknown key 'pth' for filesystem.csv_extractor; did you mean 'path'?",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path: a.csv", "header: false"),
            "config of step 'a' lacks 'path', which filesystem.csv_extractor requires",
        ),
        (
            HEAD + "steps:\n  - {id: q, component: postgres.extractor, config: {query: '  '}}\n",
            "config of step 'q' lacks 'query', which postgres.extractor requires; add it: one SQL statement that returns rows",
        ),
        (
            HEAD + "steps:\n" + READ + "  - {id: w, component: supabase.writer, config: {table: }}\n",
            "config of step 'w' lacks 'table', which supabase.writer requires; add it: table to write to",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "[1]"),
            "pipeline.yaml:4:65: invalid value [1] for 'path': expected string or list",
        ),
        (
            HEAD + "steps:\n" + READ.replace("config:", "mode: write, config:"),
            "filesystem.csv_extractor does not support mode 'write'; use read",
        ),
        (
            HEAD
            + "steps:\n  - {id: j, component: duckdb.processor, needs: [k], config: {query: SELECT 1}}\n",
            "pipeline.yaml:4:49: step 'j' needs unknown step 'k'",
        ),
        (
            HEAD
            + "steps:\n  - {id: j, component: duckdb.processor, needs: [k], config: {query: SELECT 1}}\n"
            + "  - {id: k, component: duckdb.processor, needs: [j], config: {query: SELECT 1}}\n",
            "steps need each other in a cycle: j → k → j",
        ),
        (
            HEAD + "steps:\n" + READ.replace("}}", "}, after: [b]}"),
            "pipeline.yaml:4:80: step 'a' runs after unknown step 'b'",
        ),
        (
            HEAD
            + "steps:\n"
            + READ.replace("}}", "}, after: [b]}")
            + READ.replace("id: a,", "id: b, after: a,"),
            "pipeline.yaml:4:80: steps need each other in a cycle: a → b → a",
        ),
        (
            HEAD + "steps:\n" + READ.replace("}}", "}, after: 'b, c'}"),
            "pipeline.yaml:4:80: after contains 'b, c', which is one string; write a list: [b, c]",
        ),
        (
            HEAD + "steps:\n" + READ.replace("}}", "}, tags: [1]}"),
            "pipeline.yaml:4:79: tags must be a list of names: [<name>, …]",
        ),
        (
            HEAD + "steps:\n" + READ.replace("}}", "}, tags: [a+]}"),
            "pipeline.yaml:4:80: tag 'a+' is invalid: use letters, digits, '.', '_' and '-'",
        ),
        (
            HEAD + "steps:\n" + READ.replace("}}", "}, timeout: 10m}"),
            "pipeline.yaml:4:82: invalid timeout '10m'; write the seconds that the step may take, such as timeout: 600",
        ),
        *(
            (
                HEAD + "steps:\n" + READ.replace("}}", f"}}, memory: {size}}}"),
                f"pipeline.yaml:4:81: invalid memory {shown}; write a size of 768 MiB or more, which a worker needs to "
                "start, such as memory: 2GB",
            )
            for size, shown in (("fast", "'fast'"), ("500MB", "'500MB'"), ("true", "True"), ("2XB", "'2XB'"))
        ),
        *(
            (
                HEAD + "steps:\n" + READ.replace("}}", f"}}, machine: {machine}}}"),
                f"invalid machine {shown}; write the cores and the resource that a machine of a cluster must have, such as "
                "machine: {cpus: 4, name: gpu}",
            )
            for machine, shown in (
                ("gpu", "'gpu'"),
                ("{}", "{}"),
                ("{cpus: 0}", "{'cpus': 0}"),
                ("{cpus: true}", "{'cpus': True}"),
                ("{gpu: 1}", "{'gpu': 1}"),
                ("{name: a b}", "{'name': 'a b'}"),
            )
        ),
        (
            HEAD
            + "steps:\n"
            + READ.replace("}}", "}, memory: 1GB}")
            + "  - {id: b, component: duckdb.processor, inputs: {model: {from_step: a, key: m}}, config: {query: SELECT 1}}",
            "input 'model' of step 'b' is 'm' of step 'a', which is in the memory of that step's worker only; remove "
            "memory from both, because it gives a step a worker of its own",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "'${params.x}'"),
            "pipeline.yaml:4:65: parameter 'x' is not declared; add params: {x: <default>} to the pipeline",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path: a.csv", "path: a.csv, path: b.csv"),
            "pipeline.yaml:4:72: duplicate key 'path'",
        ),
        (
            HEAD + "steps:\n" + READ.replace("path: a.csv", "path: a.csv, password: hunter22"),
            "'password' is a secret in the pipeline file; move it to a connection",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "a.csv, limit: 99999999999999999999999"),
            "pipeline.yaml:4:79: 'limit' is an integer of more than 64 bits; use a smaller one or put it in quotes",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "a.csv, limit: .inf"),
            "pipeline.yaml:4:79: 'limit' is inf, which is not a finite number",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "a.csv, columns: [a, !!binary aGFsbG8=]"),
            "pipeline.yaml:4:85: 'columns' is binary; write it as text",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "a.csv, columns: !!set {a, b}"),
            "pipeline.yaml:4:81: 'columns' is a set; write a list",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", '"\\ud800"'),
            "pipeline.yaml:4:65: invalid escape: half of a surrogate pair",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "2024-13-45"),
            "pipeline.yaml:4:65: cannot be read: month must be in 1..12",
        ),
        (
            HEAD + "steps:\n" + READ.replace("a.csv", "a.csv, dtype: {[a]: str}"),
            "pipeline.yaml:4:80: a key must be text, not a list or a mapping",
        ),
        (
            HEAD + "steps: &s\n" + READ + "  - *s\n",
            "pipeline.yaml:3:8: alias refers to a part that contains it; remove the alias",
        ),
        (
            HEAD + "steps:\n" + READ.replace("{path: a.csv", "&c {path: a.csv, dtype: *c"),
            "pipeline.yaml:4:58: alias refers to a part that contains it",
        ),
        (
            HEAD + "steps:\n" + READ.replace("id: a", "id: 1"),
            "pipeline.yaml:4:10: step id 1 is not a string; put it in quotes",
        ),
        (
            HEAD + "steps:\n" + READ.replace("id: a", "id: " + "a" * 201),
            "pipeline.yaml:4:10: step id 'aaaaaaaaaaaaaaaaaaaa'… has 201 characters; use at most 200",
        ),
        (
            HEAD + "steps:\n  - {id: w, component: filesystem.csv_writer, config: {path: w.csv}}\n",
            "step 'w' has no input; add a step to its needs",
        ),
        (
            HEAD
            + "steps:\n"
            + READ
            + READ.replace("id: a", "id: b")
            + "  - {id: w, component: filesystem.csv_writer, needs: [a, b], config: {path: w.csv}}\n",
            "step 'w' has 2 inputs, but filesystem.csv_writer takes one; join them in a step before it",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, expected: str) -> None:
    assert any(expected in message for message in messages(text)), messages(text)


BOTH = "steps:\n" + READ.replace("id: a", "id: {}") + READ.replace("id: a", "id: {}")


@pytest.mark.parametrize(
    ("ids", "step", "expected"),
    [
        (
            ("a", "A"),
            "component: duckdb.processor, needs: [a, A], config: {query: SELECT 1}",
            "pipeline.yaml:6:53: needs 'a' and 'A' are both the table 'df_A' because SQL ignores case",
        ),
        (
            ("a-b", "a_b"),
            "component: duckdb.processor, needs: [a-b, a_b], config: {query: SELECT 1}",
            "pipeline.yaml:6:55: needs 'a-b' and 'a_b' are both the table 'df_a_b'; rename one of them",
        ),
        (
            ("a-b", "a_b"),
            "component: filesystem.csv_writer, needs: [a-b, a_b], config: {path: o.csv, on_several_inputs: append}",
            "needs 'a-b' and 'a_b' are both the table 'df_a_b'",
        ),
        (
            ("a", "b"),
            "component: duckdb.processor, inputs: {X: a, x: b}, config: {query: SELECT 1}",
            "pipeline.yaml:6:60: inputs 'X' and 'x' are both the table 'x' because SQL ignores case",
        ),
    ],
    ids=["upper and lower case", "signs", "signs, no SQL", "named inputs"],
)
def test_inputs_that_would_be_one_table_are_refused(ids: tuple[str, str], step: str, expected: str) -> None:
    text = HEAD + BOTH.replace("{path", "{{path").replace("csv}}", "csv}}}}").replace("- {id", "- {{id")
    assert any(expected in message for message in messages(text.format(*ids) + f"  - {{id: j, {step}}}\n"))


def test_a_writer_takes_steps_whose_names_differ_in_case_alone() -> None:
    step = "  - {id: j, component: filesystem.csv_writer, needs: [a, A], config: {path: o.csv, on_several_inputs: append}}\n"
    text = HEAD + "steps:\n" + READ + READ.replace("id: a", "id: A") + step
    assert list(bind_inputs(compiled(text).manifest.steps[2])) == ["df_a", "df_A"]


def test_a_step_id_may_be_as_long_as_file_systems_take_it(tmp_path: Path) -> None:
    text = HEAD + "steps:\n" + READ.replace("id: a", "id: " + "a" * MAX_ID_LENGTH)
    folder = run_directory.create_compile_dir(tmp_path, 1, compiled(text))
    assert (folder / "cfg" / ("a" * MAX_ID_LENGTH + ".json")).is_file()


def test_keys_are_the_text_that_stands_there() -> None:
    text = (
        HEAD
        + "steps:\n"
        + READ.replace("a.csv", "a.csv, dtype: {0: str, 007: str, on: str, 2024-01-01: str}")
    )
    assert compiled(text).configs["a"]["dtype"] == dict.fromkeys(("0", "007", "on", "2024-01-01"), "str")


def test_a_merged_key_that_is_written_anew_does_not_stand_twice() -> None:
    text = HEAD + "steps:\n" + READ.replace("{path", "&c {limit: 3, path")
    text += READ.replace("id: a", "id: b").replace("{path: a.csv", "{<<: *c, limit: 5")
    assert [config["limit"] for config in compiled(text).configs.values()] == [3, 5]
    with pytest.raises(
        PipelineError, match=r"pipeline\.yaml:5:74: invalid value .* for 'limit': expected integer"
    ):
        compiled(text.replace("limit: 5", "limit: five"))


def test_two_escapes_of_one_character_are_that_character() -> None:
    text = HEAD + "steps:\n" + READ.replace("a.csv", '"\\ud83d\\ude00.csv"')
    assert compiled(text).configs["a"]["path"] == "😀.csv"


def test_copies_of_copies_are_refused_before_they_are_made() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    text = HEAD + "params:\n" + "".join(f"  {line}\n" for line in lines) + "steps:\n" + READ
    (message,) = messages(text)
    assert message.endswith(": aliases expand to more than 100,000 copies; write the content out")


def test_a_large_pipeline_without_copies_is_taken() -> None:
    columns = ", ".join(f"c{n}" for n in range(MAX_ALIAS_EXPANSION + 1))
    text = HEAD + "steps:\n" + READ.replace("a.csv", f"a.csv, columns: [{columns}]")
    assert len(compiled(text).configs["a"]["columns"]) == MAX_ALIAS_EXPANSION + 1


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


def test_duplicate_step_id_is_no_cycle() -> None:
    step = "  - {id: b, component: duckdb.processor, config: {query: SELECT 1}}\n"
    (found,) = messages(HEAD + "steps:\n" + READ + step + step)
    assert "step id 'b' is a duplicate of line 5" in found


def test_no_message_repeats_a_secret() -> None:
    text = HEAD + "steps:\n" + READ.replace("path: a.csv", "path: a.csv, password: hunter22")
    assert "hunter22" not in "\n".join(messages(text))
