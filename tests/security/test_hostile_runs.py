"""Every command on hostile run directories: no traceback, no waiting, nothing from outside, little work, a clear word."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.inspector.export import format_names
from tests.security.forked import MAX_CPU_S, MAX_MEMORY_BYTES, Outcome
from tests.security.hostile_runs import CANARY, STEP, HostileRun, hostile_runs, make_run

CASES = list(hostile_runs())
QUERIES = ("select * from events", "select * from metrics, findings, steps", f"select * from {STEP}")
NAMED = ("events.jsonl", "metrics.jsonl", "status.json", "artifacts/_system/run_card.json", "worker.log")
REPO = Path(__file__).parents[2]


def commands(run: str) -> list[list[str]]:
    """Return every command that reads a run."""
    return [
        *(["summarize", run, "--format", name] for name in format_names()),
        ["summarize", "logs", "--latest"],
        ["why", run],
        ["why", run, "stats"],
        ["lineage", run],
        ["events", run],
        ["events", run, "event=step_failed", "--json"],
        ["events", run, "--raw"],
        *(["sql", run, query, "--format", "json"] for query in QUERIES),
        ["pack", run],
        ["explain", f"{run}:unexplained-failure"],
        ["clean", "logs", "--older-than", "30d"],
        ["runs", "logs"],
        ["runs", "logs", "--json"],
        ["open", run],
        [run],
    ]


class Shell:
    """A process that calls commands in forked children."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, folder: Path, words: list[list[str]]) -> list[Outcome]:
        """Call commands in one child, in a folder."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"folder": str(folder), "commands": words}) + "\n")
        stdin.flush()
        return [Outcome(**outcome) for outcome in json.loads(stdout.readline())]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "COLUMNS": "200"}
    command = [sys.executable, "-m", "tests.security.forked"]
    with subprocess.Popen(
        command, cwd=REPO, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Shell(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("original"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    subprocess.run(["chmod", "-R", "u+rwX", str(tmp_path)], check=False, stderr=subprocess.DEVNULL)


def test_suite_is_large() -> None:
    assert len(CASES) >= 150


def test_original_run_is_read_by_every_command(shell: Shell, original: Path) -> None:
    outcomes = shell.call(original.parent.parent, commands(f"{original.parent.name}/{original.name}")[:5])
    assert {outcome.code for outcome in outcomes} == {1}


@pytest.mark.sampled(18)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_hostile_run_is_read_safely(case: HostileRun, shell: Shell, original: Path, folder: Path) -> None:
    run = case.make(original, folder)
    words = commands(f"logs/{run.name}")
    outcomes = shell.call(folder, words)
    assert [outcome for outcome in outcomes if outcome.code not in (0, 1, 2, 3)] == []
    assert [outcome for outcome in outcomes if "Traceback (most" in outcome.output] == []
    assert [outcome for outcome in outcomes if CANARY in outcome.output] == []
    assert [outcome for outcome in outcomes if outcome.cpu_s > MAX_CPU_S] == []
    assert max(outcome.peak_bytes for outcome in outcomes) <= MAX_MEMORY_BYTES
    if case.attack.is_named and case.target in NAMED:
        assert (
            case.target in outcomes[words.index(["summarize", f"logs/{run.name}", "--format", "text"])].output
        )
