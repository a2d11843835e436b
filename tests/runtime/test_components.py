"""Components as values: every one is whole, its example compiles, and others can bring their own."""

import json
import re
import subprocess
import sys
from importlib import import_module, metadata
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.testing import CliRunner

from osiris_inspect.api import lint
from osiris_inspect.cli.app import build_app
from osiris_inspect.model.errors import PipelineError, SettingsError
from osiris_inspect.runtime.pipeline import component as components
from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN, all_components
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.pipeline.component import (
    Component,
    ConfigKey,
    near_components,
    unknown_component,
    unsupported_systems,
)
from tests.runtime.pipelines import compiled

ALL = sorted(all_components())
MINE = Component("my.reader", "Reads mine.", "my:Reader", ("read",), (), "none", produces_frame=True)


@pytest.mark.parametrize("name", ALL)
def test_a_component_says_what_it_is_and_has_a_driver(name: str) -> None:
    component = all_components()[name]
    assert component.summary.endswith(".")
    assert component.capabilities
    module, _, attribute = component.driver.partition(":")
    assert hasattr(import_module(module), attribute)
    assert (component.family is None) == (component.connection == "none")


@pytest.mark.parametrize("name", ALL)
def test_the_keys_of_a_component_are_told_apart_and_their_defaults_can_stand(name: str) -> None:
    keys = all_components()[name].keys
    assert len({key.name for key in keys}) == len(keys)
    for key in keys:
        assert key.description
        assert key.default is None or key.validation_error(key.default) is None
        assert not (key.required and key.default is not None)


@pytest.mark.parametrize("name", ALL)
def test_the_example_of_a_component_compiles(name: str) -> None:
    component = all_components()[name]
    before = (
        ""
        if component.inputs == "none"
        else "- {id: %s, component: filesystem.csv_extractor, config: {path: a.csv}}\n"
    )
    need = re.search(r"needs: \[(.*)\]", component.example)
    steps = (before % need[1] if need else "") + component.example
    indented = "".join(f"  {line}\n" for line in steps.splitlines())
    plan = compiled(f'oml_version: "0.1.0"\nname: p\nsteps:\n{indented}').manifest
    assert plan.steps[-1].driver == name


@pytest.mark.parametrize("name", ALL)
def test_show_prints_every_key_and_the_example(name: str) -> None:
    shown = CliRunner().invoke(build_app(), ["components", "show", name]).stdout
    assert all(key.name in shown for key in all_components()[name].keys)
    assert f"component: {name}" in shown


def test_list_names_all() -> None:
    lines = CliRunner().invoke(build_app(), ["components", "list"]).stdout.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == ALL
    assert [line for line in lines if "mysql" in line] == [
        "mysql.extractor               Runs a query on MySQL or MariaDB and outputs its rows. [extra mysql]"
    ]
    assert lines[-2:] == [
        "",
        "not supported: BigQuery, Databricks, Excel, JSON, Kafka, MongoDB, Oracle, Redshift, Snowflake, SQL Server",
    ]


def test_system_of_another_package_is_supported() -> None:
    assert "BigQuery" not in unsupported_systems(["bigquery.extractor"])


