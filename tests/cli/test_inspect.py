from pathlib import Path

import pytest

from tests.cli.test_summarize import osiris_inspect
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally


def test_path_alone_opens_it_and_prints_where_there_is_no_terminal(tmp_path: Path) -> None:
    done = osiris_inspect(run_dir(tmp_path, failing_locally("boom"), steps=CHAIN))
    assert done.returncode == 1
    assert done.stdout.startswith("✗ run_1759170586030")


@pytest.mark.parametrize("place", ["logs", "run_logs/dev/demo"])
def test_nothing_opens_the_newest_run_here(tmp_path: Path, place: str) -> None:
    run_dir(tmp_path / place, failing_locally("boom"), name="run_1759170586030")
    run_dir(tmp_path / place, succeeding_locally(), name="run_1759170586999")
    done = osiris_inspect("open", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("✓ run_1759170586999")


def test_folder_without_a_run_is_named_where_another_one_has_one(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    run_dir(tmp_path / "run_logs", succeeding_locally(), name="run_1759170586030")
    done = osiris_inspect("open", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("✓ run_1759170586030")
    assert done.stderr.startswith("osiris-inspect: 'logs' contains no run")


def test_rules_are_listed_one_a_line() -> None:
    done = osiris_inspect("rules")
    assert any(line.startswith("frame-dropped-from-cache ") for line in done.stdout.splitlines())


def test_manual_of_a_rule_is_printed() -> None:
    done = osiris_inspect("explain", "run-truncated")
    assert done.returncode == 0
    assert "How to fix:" in done.stdout


def test_rule_that_is_none_is_answered_with_the_nearest() -> None:
    done = osiris_inspect("explain", "run-trunkated")
    assert done.returncode == 2
    assert "run-truncated" in done.stderr
