"""The folder that relative paths of a pipeline start from: of inputs, outputs, connections and variables."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import osiris_inspect as oi
from osiris_inspect.model.errors import SettingsError
from tests.cli.shell import osiris_inspect

pytestmark = pytest.mark.sampled(3)

COPY = """\
oml_version: "0.1.0"
name: copy
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: data/a.csv}}
  - {id: write, component: filesystem.csv_writer, needs: [read], config: {path: data/b.csv}}
"""
FROM_DATABASE = """\
oml_version: "0.1.0"
name: database
steps:
  - {id: read, component: mysql.extractor, config: {connection: "@mysql.db", query: SELECT 1}}
"""
CONNECTIONS = (
    'connections: {mysql: {db: {host: 127.0.0.1, user: app, password: "${NO_SUCH_PW}", database: d}}}\n'
)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working directory with a pipeline in the folder ``a b`` and data beside it."""
    (tmp_path / "a b/data").mkdir(parents=True)
    (tmp_path / "a b/copy.yaml").write_text(COPY)
    (tmp_path / "a b/data/a.csv").write_text("n\n1\n")
    return tmp_path


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_run_starts_paths_at_the_pipeline_folder(work: Path, on: str) -> None:
    done = osiris_inspect("run", "a b/copy.yaml", "--on", on, "--quiet", cwd=work)
    assert (done.code, done.err) == (0, "")
    assert (work / "a b/data/b.csv").read_text() == "n\n1\n"
    assert done.out.startswith("logs/run_")
    assert sorted(path.name for path in work.iterdir()) == ["a b", "logs"]


def test_base_overrides_the_pipeline_folder(work: Path) -> None:
    (work / "other/data").mkdir(parents=True)
    (work / "other/data/a.csv").write_text("n\n2\n")
    done = osiris_inspect("run", "a b/copy.yaml", "--base", "other", "--quiet", cwd=work)
    assert (done.code, done.err) == (0, "")
    assert (work / "other/data/b.csv").read_text() == "n\n2\n"
    assert not (work / "a b/data/b.csv").exists()


@pytest.mark.parametrize("on", ["local", "sandbox"])
@pytest.mark.parametrize(
    ("path", "pattern"), [("data/a.csv", "data/a.csv"), ("data/a.csv", "data/*.csv")], ids=["name", "pattern"]
)
def test_input_only_below_the_working_directory_is_an_error(
    work: Path, on: str, path: str, pattern: str
) -> None:
    (work / "a b/data").rename(work / "data")
    (work / "a b/copy.yaml").write_text(COPY.replace(path, pattern))
    done = osiris_inspect("run", "a b/copy.yaml", "--on", on, cwd=work)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"osiris-inspect: path of step 'read' not found: {work}/a b/{pattern}, because relative paths start at the "
        f"folder of the pipeline; {work}/{pattern} exists; use --base . to start relative paths at the working "
        "directory, or correct the path\n"
    )
    assert osiris_inspect("run", "a b/copy.yaml", "--on", on, "--base", ".", cwd=work).code == 0


def test_output_folder_only_in_working_directory_is_an_error(work: Path) -> None:
    (work / "a b/copy.yaml").write_text(COPY.replace("data/b.csv", "out/b.csv"))
    (work / "out").mkdir()
    done = osiris_inspect("run", "a b/copy.yaml", cwd=work)
    assert done.code == 2
    assert f"path of step 'write' not found: {work}/a b/out, because" in done.err
    assert (
        f"{work}/out exists; use --base . to start relative paths at the working directory, or create"
        in done.err
    )


def test_file_of_an_earlier_step_is_not_searched(work: Path) -> None:
    chain = COPY + "  - {id: again, component: filesystem.csv_extractor, config: {path: data/b.csv}}\n"
    (work / "a b/copy.yaml").write_text(chain)
    (work / "data").mkdir()
    (work / "data/b.csv").write_text("old\n1\n")
    assert osiris_inspect("run", "a b/copy.yaml", cwd=work).code == 0


def write_query(work: Path, query: str) -> None:
    """Write a pipeline whose query may read and write files."""
    steps = (
        f"  - id: sum\n    component: duckdb.processor\n"
        f'    config: {{allow_external: true, query: "{query}"}}\n'
        "  - {id: write, component: filesystem.csv_writer, needs: [sum], config: {path: sum.csv}}\n"
    )
    (work / "a b/copy.yaml").write_text(COPY.partition("  - ")[0] + steps)


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_query_prefers_the_file_of_the_pipeline_folder(work: Path, on: str) -> None:
    (work / "data").mkdir()
    (work / "data/a.csv").write_text("n\n77\n")
    write_query(work, "SELECT n FROM read_csv('data/a.csv')")
    done = osiris_inspect("run", "a b/copy.yaml", "--on", on, "--quiet", cwd=work)
    assert (done.code, done.err) == (0, "")
    assert (work / "a b/sum.csv").read_text() == "n\n1\n"
    assert done.out.startswith("logs/run_")