@pytest.mark.parametrize("name", [name for name in ALL if all_components()[name].connection == "required"])
def test_examples_of_show_work_together(name: str, tmp_path: Path) -> None:
    shown = CliRunner().invoke(build_app(), ["components", "show", name]).stdout
    _, step, connection = re.split(r"\nexample [^\n]*\n", shown)
    (tmp_path / "osiris_connections.yaml").write_text(dedent(connection))
    source = "  - {id: compute-stats, component: filesystem.csv_extractor, config: {path: a}}\n"
    source = source if "needs: " in step else ""
    (tmp_path / "p.yaml").write_text(f'oml_version: "0.1.0"\nname: p\nsteps:\n{source}{step}')
    messages = [
        message for message in lint(tmp_path / "p.yaml") if "is never used" not in message.problem.message
    ]
    assert messages == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("csv", ["filesystem.csv_extractor", "filesystem.csv_writer"]),
        ("csv.extractor", ["filesystem.csv_extractor"]),
        ("filesystem.csv", ["filesystem.csv_extractor", "filesystem.csv_writer"]),
        ("csv-reader", ["filesystem.csv_extractor"]),
        ("parquet.writer", ["filesystem.parquet_writer"]),
        ("filesystem.csv_extracto", ["filesystem.csv_extractor"]),
        ("postgresql.reader", ["postgres.extractor"]),
        ("DuckDB.Processor", ["duckdb.processor"]),
        ("duckdb", ["duckdb.processor"]),
        ("mysql.writer", ["mysql.extractor"]),
        ("oracle.extractor", []),
        ("...", []),
        ("csv." * 40, []),
    ],
)
def test_near_components_compares_words(name: str, near: list[str]) -> None:
    assert near_components(name, [component.name for component in BUILT_IN]) == near


@pytest.mark.parametrize(
    ("name", "near", "expected"),
    [
        ("csv", ["f.csv_a", "f.csv_b"], "unknown component 'csv'; did you mean 'f.csv_a' or 'f.csv_b'?"),
        (
            "mysql.sink",
            ["mysql.extractor"],
            "unknown component 'mysql.sink'; there is only 'mysql.extractor'",
        ),
        ("SQLServer.x", [], "unknown component 'SQLServer.x'; SQL Server is not supported; use one of a, b"),
        ("x.y", [], "unknown component 'x.y'; use one of a, b"),
    ],
)
def test_unknown_component_names_what_helps(name: str, near: list[str], expected: str) -> None:
    assert unknown_component(name, ["b", "a"], near) == expected


def test_show_of_an_unknown_one_says_what_was_perhaps_meant() -> None:
    done = CliRunner().invoke(build_app(), ["components", "show", "mysql.extracter"])
    assert str(done.exception) == "unknown component 'mysql.extracter'; did you mean 'mysql.extractor'?"


def test_asking_about_components_loads_no_driver_and_no_heavy_package() -> None:
    code = "from osiris_inspect.runtime.pipeline import builtin_components; builtin_components.all_components(); import sys, json; print(json.dumps([m for m in sys.modules if m in ('pandas', 'pyarrow', 'duckdb', 'pymysql', 'psycopg', 'httpx')]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (ConfigKey("k", "text", ""), 1, "invalid value 1 for 'k': expected string"),
        (ConfigKey("k", "whole", ""), True, "invalid value True for 'k': expected integer"),
        (ConfigKey("k", "whole", "", minimum=1), 0, "invalid value 0 for 'k': expected integer >= 1"),
        (ConfigKey("k", "number", ""), "1", "invalid value '1' for 'k': expected number"),
        (ConfigKey("k", "switch", ""), 1, "invalid value 1 for 'k': expected true/false"),
        (ConfigKey("k", "texts", ""), [], "invalid value [] for 'k': expected string or list"),
        (ConfigKey("k", "texts", ""), ["a", "b"], None),
        (ConfigKey("k", "list or switch", ""), False, None),
        (
            ConfigKey("k", "text", "", choices=("a", "b")),
            "c",
            "invalid value 'c' for 'k': expected one of 'a', 'b'",
        ),
        (ConfigKey("k", "text", "", ignored=True), {"any": 1}, None),
    ],
)
def test_what_a_key_takes(key: ConfigKey, value: Any, expected: str | None) -> None:
    assert key.validation_error(value) == expected


