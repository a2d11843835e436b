"""``init``: files that work as they are written, and existing files that stay."""

import json
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from osiris_inspect.api import lint
from osiris_inspect.cli.app import build_app
from osiris_inspect.cli.pipeline import starter_files

PIPELINE = """\
oml_version: "0.1.0"
name: p
steps:
  - {id: a, component: mysql.extractor, config: {connection: "@mysql.db_a", query: SELECT 1}}
  - {id: b, component: mysql.extractor, config: {connection: "@mysql.db-b", query: SELECT 1}}
  - {id: w, component: postgres.writer, needs: [a], config: {connection: "@postgres", table: t}}
  - {id: v, component: filesystem.csv_writer, needs: [b], config: {path: out.csv}}
"""
CONNECTIONS = """\
# Connections of pipelines: family, name, keys. A step refers to one as @family.name.
# `osiris-inspect components show NAME` lists the keys; `osiris-inspect connections test` connects.
# ${NAME} comes from the environment or from a file .env beside this one; keep .env out of git:
#   MYSQL_DB_A_PASSWORD=...
#   MYSQL_DB_B_PASSWORD=...
#   PG_PASSWORD=...
connections:
  mysql:
    db_a:
      host: localhost
      port: 3306
      database: movies
      user: app
      password: ${MYSQL_DB_A_PASSWORD}
    "db-b":
      host: localhost
      port: 3306
      database: movies
      user: app
      password: ${MYSQL_DB_B_PASSWORD}
  postgres:
    main:
      host: localhost
      port: 5432
      database: movies
      user: app
      password: ${PG_PASSWORD}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*words: str) -> Any:
    return CliRunner().invoke(build_app(), list(words))


@pytest.mark.parametrize("words", [["init"], ["init", "pipeline"]])
def test_starter_pipeline_lints_and_runs(folder: Path, words: list[str]) -> None:
    done = ask(*words)
    expected = "wrote pipeline.yaml\nwrote orders.csv\nnext: osiris-inspect run pipeline.yaml\n"
    assert (done.exit_code, done.stdout) == (0, expected)
    linted = ask("lint", "pipeline.yaml", "--strict")
    assert (linted.exit_code, linted.stdout) == (0, "")
    assert ask("run", "pipeline.yaml", "--param", "min_amount=50").exit_code == 0
    assert (folder / "totals.csv").read_text() == "country,orders,amount\nCZ,3,204.65\nDE,2,320.0\n".replace(
        "CZ,3,204.65", "CZ,2,184.75"
    )


@pytest.mark.parametrize("existing", ["pipeline.yaml", "orders.csv"])
def test_existing_file_is_named_and_nothing_written(folder: Path, existing: str) -> None:
    (folder / existing).write_text("mine")
    assert_refused(ask("init"), f"{existing} exists; nothing was written: rename or remove it")
    assert {file.name: file.read_text() for file in folder.iterdir()} == {existing: "mine"}


def test_dangling_link_is_not_written_through(folder: Path) -> None:
    (folder / "orders.csv").symlink_to(folder / "elsewhere")
    assert_refused(ask("init"), "orders.csv exists; nothing was written: rename or remove it")
    assert [file.name for file in folder.iterdir()] == ["orders.csv"]


def assert_refused(done: Any, message: str) -> None:
    from osiris_inspect.cli.support.exit_codes import USAGE, exit_code_of

    assert (str(done.exception), exit_code_of(done.exception)) == (message, USAGE)


def test_connections_fit_pipelines_of_folder(folder: Path) -> None:
    (folder / "p.yaml").write_text(PIPELINE)
    (folder / "compose.yml").write_text("services: {a: {image: b}}")
    done = ask("init", "connections")
    assert done.stdout == "wrote osiris_connections.yaml\nnext: osiris-inspect connections test\n"
    assert (folder / "osiris_connections.yaml").read_text() == CONNECTIONS
    assert lint("p.yaml") == []
    assert_refused(
        ask("init", "connections"),
        "osiris_connections.yaml exists; nothing was written: rename or remove it",
    )


def test_connections_need_a_pipeline_that_uses_one() -> None:
    assert_refused(
        ask("init", "connections"),
        "no pipeline in this folder uses a connection; add a step that does, "
        "see osiris-inspect components show mysql.extractor",
    )


def test_broken_pipeline_is_named(folder: Path) -> None:
    (folder / "p.yaml").write_text("oml_version: [")
    assert str(ask("init", "connections").exception).startswith("p.yaml:1:")


@pytest.mark.parametrize(
    ("sign", "content", "file", "hint"),
    [
        (".github/x", "", ".github/workflows/osiris-inspect.yml", ""),
        (".git/config", "  url = git@github.com:a/b.git", ".github/workflows/osiris-inspect.yml", ""),
        (".git/config", "  url = https://gitlab.example/a", ".gitlab-ci.yml", ""),
        (".git/config", "  url = https://dev.azure.com/a", "azure-pipelines.yml", ""),
        (".gitlab-ci.yml", "", "osiris-inspect.gitlab-ci.yml", "add to .gitlab-ci.yml: include: "
         "{local: osiris-inspect.gitlab-ci.yml}; "),
        ("azure-pipelines.yml", "", "osiris-inspect.azure-pipelines.yml", "add to the steps of "
         "azure-pipelines.yml: - template: osiris-inspect.azure-pipelines.yml; "),
    ],
)  # fmt: skip
def test_ci_system_of_folder_is_detected(folder: Path, sign: str, content: str, file: str, hint: str) -> None:
    (folder / sign).parent.mkdir(exist_ok=True)
    (folder / sign).write_text(content)
    done = ask("init", "ci")
    replace = "replace the address after @ in the install step; "
    assert done.stdout == f"wrote {file}\nnext: {replace}{hint}git add {file}\n"
    assert (folder / file).is_file()
    assert (folder / sign).read_text() == content


def test_unknown_ci_system_is_asked_for() -> None:
    message = "cannot tell the CI system from this folder; name it with --system github, gitlab or azure"
    assert_refused(ask("init", "ci"), message)
    assert_refused(ask("init", "--system", "gitlab"), "--system applies to init ci only")


INSTALL = 'pip install "osiris-inspect[mysql,postgres] @ git+https://example.com/REPLACE/osiris-inspect.git"'
COMMANDS = [
    "osiris-inspect lint p.yaml 'pipelines/q 2.yaml'",
    "osiris-inspect run p.yaml",
    "osiris-inspect run 'pipelines/q 2.yaml'",
]
NAMES = ["MYSQL_DB_A_PASSWORD", "MYSQL_DB_B_PASSWORD", "PG_PASSWORD"]
REPORT = "osiris-inspect summarize logs --junit junit.xml --html report.html"


@pytest.mark.parametrize("system", ["github", "gitlab", "azure"])
def test_ci_file_installs_runs_and_reports(folder: Path, system: str) -> None:
    (folder / "pipelines").mkdir()
    (folder / "p.yaml").write_text(PIPELINE)
    (folder / "pipelines" / "q 2.yaml").write_text(PIPELINE)
    ask("init", "connections")
    file = ask("init", "ci", "--system", system).stdout.split("\n")[0].removeprefix("wrote ")
    document = yaml.safe_load((folder / file).read_text())
    if system == "github":
        job = document["jobs"]["pipelines"]
        assert job["env"] == {name: f"${{{{ secrets.{name} }}}}" for name in NAMES}
        assert [step["run"] for step in job["steps"] if "run" in step] == [INSTALL, *COMMANDS, REPORT]
    elif system == "gitlab":
        job = document["pipelines"]
        assert (job["before_script"], job["script"]) == ([INSTALL], COMMANDS)
        assert job["after_script"] == [f"{REPORT} --gitlab gl-code-quality-report.json"]
    else:
        scripts = [step for step in document["steps"] if "script" in step]
        assert [step["script"] for step in scripts] == [INSTALL, *COMMANDS, REPORT]
        assert scripts[1]["env"] == {name: f"$({name})" for name in NAMES}


@pytest.mark.parametrize("name", ["${{ x }}.yaml", "-p.yaml", "a;b.yaml"])
def test_name_with_meaning_in_ci_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text(PIPELINE)
    done = ask("init", "ci", "--system", "github")
    assert_refused(done, f"pipeline {name!r} has characters with a meaning in CI files; rename it")


@pytest.mark.parametrize(
    ("record", "source"),
    [
        (
            {"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "git+https://h/r.git@abc",
        ),
        ({"url": "file:///somewhere", "dir_info": {}}, "git+https://example.com/REPLACE/osiris-inspect.git"),
    ],
)
def test_install_step_names_recorded_repository(
    monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], source: str
) -> None:
    installed = SimpleNamespace(read_text=lambda _name: json.dumps(record))
    # not its class: other packages may have replaced the finder
    monkeypatch.setattr(metadata, "distribution", lambda _name: installed)
    assert starter_files.install_source() == source
