"""An unexplained failure says what was different in the last successful run beside it."""

import json
import shutil
from pathlib import Path

from osiris_inspect.inspector.analysis.analyze import analyze
from tests import samples


def _copies(tmp_path: Path, error: str) -> Path:
    """Copy a successful run, and a later one whose last step fails; return the later one."""
    good = next(run for run in samples.runs() if run.parent.name == "good_local")
    shutil.copytree(good, tmp_path / "run_1795381930000")
    later = tmp_path / "run_1795381940000"
    shutil.copytree(good, later)
    (later / "status.json").unlink()
    lines = [json.loads(line) for line in (later / "events.jsonl").read_text().splitlines()]
    end = next(
        n
        for n, line in enumerate(lines)
        if line["event"] == "step_complete" and line["step_id"] == "write-stats"
    )
    lines[end] |= {"event": "step_failed", "error": error, "error_type": "Odd"}
    resolved = next(
        line for line in lines if line["event"] == "inputs_resolved" and line["step_id"] == "write-stats"
    )
    resolved["rows"] = 1
    log = "".join(
        f"{json.dumps(line)}\n"
        for line in [*lines[: end + 1], {**lines[end], "event": "run_end", "status": "failed"}]
    )
    (later / "events.jsonl").write_text(log)
    return later


def test_unexplained_failure_names_difference_from_last_success(tmp_path: Path) -> None:
    cause = analyze(_copies(tmp_path, "something odd happened")).root_cause
    assert cause is not None
    assert cause.rule == "unexplained-failure"
    assert "compare with run_1795381930000, the last run that succeeded" in (cause.fix or "")
    assert "inputs df of write-stats: 1 row, was 3 rows" in (cause.fix or "")


def test_explained_failure_names_no_other_run(tmp_path: Path) -> None:
    cause = analyze(_copies(tmp_path, "[Errno 28] No space left on device")).root_cause
    assert cause is not None
    assert cause.rule == "disk-full"
    assert "run_1795381930000" not in (cause.fix or "")