def test_a_key_that_another_makes_required_is_asked_for() -> None:
    text = 'oml_version: "0.1.0"\nname: p\nsteps:\n  - {id: r, component: filesystem.csv_extractor, config: {path: a}}\n  - {id: w, component: supabase.writer, config: {table: t, write_mode: %s}}\n'
    assert compiled(text % "append").manifest.steps[1].needs == ("r",)
    for mode in ("upsert", "replace"):
        with pytest.raises(
            PipelineError,
            match=f"config of step 'w' lacks 'primary_key', which supabase.writer requires with write_mode: {mode}",
        ):
            compiled(text % mode)


def test_a_key_column_is_no_secret_and_stands_in_the_compiled_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'oml_version: "0.1.0"\nname: p\nsteps:\n  - {id: r, component: filesystem.csv_extractor, config: {path: a}}\n  - {id: w, component: supabase.writer, config: {table: t, write_mode: upsert, primary_key: [id, at]}}\n'
    (tmp_path / "p.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    folder = Path(CliRunner().invoke(build_app(), ["compile", "p.yaml"]).stdout.strip())
    assert json.loads((folder / "cfg" / "w.json").read_bytes())["primary_key"] == ["id", "at"]


def test_keys_that_pipelines_of_the_original_write_are_taken_and_left_out() -> None:
    text = 'oml_version: "0.1.0"\nname: p\nsteps:\n  - {id: r, component: mysql.extractor, mode: extract, config: {query: SELECT 1, batch_size: 10000, pool_size: 5, echo: false, schema: null}}\n'
    config = compiled(text).configs["r"]
    assert config["mode"] == "read"
    assert not {"batch_size", "pool_size", "echo", "schema"} & set(config)


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Entry points of installed packages, made up; what they name is real."""

    def offer(*found: EntryPoint) -> None:
        monkeypatch.setattr(
            metadata, "entry_points", lambda group: found if group == components.GROUP else ()
        )
        all_components.cache_clear()

    yield offer
    monkeypatch.undo()
    all_components.cache_clear()


def entry(value: str) -> EntryPoint:
    return EntryPoint("mine", f"tests.runtime.test_components:{value}", components.GROUP)


def test_a_component_of_another_package_is_one_like_the_others(entries: Any) -> None:
    entries(entry("MINE"))
    text = 'oml_version: "0.1.0"\nname: p\nsteps:\n  - {id: a, component: my.reader}\n'
    assert compile_pipeline(text, "p.yaml", all_components()).manifest.steps[0].driver == "my.reader"


TAKEN = Component(
    "duckdb.processor", "Takes a name.", "my:Reader", ("read",), (), "none", produces_frame=True
)
NO_COMPONENT = "text"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NOT_THERE", "component 'mine' of .* cannot be loaded: AttributeError"),
        ("NO_COMPONENT", "entry point 'mine' of .* names a str; let it name a Component"),
        ("TAKEN", "component 'duckdb.processor' of .*: another component has this name; rename one of them"),
    ],
)
def test_a_component_of_another_package_that_cannot_be_used_names_the_package(
    entries: Any, value: str, expected: str
) -> None:
    entries(entry(value))
    with pytest.raises(SettingsError, match=expected):
        all_components()


def test_last_compile_is_run_without_its_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.runtime.pipelines import STATS, with_movies

    monkeypatch.chdir(with_movies(tmp_path))
    (tmp_path / "p.yaml").write_text(STATS)
    cli = CliRunner()
    assert "no compiled pipeline under logs" in str(
        cli.invoke(build_app(), ["run", "--last-compile"]).exception
    )
    folder = Path(cli.invoke(build_app(), ["compile", "p.yaml"]).stdout.strip())
    (tmp_path / "p.yaml").unlink()
    done = cli.invoke(build_app(), ["run", "--last-compile", "--quiet"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "stats.csv").read_text().startswith("director,movies\n")
    (folder / "cfg" / "write-stats.json").unlink()
    done = cli.invoke(build_app(), ["run", "--last-compile"])
    assert "step 'write-stats' has no configuration cfg/write-stats.json; compile the pipeline again" in str(
        done.exception
    )
