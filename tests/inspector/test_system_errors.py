"""Errors of the operating system in the text logs of runs whose own log was cut."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.finding import Confidence, Finding
from tests.inspector.making import CHAIN, Line, local, native, run_dir, succeeding_locally

STARTED: list[Line] = [
    native("run_start"),
    native("step_start", 1, step_id="extract"),
]
TORN = b'{"ts":"2026-01-01T00:00:02.0'
MESSAGES = [
    ("disk-full", "OSError: [Errno 28] No space left on device"),
    ("disk-full", "sh: write error: No space left on device"),
    ("disk-full", "tee: log: Disk quota exceeded"),
    ("disk-full", "[Errno 122] EDQUOT"),
    ("out-of-memory", "OpenBLAS: pthread_create failed: Cannot allocate memory"),
    ("out-of-memory", "MemoryError"),
    ("out-of-memory", "kernel: Out of memory: Killed process 4711 (python)"),
    ("too-many-open-files", "OSError: [Errno 24] Too many open files: '/tmp/a'"),
    ("too-many-open-files", "accept4: Too many open files in system"),
]


def cause(folder: Path, lines: Sequence[Line], log: str, file: str = "worker.log") -> Finding:
    told = analyze(run_dir(folder, lines, steps=CHAIN, files={file: log}))
    assert told.root_cause is not None
    return told.root_cause


@pytest.mark.parametrize(("rule", "message"), MESSAGES)
@pytest.mark.parametrize("file", ["worker.log", "osiris.log", "worker_stderr.log"])
def test_system_error_is_the_cause_of_a_cut_log(tmp_path: Path, rule: str, message: str, file: str) -> None:
    found = cause(tmp_path, [*STARTED, TORN], f"starting\n{message}\n", file)
    assert (found.rule, found.step) == (rule, "extract")
    assert (found.evidence[0].file, found.evidence[0].line) == (file, 2)


def test_full_disk_is_certain_where_the_log_is_torn(tmp_path: Path) -> None:
    message = "OSError: [Errno 28] No space left on device\n"
    assert cause(tmp_path / "torn", [*STARTED, TORN], message).confidence == Confidence.HIGH
    assert cause(tmp_path / "whole", STARTED, message).confidence == Confidence.MEDIUM


def test_system_error_between_steps_is_the_cause(tmp_path: Path) -> None:
    found = cause(tmp_path, [*succeeding_locally()[:3], TORN], "write: No space left on device\n")
    assert (found.rule, found.step) == ("disk-full", None)


def test_system_error_of_another_step_is_not_the_cause(tmp_path: Path) -> None:
    log = (
        "INFO - Executing step extract with driver a\nERROR - No space left on device\n"
        "INFO - Executing step stats with driver b\n"
    )
    lines = [*succeeding_locally()[:3], local("step_start", 4, step_id="stats")]
    assert cause(tmp_path, lines, log, "osiris.log").rule == "run-truncated"


def test_system_error_is_the_cause_of_a_lost_worker(tmp_path: Path) -> None:
    lost = native("step_failed", 2, step_id="extract", error="the worker is gone: killed by SIGKILL")
    end = native("run_end", 3, status="failed")
    found = cause(tmp_path, [*STARTED, lost, end], "Out of memory: Killed process 4711 (python)\n")
    assert (found.rule, found.confidence) == ("out-of-memory", Confidence.MEDIUM)


def test_system_error_of_a_good_run_is_no_finding(tmp_path: Path) -> None:
    path = run_dir(tmp_path, succeeding_locally(), files={"worker.log": "No space left on device\n"})
    assert not [each for each in analyze(path).findings if each.rule == "disk-full"]
