"""``run --on-failure``: the command gets the verdict, and changes nothing."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from osiris_inspect.cli.pipeline.execution import run_result
from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.cli.all_commands import Call, call_all
from tests.cli.shell import Done
from tests.runtime.runs import make_run

PIPELINE = """\
oml_version: "0.1.0"
name: films
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: films.csv}}
  - {id: write, component: filesystem.csv_writer, config: {path: copy.csv}}
"""


def call(here: Path, *lines: Sequence[str]) -> list[Done]:
    """Make several calls in one process."""
    done = call_all([Call(line) for line in lines], here, {"XDG_CACHE_HOME": str(here / "cache")})
    return [Done(each.code, each.out.decode(), each.err.decode()) for each in done]


def test_command_gets_verdict(tmp_path: Path) -> None:
    (tmp_path / "films.yaml").write_text(PIPELINE)
    run = ["run", "films.yaml", "--quiet", "--on-failure"]
    failed, exits = call(tmp_path, [*run, "cat > verdict.json"], [*run, "echo told; exit 3"])
    assert failed.code == exits.code == 1
    assert "--on-failure" not in failed.err
    (verdict,) = json.loads((tmp_path / "verdict.json").read_text())["runs"]
    assert (verdict["path"], verdict["status"]) == (failed.out.strip(), "failed")
    assert (verdict["root_cause"]["step"], verdict["root_cause"]["rule"]) == ("ext", "file-missing")
    assert exits.err.endswith(
        "told\nosiris-inspect: --on-failure ended with exit code 3; that of the run stays\n"
    )
    assert exits.out.startswith("logs/run_")


def test_command_is_not_run_after_success(tmp_path: Path) -> None:
    (tmp_path / "films.yaml").write_text(PIPELINE)
    (tmp_path / "films.csv").write_text("id\n1\n")
    (done,) = call(tmp_path, ["run", "films.yaml", "--quiet", "--on-failure", "touch called"])
    assert done.code == 0
    assert not (tmp_path / "called").exists()


def test_slow_command_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_result, "ON_FAILURE_TIMEOUT_S", 0.3)
    outcome: RunResult = make_run(tmp_path)
    since = time.monotonic()
    run_result.run_on_failure("sleep 20 & sleep 20", outcome)
    assert time.monotonic() - since < 10
    assert capsys.readouterr().err == "osiris-inspect: --on-failure took more than 0.3 s and was ended\n"
