"""What is understood of a run of each version of the original, checked by hand once and kept.

A golden says how the run ended, where it ran and of each step its status, its rows with what told them, where its frame
was kept, its inputs and the files it left. ``python -m tests.inspector.test_golden`` writes them anew; read the diff.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.run import Run, StepState
from tests.inspector.logs import CORPUS

GOLDEN = Path(__file__).parent / "golden"
CASES = (
    "v020_local__o01_mysql_ok",
    "v020_e2b__o01_mysql_ok",
    "v031_local__o01_mysql_ok",
    "v031_e2b__o01_mysql_ok",
    "v035_local__o17_supabase_plan_only",
    "v035_e2b__o15_all_tables",
    "v040_local__o01_mysql_ok",
    "v040_e2b__o15_all_tables",
    "1dcac11_local__o01_mysql_ok",
    "1dcac11_e2b__o01_mysql_ok",
    "aff7509_local__o01_mysql_ok",
    "aff7509_e2b__o01_mysql_ok",
    "aff7509_worker__w33_always_pickle_ok",
    "d8c13fe_local__o01_verbose",
    "d8c13fe_e2b__o08_wrong_password",
    "d8c13fe_worker__w01_memory_ok",
    "dec25_local__t01_table_ok",
    "dec25_e2b__t01_table_ok",
    "dec25_worker__w40_table_ok",
    "head057_local__m01_mysql_ok",
    "head057_local__m02_demo_verbatim",
    "head057_e2b__e10_fan_in_join",
    "head057_e2b__e05_force_spill_not_forwarded",
    "head057_worker__w01_memory_ok",
    "head057nopa_worker__w35_missing_psycopg2_prepare_fails",
)


def told(run: Run) -> dict[str, Any]:
    """What is compared: the facts a person would look up by hand."""
    return {
        "status": run.status,
        "finished": run.finished,
        "dialect": run.dialect,
        "mode": run.mode,
        "pipeline": run.pipeline,
        "kind": run.kind,
        "failed_stage": run.failed_stage,
        "failure": run.failure.message[:120] if run.failure is not None else None,
        "events": len(run.events),
        "steps": [_step(step) for step in run.steps],
    }


def _step(step: StepState) -> dict[str, Any]:
    return {
        "id": step.id,
        "driver": step.driver,
        "status": step.status,
        "rows": [step.rows_in, step.rows_out, step.rows_out_source],
        "storage": step.storage,
        "needs": list(step.needs),
        "inputs": [
            f"{entry.name} <- {entry.from_step} {entry.location} {entry.rows}" for entry in step.inputs
        ],
        "because": step.skipped_because,
        "error": step.failure.message[:120] if step.failure is not None else None,
        "artifacts": [f"{entry.kind} {entry.path} {entry.state}" for entry in step.artifacts],
    }


def labels() -> dict[str, dict[str, Any]]:
    lines = (CORPUS / "labels.jsonl").read_text().splitlines()
    return {label["case"]: label for label in map(json.loads, lines)}


def run_of(case: str) -> Run:
    """The run that a label speaks of; a case may hold the worker's own session as well."""
    wanted = labels()[case]["run"]
    return load(next(run for run in find_runs(CORPUS / case) if run.name == wanted))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the labelled runs of the original are not on this machine")
@pytest.mark.parametrize("case", CASES)
def test_run_of_each_version_is_understood_as_it_was_checked(case: str) -> None:
    assert told(run_of(case)) == json.loads((GOLDEN / f"{case}.json").read_text())


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the labelled runs of the original are not on this machine")
def test_every_version_and_place_of_the_corpus_has_a_golden() -> None:
    versions = {case: (label["version"], label["mode"]) for case, label in labels().items()}
    assert set(versions.values()) == {versions[case] for case in CASES}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in CASES:
        (GOLDEN / f"{name}.json").write_text(json.dumps(told(run_of(name)), indent=1) + "\n")
