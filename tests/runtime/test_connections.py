"""@family.alias to what a driver connects with, and every way in which that can fail."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.cli.app import build_app
from osiris_inspect.model.errors import DriverError, OsirisError, PipelineError, SettingsError
from osiris_inspect.runtime.connections import connections
from osiris_inspect.runtime.connections import env_file as variables
from osiris_inspect.runtime.connections.connections import Connections, ConnectionsFile
from osiris_inspect.runtime.connections.env_file import EnvironmentVariables
from osiris_inspect.runtime.connections.families import (
    FAMILIES,
    ConnectionFamily,
    example_lines,
    key_mistakes,
)
from osiris_inspect.runtime.drivers import connection_test
from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN, all_components
from tests.runtime.pipelines import compiled

FILE = """\
connections:
  mysql:
    main:
      host: ${DB_HOST:-localhost}
      database: movies
      user: osiris
      password: ${DB_PASSWORD}
    other: {host: h2, database: d2, user: u2, password: geheim-2, default: true}
  supabase:
    cloud: {url: "https://x.supabase.co", key: "${SUPABASE_KEY}", pg_dsn: "postgresql://u:p%40ss-word@h/db"}
"""
PIPELINE = """\
oml_version: "0.1.0"
name: p
steps:
  - id: read
    component: mysql.extractor
    config:
      connection: "@mysql.main"
      query: SELECT 1
  - id: write
    component: supabase.writer
    config: {connection: "@supabase.cloud", table: t}
