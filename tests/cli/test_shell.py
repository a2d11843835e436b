"""``shell``: the inputs of a step in Python, in a DuckDB file and in a script."""

import subprocess
import sys
from pathlib import Path

import duckdb

from tests.cli.shell import osiris_inspect
from tests.cli.test_replay import run  # noqa: F401  a fixture
from tests.cli.test_resume import call
from tests.cli.test_resume import here as here_  # noqa: F401  a fixture
from tests.runtime.test_replay import tree

_LINES = """\
print(type(inputs["df"]).__name__, len(df))
print(sql("SELECT sum(v) AS s FROM df_good").s[0])
step.config["query"] = "SELECT v + 1 AS w FROM df"
print(list(redo().w))
inputs["df"] = df.head(1)
print(list(redo().w), sql("SELECT count(*) AS n FROM df").n[0])
"""


def test_shell_has_inputs_and_driver(here_: Path, run: Path) -> None:  # noqa: F811
    before = tree(run)
    done = subprocess.run(
        [sys.executable, "-m", "osiris_inspect", "shell", f"logs/{run.name}", "bad"],
        cwd=here_, input=_LINES, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace(">>> ", "").splitlines() == ["DataFrame 3", "6.0", "[2, 3, 4]", "[2] 1"]
    assert done.stderr.startswith(
        f"step bad of {run.name}; failed: step 'bad': DuckDB transformation failed: "
    )
    assert tree(run) == before


def test_duckdb_file_has_views_by_relative_path(here_: Path, run: Path) -> None:  # noqa: F811
    before = tree(run)
    done, again = call(here_, *[["shell", f"logs/{run.name}", "bad", "--duckdb", "in.duckdb"]] * 2)
    assert (done.code, done.out) == (0, "in.duckdb\n")
    assert (again.code, again.err) == (2, "osiris-inspect: in.duckdb exists; name a new file\n")
    with duckdb.connect(here_ / "in.duckdb", read_only=True) as database:
        texts = database.sql(
            "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY 1"
        ).fetchall()
        assert [name for name, _ in texts] == ["df", "df_good", "input_df"]
        assert f"read_parquet('logs/{run.name}/artifacts/good/output.parquet')" in texts[0][1]
        database.sql(f"SET file_search_path = '{here_}'")
        assert database.sql("SELECT count(*) FROM df").fetchall() == [(3,)]
    assert tree(run) == before


def test_script_runs_the_query(here_: Path, run: Path) -> None:  # noqa: F811
    (done,) = call(here_, ["shell", f"logs/{run.name}", "bad", "--script", "s.py"])
    assert (done.code, done.out) == (0, "s.py\n")
    script = here_ / "s.py"
    assert "query = 'SELECT nope FROM df'\n" in script.read_text()
    script.write_text(script.read_text().replace("SELECT nope", "SELECT sum(v) AS total"))
    ended = subprocess.run([sys.executable, script], cwd=here_, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "total" in ended.stdout


def test_shell_of_unknown_step_is_refused(here_: Path, run: Path) -> None:  # noqa: F811
    done = osiris_inspect("shell", f"logs/{run.name}", "bda", cwd=here_)
    assert (done.code, done.out) == (2, "")
    assert "has no step 'bda'; did you mean 'bad'?" in done.err
