"""One run of each version and side of the original, each figure looked up by hand in its files."""

import json
from pathlib import Path

import pytest

from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.reader.loader import load
from tests.inspector.logs import CORPUS

Step = tuple[str, str, int | None, str]

GOLDEN: dict[str, tuple[str, str, list[Step]]] = {
    # the worker never came up: its log has no step at all
    "1dcac11_e2b__o01_mysql_ok": (
        "host",
        "failed",
        [
            ("extract-movies", "not_started", None, "none"),
            ("compute-stats", "not_started", None, "none"),
            ("write-stats", "not_started", None, "none"),
        ],
    ),
    # rows_read 0, rows_read 0, rows_written 0: the metrics name no step; this version logs no inputs_resolved locally
    "1dcac11_local__o06_empty": (
        "host",
        "success",
        [
            ("extract-movies", "succeeded", 0, "unknown"),
            ("compute-stats", "succeeded", 0, "unknown"),
            ("write-stats", "succeeded", 0, "none"),
        ],
    ),
    # output.pkl lies in both folders, and each inputs_resolved names it
    "aff7509_worker__w33_always_pickle_ok": (
        "worker",
        "success",
        [
            ("extract-movies", "succeeded", 14, "spill"),
            ("compute-stats", "succeeded", 6, "spill"),
            ("write-stats", "succeeded", 6, "none"),
        ],
    ),
    "aff7509_e2b__o01_mysql_ok": (
        "forwarded",
        "success",
        [
            ("extract-movies", "succeeded", 14, "spill"),
            ("compute-stats", "succeeded", 6, "spill"),
            ("write-stats", "succeeded", 6, "none"),
        ],
    ),
    "d8c13fe_e2b__o08_wrong_password": (
        "forwarded",
        "failed",
        [
            ("extract-movies", "failed", None, "none"),
            ("compute-stats", "failed", None, "none"),
            ("write-stats", "failed", None, "none"),
        ],
    ),
    "d8c13fe_local__o01_mysql_ok": (
        "host",
        "success",
        [
            ("extract-movies", "succeeded", 14, "memory"),
            ("compute-stats", "succeeded", 6, "memory"),
            ("write-stats", "succeeded", 6, "none"),
        ],
    ),
    # from_memory: true, although a threshold was set
    "d8c13fe_worker__w05_threshold_ignored": (
        "worker",
        "success",
        [
            ("extract-movies", "succeeded", 14, "memory"),
            ("compute-stats", "succeeded", 6, "memory"),
            ("write-stats", "succeeded", 6, "none"),
        ],
    ),
    "head057_e2b__e03_mysql_supabase": (
        "forwarded",
        "failed",
        [
            ("extract-movies", "succeeded", 13, "memory"),
            ("compute-director-stats", "failed", None, "none"),
            ("write-director-stats", "failed", None, "none"),
        ],
    ),
    "head057_e2b__e18_force_spill_in_sandbox": (
        "forwarded",
        "success",
        [("extract-movies", "succeeded", 14, "spill"), ("write-movies", "succeeded", 14, "none")],
    ),
    # the writer was given the frame of the extractor, past the step that had failed: rows_written 14
    "v031_e2b__o01_mysql_ok": (
        "forwarded",
        "failed",
        [
            ("extract-movies", "succeeded", 14, "unknown"),
            ("compute-stats", "failed", None, "none"),
            ("write-stats", "succeeded", 14, "none"),
        ],
    ),
    "v040_local__o01_mysql_ok": (
        "host",
        "success",
        [
            ("extract-movies", "succeeded", 14, "memory"),
            ("compute-stats", "succeeded", 6, "memory"),
            ("write-stats", "succeeded", 6, "none"),
        ],
    ),
    "dec25_local__t01_table_ok": (
        "host",
        "failed",
        [
            ("extract_movies", "failed", None, "none"),
            ("compute_stats", "not_started", None, "none"),
            ("write_stats", "not_started", None, "none"),
        ],
    ),
}


def run_of(case: str) -> Path:
    labels = CORPUS / "labels.jsonl"
    if not labels.is_file():
        pytest.skip("the corpus of original runs is not beside this checkout")
    for line in labels.read_text().splitlines():
        label = json.loads(line)
        if label["case"] == case:
            return CORPUS / case / str(label["run"])
    raise LookupError(case)


@pytest.mark.parametrize("long", [False, True], ids=["whole", "by index"])
@pytest.mark.parametrize("case", GOLDEN)
def test_every_version_is_read_as_it_was(case: str, long: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", -1 if long else 1 << 40)
    run = load(run_of(case), now=4e9)
    steps = [(step.id, step.status, step.rows_out, step.storage) for step in run.steps]
    assert (run.dialect, run.status, steps) == GOLDEN[case]
