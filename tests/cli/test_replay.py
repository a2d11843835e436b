"""``replay`` on the command line: verdicts, exit codes, and what is refused."""

import json
import os
import re
from pathlib import Path

import pytest

import osiris_inspect as oi
from tests.cli.shell import osiris_inspect
from tests.cli.test_resume import call
from tests.cli.test_resume import here as here_  # noqa: F401  a fixture
from tests.cli.test_terminal import on_terminal
from tests.runtime.test_replay import tree

pytestmark = pytest.mark.sampled(3)


@pytest.fixture
def run(here_: Path) -> Path:  # noqa: F811
    """A run whose step ``bad`` failed."""
    assert call(here_, ["run", "films.yaml", "--quiet"])[0].code == 1
    (path,) = (here_ / "logs").iterdir()
    return path


def _plain(text: str) -> str:
    return re.sub(r"run_\d+", "RUN", text)


def test_verdict_is_last_line(here_: Path, run: Path) -> None:  # noqa: F811
    before = tree(run)
    name = f"logs/{run.name}"
    same, fixed, chance, quiet = call(
        here_,
        ["replay", name, "bad"],
        ["replay", name, "bad", "--set", "query=SELECT v + 1 AS w FROM df", "--on", "sandbox"],
        ["replay", name, "bad", "--times", "2", "--quiet"],
        ["replay", name, "good", "--inputs", name, "--quiet"],
    )
    assert (same.code, _plain(same.out)) == (1, "logs/RUN\nsame failure\n")
    assert _plain(same.err).startswith(
        "replays bad of RUN, inputs: good (3 rows)\nfilms (local) RUN\n  ↺ good  of RUN\n  ✗ bad  "
    )
    assert (fixed.code, _plain(fixed.out)) == (0, "logs/RUN\nsucceeded\n")
    assert "films (sandbox) RUN\n" in _plain(fixed.err)
    assert (chance.code, _plain(chance.out), chance.err) == (
        1,
        "1 of 2: same failure  logs/RUN\n2 of 2: same failure  logs/RUN\nfails 2 of 2: same failure\n",
        "",
    )
    assert (quiet.code, quiet.out) == (3, "")  # its input is the frame of an extractor, which was not kept
    assert tree(run) == before


def test_expectation_decides_exit_code(here_: Path, run: Path) -> None:  # noqa: F811
    words = ["replay", f"logs/{run.name}", "bad", "--quiet", "--expect"]
    codes = [
        done.code
        for done in call(
            here_,
            [*words, "same"],
            [*words, "success"],
            [*words, "other"],
            [*words, "success", "--set", "query=SELECT v FROM df"],
            [*words, "other", "--set", "query=SELECT CAST('x' AS INTEGER) FROM df"],
            ["replay", f"logs/{run.name}", "write-good", "--expect", "success"],
            ["replay", f"logs/{run.name}", "good", "--expect", "success"],
        )
    ]
    assert codes == [0, 1, 1, 0, 0, 125, 125]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["god"],
            2,
            "RUN has no step 'god'; did you mean 'good'?; its steps are ext, good, write-good, bad, ",
        ),
        (["write-good"], 2, "step 'write-good' writes to HERE/good.csv; add --allow-writes to run it again"),
        (["ext"], 2, "step 'ext' reads from films.csv; add --allow-writes to run it again"),
        (
            ["good"],
            3,
            "the frame of step 'ext' is not available: HERE/logs/RUN/artifacts/ext/schema.json does not exist; ",
        ),
        (
            ["bad", "--set", "quer=1"],
            2,
            "duckdb.processor has no key 'quer'; did you mean 'query'?; its keys are ",
        ),
        (["bad", "--set", "query"], 2, "--set takes KEY=VALUE; one has no key or no ="),
        (["bad", "--set", "query=@none.sql"], 2, "--set: cannot read none.sql: "),
        (
            ["bad", "--threads", "1", "--on", "e2b", "--with-code", "."],
            2,
            "--with-code adds a folder of this machine",
        ),
        (
            ["bad", "--pdb"],
            2,
            "--pdb needs a terminal; without one, read the traceback with osiris-inspect why",
        ),
        (
            ["bad", "--pdb", "--times", "2"],
            2,
            "--pdb runs the step once in this process; leave out --on and --times",
        ),
    ],
)
def test_refusal_runs_nothing(here_: Path, run: Path, words: list[str], code: int, message: str) -> None:  # noqa: F811
    (done,) = call(here_, ["replay", f"logs/{run.name}", *words])
    assert (done.code, done.out) == (code, "")
    expected = message.replace("HERE", str(here_.resolve()))
    assert _plain(done.err).startswith(f"osiris-inspect: {expected}"), done.err
    assert [path.name for path in (here_ / "logs").iterdir()] == [run.name]


