"""The list of runs as the command prints it."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally
from tests.samples import SAMPLES


def runs(*words: str | Path, cwd: Path) -> Done:
    return osiris_inspect("runs", *words, cwd=cwd, env={"XDG_CACHE_HOME": str(cwd / "cache")})


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    run_dir(tmp_path / "logs", succeeding_locally(), steps=CHAIN, name="run_1759170586030")
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN, name="run_1759170587030")
    return tmp_path / "logs"


def test_table_ends_with_the_newest_run(logs: Path, tmp_path: Path) -> None:
    done = runs(logs, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["✓", "✗"]
    assert "run_1759170587030" in lines[-1]


def test_the_second_list_is_the_first_one(logs: Path, tmp_path: Path) -> None:
    assert runs(logs, cwd=tmp_path).out == runs(logs, cwd=tmp_path).out


def test_without_a_folder_the_places_of_runs_are_looked_at(logs: Path, tmp_path: Path) -> None:
    run_dir(tmp_path / "run_logs" / "dev" / "demo", succeeding_locally(), name="run_1759170586530")
    found = [json.loads(line)["id"] for line in runs("--json", cwd=logs.parent).out.splitlines()]
    assert sorted(found) == ["run_1759170586030", "run_1759170586530", "run_1759170587030"]


def test_filters_leave_what_they_ask_for(logs: Path, tmp_path: Path) -> None:
    def ids(*words: str) -> list[str]:
        return [
            json.loads(line)["id"] for line in runs(logs, "--json", *words, cwd=tmp_path).out.splitlines()
        ]

    assert ids("--failed") == ["run_1759170587030"]
    assert ids("--pipeline", "dem*", "--limit", "1") == ["run_1759170587030"]
    assert ids("--pipeline", "other") == []
    assert ids("--since", "2025-12-31") == ["run_1759170587030", "run_1759170586030"]
    assert ids("--since", "2026-01-02") == []


def test_a_time_that_is_none_is_a_usage_error(logs: Path, tmp_path: Path) -> None:
    assert runs(logs, "--since", "yesterday", cwd=tmp_path).code == 2


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    done = runs(tmp_path, cwd=tmp_path)
    assert done.code == 3
    assert "contains no run" in done.err


def test_every_sample_is_listed(tmp_path: Path) -> None:
    found = [json.loads(line) for line in runs(SAMPLES, "--json", cwd=tmp_path).out.splitlines()]
    assert len(found) == len(list(SAMPLES.iterdir()))
    assert {run["status"] for run in found} >= {"success", "failed"}