"""
EXAMPLE = (
    "e.g. connections: {mysql: {db_movies: {host: localhost, port: 3306, database: movies, user: app, "
    'password: "${MYSQL_PASSWORD}"}}}'
)
ENVIRONMENT = {"DB_PASSWORD": "s3cret-word", "SUPABASE_KEY": "sb_secret_value"}


def book(folder: Path, text: str = FILE, environment: dict[str, str] | None = None) -> ConnectionsFile:
    (folder / connections.FILE).write_text(text)
    told = EnvironmentVariables(ENVIRONMENT if environment is None else environment)
    return connections.load_connections(folder / connections.FILE, told)


def problems(
    folder: Path, pipeline: str = PIPELINE, text: str = FILE, environment: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        connections.resolve_connections(compiled(pipeline), all_components(), book(folder, text, environment))
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_reference_becomes_the_values_of_its_alias(tmp_path: Path) -> None:
    found = connections.resolve_connections(compiled(PIPELINE), all_components(), book(tmp_path)).by_step
    assert found["read"] == {
        "host": "localhost",
        "database": "movies",
        "user": "osiris",
        "password": "s3cret-word",
        "family": "mysql",
        "alias": "main",
    }
    assert found["write"]["key"] == "sb_secret_value"


def test_secrets_are_the_values_of_secret_keys_and_the_passwords_in_addresses(tmp_path: Path) -> None:
    found = connections.resolve_connections(compiled(PIPELINE), all_components(), book(tmp_path))
    assert set(found.secrets) >= {"s3cret-word", "sb_secret_value", "p%40ss-word", "p@ss-word"}
    assert not {"localhost", "movies", "osiris"} & set(found.secrets)


def test_empty_password_masks_nothing(tmp_path: Path) -> None:
    file = book(tmp_path, "connections: {mysql: {main: {user: u, password: }}}")
    assert file.resolve("mysql", "main") == ({"user": "u", "password": None}, ())


def test_nothing_of_a_connection_shows_in_its_repr(tmp_path: Path) -> None:
    assert "s3cret" not in repr(
        connections.resolve_connections(compiled(PIPELINE), all_components(), book(tmp_path))
    )


@pytest.mark.parametrize(
    ("reference", "aliases", "meant"),
    [
        ("@mysql", "{a: {database: d, user: u}, b: {database: d, user: u, default: true}}", "b"),
        ("@mysql", "{a: {database: d, user: u}, default: {database: d, user: u}}", "default"),
        ("@mysql", "{a: {database: d, user: u}}", "a"),
        ("@mysql.a", "{a: {database: d, user: u}, b: {database: d, user: u, default: true}}", "a"),
        (None, "{a: {database: d, user: u}, b: {database: d, user: u, default: true}}", "b"),
    ],
)
def test_which_alias_a_reference_means(
    tmp_path: Path, reference: str | None, aliases: str, meant: str
) -> None:
    line = f'      connection: "{reference}"\n' if reference else ""
    text = PIPELINE.split("  - id: write", maxsplit=1)[0].replace('      connection: "@mysql.main"\n', line)
    found = connections.resolve_connections(
        compiled(text), all_components(), book(tmp_path, f"connections: {{mysql: {aliases}}}")
    )
    assert found.by_step["read"]["alias"] == meant


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("@mysql.main", "@mysql.mian", "pipeline.yaml:7:19: cannot resolve connection @mysql.mian of step 'read': osiris_connections.yaml has no connection mysql.mian; did you mean 'main'?; its aliases are main, other"),
        ("@supabase.cloud", "@supabase.sky", "pipeline.yaml:11:26: cannot resolve connection @supabase.sky of step 'write': osiris_connections.yaml has no connection supabase.sky; its aliases are cloud"),
    ],
)  # fmt: skip
def test_an_unknown_alias_names_the_place_the_file_and_what_there_is(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert problems(tmp_path, PIPELINE.replace(old, new)) == [expected]


def test_an_unknown_family_says_which_there_are(tmp_path: Path) -> None:
    found = problems(tmp_path, text=FILE.replace("  supabase:", "  supabse:"))
    assert (
        "has no connections of family 'supabase'; did you mean 'supabse'?; its families are mysql, supabse"
        in found[0]
    )


def test_several_aliases_and_no_default_is_no_guess(tmp_path: Path) -> None:
    text = PIPELINE.split("  - id: write", maxsplit=1)[0].replace("@mysql.main", "@mysql")
    found = problems(tmp_path, text, "connections: {mysql: {a: {user: u}, b: {user: u}}}")
    assert "several connections of family 'mysql', but no default: a, b; use @mysql.<alias>" in found[0]


def test_each_variable_that_is_not_set_is_named_with_file_line_connection_and_key(tmp_path: Path) -> None:
    assert problems(tmp_path, environment={}) == [
        "osiris_connections.yaml:7:17: connection mysql.main takes 'password' from the environment variable DB_PASSWORD, "
        "which is not set; set it (searched the environment; there is no .env file)",
        "osiris_connections.yaml:10:48: connection supabase.cloud takes 'key' from the environment variable SUPABASE_KEY, "
        "which is not set; set it (searched the environment; there is no .env file)",
    ]


def test_a_variable_of_a_connection_that_no_step_uses_may_be_unset(tmp_path: Path) -> None:
    text = PIPELINE.split("  - id: write", maxsplit=1)[0].replace("@mysql.main", "@mysql.other")
    assert (
        connections.resolve_connections(
            compiled(text), all_components(), book(tmp_path, environment={})
        ).by_step["read"]["user"]
        == "u2"
    )


def test_without_a_file_the_message_says_where_it_was_looked_for(tmp_path: Path) -> None:
    empty = connections.load_connections(None, EnvironmentVariables({}), [tmp_path])
    with pytest.raises(
        PipelineError, match=f"no connections file; create {tmp_path}/osiris_connections.yaml"
    ):
        connections.resolve_connections(compiled(PIPELINE), all_components(), empty)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connections: [", "invalid YAML"),
        ("mysql: {}", f"expected host/user/… under connections → mysql → db_movies, {EXAMPLE}"),
        ("connections: {mysql: 3}", f"expected host/user/… under connections → mysql → <alias>, {EXAMPLE}"),
        (
            "connections: {mysql: {main: 3}}",
            f"expected host/user/… under connections → mysql → main, {EXAMPLE.replace('db_movies', 'main')}",
        ),
        (
            "connections: {mysql: {host: h, user: u}}",
            "keys are directly under 'mysql', without a name of the connection; expected host/user/… under "
            f"connections → mysql → <alias>, {EXAMPLE}",
        ),
        ("connections: {odd: {a: 3}}", "expected host/user/… under connections → odd → a, e.g. "),
        (
            "connections: {mysql: {a: {default: true}, b: {default: true}}}",
            "family 'mysql' has several defaults: a, b",
        ),
        ("connections: {mysql: {a: {user: u}, a: {user: u}}}", "duplicate key 'a'"),
    ],
)
def test_a_file_that_is_none_is_named_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(PipelineError, match=r"osiris_connections\.yaml:1:\d+: ") as caught:
        book(tmp_path, text)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("mysql.main", "invalid connection 'mysql.main'; write @mysql.<alias>, or @mysql for the default connection"),
        ("@mysql.a.b", "invalid connection '@mysql.a.b'; write @mysql.<alias>, or @mysql for the default connection"),
        ("@supabase.cloud", "connection '@supabase.cloud' is of family 'supabase'; mysql.extractor requires family 'mysql'"),
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_is_found_by_compiling(reference: str, expected: str) -> None:
    with pytest.raises(PipelineError) as caught:
        compiled(PIPELINE.replace("@mysql.main", reference))
    assert str(caught.value) == f"pipeline.yaml:7:19: {expected}"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A = spaced  # a comment", "spaced"),
        ("A='as # it $is\\n'", "as # it $is\\n"),
        ('A="a \\"b\\" # c\\nd"', 'a "b" # c\nd'),
        ("A=p@ss:w/o%r!d#ä", "p@ss:w/o%r!d#ä"),
        ("A=", ""),
        ("# no\n\nA=x\r", "x"),
        ('A="two\nlines"', "two\nlines"),
    ],
)
def test_lines_of_an_env_file(line: str, value: str) -> None:
    assert variables.parse(line, ".env") == {"A": value}


def test_a_line_of_an_env_file_that_is_none_is_named_and_not_shown() -> None:
    with pytest.raises(PipelineError) as caught:
        variables.parse("A=1\ns3cret without a name\nB='open", ".env")
    assert str(caught.value).splitlines() == [
        ".env:2:1: invalid line; write NAME=value",
        ".env:3:1: missing closing '",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "one"),
        ("x${A}y${B:-two}", "xoneytwo"),
        ("${E:-default}", "default"),
        ("${E}", ""),
        ("${N:-}", ""),
        ("${N:-${A}}", "one"),
        ("${N}", None),
        ("$A and {A}", "$A and {A}"),
    ],
)
def test_variables_are_filled_in_as_a_shell_does(text: str, expected: str | None) -> None:
    assert variables.substitute_variables(text, EnvironmentVariables({"A": "one", "E": ""}))[0] == expected


def test_the_environment_comes_before_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    found = variables.read({"A": "environment"}, tmp_path / ".env")
    assert (found.get("A"), found.get("B")) == ("environment", "file")


def test_a_connections_file_that_was_named_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read --connections .*nope\.yaml: not a file"):
        connections.find_connections_file(tmp_path / "nope.yaml", [tmp_path])


def test_no_connections_is_empty() -> None:
    assert Connections() == Connections({}, ())


def test_list_masks_what_is_secret_and_shows_the_names_of_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(build_app(), ["connections", "list"]).stdout
    assert "@mysql.other (default)" in shown
    assert "password: ${DB_PASSWORD}" in shown
    assert "geheim-2" not in shown
    assert "p%40ss-word" not in shown


def test_an_alias_that_is_a_number_is_the_text_that_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / connections.FILE).write_text(
        "connections: {filesystem: {1: {base_dir: /}, 007: {base_dir: /}}}"
    )
    monkeypatch.chdir(tmp_path)
    assert "@filesystem.1\n" in CliRunner().invoke(build_app(), ["connections", "list"]).stdout
    for word in ([], ["@filesystem.1"], ["filesystem.007"]):
        assert CliRunner().invoke(build_app(), ["connections", "test", *word]).exit_code == 0
    pipeline = PIPELINE.replace("@mysql.main", "@mysql.1")
    found = connections.resolve_connections(
        compiled(pipeline), all_components(), book(tmp_path, FILE.replace("main:", "1:"))
    )
    assert found.by_step["read"]["alias"] == "1"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("99999999999999999999", "'port' is an integer of more than 64 bits"),
        ("!!binary aGFsbG8=", "'port' is binary; write it as text"),
        ("[1, .nan]", "'port' is nan, which is not a finite number"),
    ],
)
def test_a_value_that_cannot_be_sent_is_named_with_its_line(tmp_path: Path, value: str, said: str) -> None:
    text = FILE.replace("database: movies", f"port: {value}")
    assert any(
        problem.startswith("osiris_connections.yaml:5:") and f"connection mysql.main: {said}" in problem
        for problem in problems(tmp_path, text=text)
    )


def test_test_says_of_each_connection_whether_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"connections: {{filesystem: {{a: {{base_dir: {tmp_path}}}, b: {{base_dir: /nope}}}}, mysql: {{m: {{host: 127.0.0.1, port: 1, database: d, user: u, password: geheim-3}}}}}}"
    (tmp_path / connections.FILE).write_text(text)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(build_app(), ["connections", "test"])
    assert done.exit_code == 1
    assert done.stdout == f"@filesystem.a works: folder {tmp_path}\n"
    assert "@filesystem.b failed: base_dir /nope is not a folder" in done.stderr
    assert (
        "@mysql.m failed: MySQL connection failed: the connection (u at 127.0.0.1:1): connection refused"
        in done.stderr
    )
    assert "geheim-3" not in done.output


def test_run_stops_before_its_first_step_where_a_variable_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(tmp_path)
    (tmp_path / "p.yaml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    done = CliRunner().invoke(build_app(), ["run", "p.yaml"])
    assert isinstance(done.exception, OsirisError)
    assert "DB_PASSWORD" in str(done.exception)
    assert not (tmp_path / "logs").exists()


def test_the_place_of_a_step_without_a_connection_is_the_step(tmp_path: Path) -> None:
    plan = compiled(PIPELINE.replace('      connection: "@mysql.main"\n', ""))
    assert plan.connection_positions["read"] == (4, 5)
    assert replace(plan).connection_positions["write"] == (10, 26)


@pytest.mark.parametrize("family", ["mysql", "postgres", "supabase"])
def test_connection_test_of_database_rejects_empty_connection(family: str) -> None:
    with pytest.raises(DriverError, match=r"has no 'database'|needs url"):
        connection_test.test_connection(family, {})


NEEDS_MYSQL = EXAMPLE.partition("db_movies: ")[2].removesuffix("}}")


@pytest.mark.parametrize(
    ("family", "values", "expected"),
    [
        ("mysql", {"hostname": "h", "username": "u", "db": "d"}, [
            "unknown key 'hostname'; did you mean 'host'?",
            "unknown key 'username'; did you mean 'user'?",
            "unknown key 'db'; did you mean 'database'?",
        ]),
        ("mysql", {"host": "h", "database": "d", "user": "u", "pwd": "x", "pool_size": 3, "default": True}, [
            "unknown key 'pwd'; did you mean 'password'?",
        ]),
        ("mysql", {"host": "h"}, [
            f"lacks 'database' and 'user'; mysql needs database and user, e.g. {NEEDS_MYSQL}",
        ]),
        ("mysql", {"database": "", "user": "u"}, [
            f"lacks 'database'; mysql needs database and user, e.g. {NEEDS_MYSQL}",
        ]),
        ("postgres", {"pg_dsn": "postgresql://u:p@h/d"}, []),
        ("postgres", {"url": "postgresql://u:p@h/d"}, ["unknown key 'url'; did you mean 'dsn'?"]),
        ("postgres", {"user": "u"}, [
            "lacks 'database'; postgres needs database and user, or dsn, e.g. {host: localhost, port: 5432, "
            'database: movies, user: app, password: "${PG_PASSWORD}"}',
        ]),
        ("supabase", {"url": "https://x.supabase.co", "anon_key": "k"}, []),
        ("supabase", {"url": "https://x.supabase.co"}, [
            "lacks 'key'; supabase needs url and key, or pg_dsn, "
            'e.g. {url: "https://abc.supabase.co", key: "${SUPABASE_KEY}"}',
        ]),
        ("filesystem", {"path": "data"}, ["unknown key 'path'; did you mean 'base_dir'?"]),
        ("filesystem", {}, []),
        ("filesystem", {"zzz": 1}, [
            "unknown key 'zzz'; filesystem has base_dir, default, description, not_secret, max_parallel",
        ]),
        ("mysql", {"database": "d", "user": "u", "password:hunter-2": None}, [
            "unknown key 'password:***'; did you mean 'password'?",
        ]),
    ],
)  # fmt: skip
def test_wrong_keys_are_named_with_near_ones(
    family: str, values: dict[str, object], expected: list[str]
) -> None:
    assert [text for text, _ in key_mistakes(FAMILIES[family], values, Suggestions())] == expected


def test_families_are_those_of_built_in_components() -> None:
    assert {component.family for component in BUILT_IN} - {None} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_example_of_family_has_no_mistake(family: ConnectionFamily) -> None:
    written = yaml.safe_load("\n".join(example_lines([family.name])))
    assert written == {"connections": {family.name: {family.alias: dict(family.example)}}}
    assert yaml.safe_load(family.inline_example) == dict(family.example)
    assert list(key_mistakes(family, family.example, Suggestions())) == []


def test_family_of_another_package_has_unknown_keys(tmp_path: Path) -> None:
    file = book(tmp_path, "connections: {mysql: {a: {hosts: h}}, odd: {a: {x: 1}}}")
    built_in = next(component for component in BUILT_IN if component.family == "mysql")
    other = replace(built_in, name="mysql.writer", driver="other.drivers:Writer")
    assert len(file.key_problems("mysql", "a", BUILT_IN, Suggestions())) == 2
    assert file.key_problems("mysql", "a", [*BUILT_IN, other], Suggestions()) == []
    assert file.key_problems("odd", "a", BUILT_IN, Suggestions()) == []


WRONG = FILE.replace("host: ${DB_HOST:-localhost}", "hostname: h")
UNKNOWN = "osiris_connections.yaml:4:7: connection mysql.main: unknown key 'hostname'; did you mean 'host'?"


def test_run_names_wrong_keys_of_used_connections(tmp_path: Path) -> None:
    assert problems(tmp_path, text=WRONG.replace("host: h2", "hosts: h2")) == [UNKNOWN]


@pytest.mark.parametrize("command", [["connections", "list"], ["run", "p.yaml"], ["lint", "p.yaml"]])
def test_commands_name_unknown_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    book(tmp_path, WRONG)
    (tmp_path / "p.yaml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(build_app(), command)
    assert done.exit_code == 1
    expected = UNKNOWN.replace("4:7:", "4:7: error:") if command[0] == "lint" else UNKNOWN
    assert (done.stdout if command[0] == "lint" else str(done.exception)).splitlines() == [expected]


def test_connection_test_names_unknown_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book(tmp_path, WRONG)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(build_app(), ["connections", "test", "@mysql.main"])
    assert (done.exit_code, done.stderr) == (1, f"@mysql.main failed: {UNKNOWN}\n")


@pytest.mark.parametrize("command", ["list", "test"])
def test_missing_file_is_an_error_with_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(build_app(), ["connections", command])
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "osiris-inspect: there is no osiris_connections.yaml; osiris-inspect init connections writes one, such as",
        *example_lines(["mysql"]),
    ]
    (tmp_path / "osiris_connections.yaml").write_text("connections: {}")
    done = CliRunner().invoke(build_app(), ["connections", command])
    assert done.exit_code == 2
    assert (
        "osiris_connections.yaml has no connections; osiris-inspect init connections writes one, such as\n"
        in done.stderr
    )


def test_lint_warns_of_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(build_app(), ["lint", "p.yaml"])
    assert (done.exit_code, done.stdout) == (
        0,
        "p.yaml:7:19: warning: cannot resolve connection @mysql.main of step 'read': no connections file; "
        "create osiris_connections.yaml, for example with osiris-inspect init connections\n",
    )
    (tmp_path / "c.yaml").write_text(FILE.replace("main:", "mean:"))
    done = CliRunner().invoke(build_app(), ["lint", "p.yaml", "--connections", "c.yaml"])
    assert done.exit_code == 1
    assert "error: cannot resolve connection @mysql.main of step 'read': c.yaml has no" in done.stdout


def in_folders(folder: Path) -> None:
    """Write a pipeline with its connections into a folder, and other connections beside the folder."""
    (folder / "pipes").mkdir()
    steps = "  - {id: a, component: mysql.extractor, config: {connection: '@mysql.two', query: SELECT 1}}\n"
    (folder / "pipes/p.yaml").write_text(f'oml_version: "0.1.0"\nname: p\nsteps:\n{steps}')
    values = '{host: 127.0.0.1, port: 1, database: d, user: u, password: "${DB_PW}"}'
    (folder / "pipes/osiris_connections.yaml").write_text(
        f"connections: {{mysql: {{one: {values}, two: {values}}}}}\n"
    )
    (folder / "pipes/.env").write_text("DB_PW=Zx9-beside-the-pipeline\n")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["pipes/p.yaml"], ["@mysql.two"]),
        (["--base", "pipes"], ["@mysql.one", "@mysql.two"]),
        (["--connections", "pipes/osiris_connections.yaml"], ["@mysql.one", "@mysql.two"]),
    ],
)
def test_list_starts_at_the_folder_of_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], names: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    in_folders(tmp_path)
    done = CliRunner().invoke(build_app(), ["connections", "list", *words])
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("@")] == names


def test_pipeline_selects_its_connections_for_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    in_folders(tmp_path)
    done = CliRunner().invoke(build_app(), ["connections", "test", "pipes/p.yaml"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("@mysql.two failed: MySQL connection failed: ")
    assert "connection refused" in done.stderr
    assert "one" not in done.stderr


def test_connections_file_of_another_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    in_folders(tmp_path)
    done = CliRunner().invoke(build_app(), ["connections", "list"])
    file = "pipes/osiris_connections.yaml"
    assert str(done.exception) == (
        f"there is no osiris_connections.yaml, but {file} exists; name a pipeline of its folder, or --connections {file}"
    )
    done = CliRunner().invoke(build_app(), ["connections", "list", file])
    assert str(done.exception) == f"{file} is not a pipeline: it has no oml_version or no steps"