def test_edited_query_runs_and_patch_is_printed(here_: Path, run: Path) -> None:  # noqa: F811
    editor = here_ / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i s/nope/v/ "$1"\n')
    editor.chmod(0o700)
    done = osiris_inspect(
        "replay", f"logs/{run.name}", "bad", "--edit", cwd=here_, env={"EDITOR": str(editor)}
    )
    assert done.code == 0
    assert "-SELECT nope FROM df\n+SELECT v FROM df\n" in done.out
    assert done.out.endswith("\nsucceeded\n")
    assert "--- a/films.yaml\n+++ b/films.yaml\n" in done.err
    assert "config: {query: SELECT v FROM df}}\n" in done.err
    assert "SELECT nope" in (here_ / "films.yaml").read_text()


def test_debugger_is_in_the_driver(here_: Path, run: Path) -> None:  # noqa: F811
    with on_terminal(here_, "replay", f"logs/{run.name}", "bad", "--pdb") as screen:
        screen.wait_for(b"(Pdb) ")
        os.write(screen.terminal, b"p query, 6 * 7\n")
        screen.wait_for(b"_Query object")
        screen.wait_for(b", 42)")
        os.write(screen.terminal, b"q\n")
        screen.wait_for(b"same failure")
        assert screen.exit_code() == 1


def test_pipeline_in_another_folder(here_: Path) -> None:  # noqa: F811
    folder = here_ / "pipelines"
    folder.mkdir()
    for name in ("films.csv", "films.yaml"):
        (here_ / name).rename(folder / name)
    call(here_, ["run", "pipelines/films.yaml", "--quiet"])
    (done,) = call(here_, ["replay", "@failed", "bad", "--quiet"])
    assert (done.code, _plain(done.out)) == (1, "logs/RUN\nsame failure\n")


def test_python_replays_step(here_: Path, run: Path) -> None:  # noqa: F811
    before = tree(run)
    outcome = oi.replay(run, "bad")
    assert (outcome.verdict, outcome.run.status, outcome.path.parent) == (
        "same failure",
        "failed",
        run.parent,
    )
    assert oi.replay(run, "bad", changes={"query": "SELECT v FROM df"}).verdict == "succeeded"
    with pytest.raises(oi.OsirisError, match="add --allow-writes to run it again"):
        oi.replay(run, "write-good")
    assert tree(run) == before


def test_replay_is_neither_resumed_nor_history(here_: Path, run: Path) -> None:  # noqa: F811
    call(here_, ["replay", f"logs/{run.name}", "bad", "--quiet"])
    (replay,) = (path for path in (here_ / "logs").iterdir() if path != run)
    name = f"logs/{replay.name}"
    resumed, replayed, again, history = call(
        here_,
        ["resume", name],
        ["replay", name, "good"],
        ["replay", name, "bad", "--quiet"],
        ["history", name, "bad", "--format", "json"],
    )
    assert (resumed.code, resumed.out) == (2, "")
    assert (
        resumed.err
        == f"osiris-inspect: {replay.name} is a replay of step 'bad' of {run.name}; resume {run.name}\n"
    )
    assert (replayed.code, replayed.out) == (2, "")
    assert replayed.err == (
        f"osiris-inspect: {replay.name} is a replay of step 'bad' and only took over the frame of 'good'; "
        f"replay it in {run.name}\n"
    )
    assert (again.code, _plain(again.out)) == (1, "logs/RUN\nsame failure\n")
    (change,) = map(json.loads, history.out.splitlines())
    assert (change["run"], change["same_runs"]) == (run.name, 0)