def test_query_writes_into_the_pipeline_folder(work: Path) -> None:
    write_query(work, "COPY (SELECT 5 AS m) TO 'data/copied.csv'; SELECT 1 AS n")
    done = osiris_inspect("run", "a b/copy.yaml", "--quiet", "--logs", "own logs", cwd=work)
    assert (done.code, done.err) == (0, "")
    assert (work / "a b/data/copied.csv").read_text() == "m\n5\n"
    assert sorted(path.name for path in work.iterdir()) == ["a b", "own logs"]


def test_api_query_of_a_file_in_both_folders_is_an_error(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    write_query(work, "SELECT n FROM read_csv('data/*.csv')")
    assert oi.run("a b/copy.yaml").status == "success"
    (work / "data").mkdir()
    (work / "data/other.csv").write_text("n\n77\n")
    run = oi.run("a b/copy.yaml")
    assert run.root_cause is not None
    assert f"'data/*.csv' is a file of the working directory {work}" in run.root_cause.message
    assert run.root_cause.fix == f"write the whole path, or change the working directory to {work}/a b"
    assert oi.run("a b/copy.yaml", on="sandbox").status == "success"


def test_query_reads_files_of_the_pipeline_folder(work: Path) -> None:
    query = "SELECT sum(n) AS n FROM read_csv('data/a.csv')"
    steps = (
        f"  - id: sum\n    component: duckdb.processor\n"
        f'    config: {{allow_external: true, query: "{query}"}}\n'
        "  - {id: write, component: filesystem.csv_writer, needs: [sum], config: {path: sum.csv}}\n"
    )
    (work / "a b/copy.yaml").write_text(COPY.partition("  - ")[0] + steps)
    for on in ("local", "sandbox"):
        done = osiris_inspect("run", "a b/copy.yaml", "--on", on, cwd=work)
        assert done.code == 0, done.err
        assert (work / "a b/sum.csv").read_text() == "n\n1\n"


def test_last_compile_keeps_the_pipeline_folder(work: Path) -> None:
    assert osiris_inspect("compile", "a b/copy.yaml", cwd=work).code == 0
    (work / "elsewhere").mkdir()
    last = ("run", "--last-compile", "--logs", "../logs", "--quiet")
    done = osiris_inspect(*last, "--on", "sandbox", cwd=work / "elsewhere")
    assert (done.code, done.err) == (0, "")
    assert (work / "a b/data/b.csv").exists()
    (work / "a b").rename(work / "moved")
    done = osiris_inspect(*last, cwd=work / "elsewhere")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"osiris-inspect: the folder of the compiled pipeline does not exist: {work}/a b; "
        "name the folder of its files with --base DIR\n"
    )
    assert osiris_inspect(*last, "--base", "../moved", cwd=work / "elsewhere").code == 0


def test_connections_beside_the_pipeline_are_used(work: Path) -> None:
    (work / "a b/copy.yaml").write_text(FROM_DATABASE)
    (work / "a b/osiris_connections.yaml").write_text(CONNECTIONS)
    done = osiris_inspect("run", "a b/copy.yaml", cwd=work)
    assert "a b/osiris_connections.yaml:1:" in done.err
    assert (
        "NO_SUCH_PW, which is not set; set it (searched the environment; there is no .env file)" in done.err
    )
    (work / ".env").write_text("NO_SUCH_PW=x\n")
    done = osiris_inspect("run", "a b/copy.yaml", cwd=work)
    assert f"{work}/a b/.env does not exist, but {work}/.env does: use --env-file .env" in done.err


def test_connections_only_in_working_directory_are_named(work: Path) -> None:
    (work / "a b/copy.yaml").write_text(FROM_DATABASE)
    (work / "osiris_connections.yaml").write_text(CONNECTIONS)
    done = osiris_inspect("run", "a b/copy.yaml", cwd=work)
    assert done.code == 1
    file = "osiris_connections.yaml"
    assert (
        f"{work}/a b/{file} does not exist, but {work}/{file} does; use --base . or --connections {file}"
        in done.err
    )


def test_api_run_starts_paths_at_the_pipeline_folder(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    assert oi.run("a b/copy.yaml").status == "success"
    assert (work / "a b/data/b.csv").exists()
    (work / "a b/data").rename(work / "data")
    with pytest.raises(SettingsError, match="use --base"):
        oi.run("a b/copy.yaml")
    assert oi.run("a b/copy.yaml", base=".").status == "success"


def test_demo_prints_commands_that_work_when_pasted(tmp_path: Path) -> None:
    done = osiris_inspect("demo", "a b", cwd=tmp_path)
    commands = [line[2:] for line in done.err.splitlines() if line.startswith("$ ")]
    program = [sys.executable, "-m", "osiris_inspect"]
    words = [shlex.split(command) for command in commands]
    words = [[*program, *each[1:]] if each[0] == "osiris-inspect" else each for each in words]
    assert [each[3:] for each in words] == [
        ["run", "a b/movies.yaml", "--on", "local", "--logs", "a b/logs"],
        ["run", "a b/movies.yaml", "--on", "sandbox", "--logs", "a b/logs"],
        ["run", "a b/broken.yaml", "--on", "sandbox", "--logs", "a b/logs"],
        ["a b/logs"],
    ]
    codes = [
        subprocess.run(
            each, cwd=tmp_path, capture_output=True, check=False, stdin=subprocess.DEVNULL
        ).returncode
        for each in (words[0], words[2], words[3])
    ]
    assert codes == [0, 1, 1]
