"""Rules about steps that failed because of what an earlier step gave them: runs that must hit, and near misses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.inspector.test_rules_of_green_runs import Made, Step, counted, ours, report, step

OUT_OF_BOUNDS = "IndexError: single positional indexer is out-of-bounds"
NOT_NULL = 'null value in column "amount" of relation "orders" violates not-null constraint; Failing row contains (1, null).'


def failing(*steps: Step, error: str) -> Made:
    """A run of our own runtime whose last step fails with an error."""
    events, manifest, files = ours(*steps)
    last = steps[-1]["id"]
    kept = [
        event
        for event in events
        if event["event"] not in ("run_complete", "run_end")
        and not (event.get("step_id") == last and event["event"] in ("output_stored", "step_complete"))
    ]
    seq = len(kept)
    end: list[dict[str, Any]] = [
        {**events[0], "event": "step_failed", "seq": seq, "step_id": last, "error": error},
        {**events[0], "event": "run_end", "seq": seq + 1, "status": "failed"},
    ]
    return [*kept, *end], manifest, files


def scored(rows: int, error: str = OUT_OF_BOUNDS) -> Made:
    return failing(
        step("src", "x.extractor", rows=40),
        step("recent", "x.processor", "src", rows=rows),
        step("score", "acme.scorer", "recent", rows=1),
        error=error,
    )


def loaded(nulls: int, error: str = NOT_NULL, before: int = 0) -> Made:
    return failing(
        step("src", "x.extractor", rows=40, out=counted(40, amount=before)),
        step("clean", "x.processor", "src", rows=40, out=counted(40, amount=nulls)),
        step("load", "x.writer", "clean", rows=40),
        error=error,
    )


HITS: Sequence[tuple[str, Made]] = (
    ("input-without-rows", scored(0)),
    ("input-without-rows", scored(0, "ValueError: max() arg is an empty sequence")),
    ("input-without-rows", scored(0, "ZeroDivisionError: division by zero")),
    ("null-from-upstream", loaded(40)),
    ("null-from-upstream", loaded(40, "(1048) Column 'amount' cannot be null")),
)
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("input-without-rows", scored(3)),
    ("input-without-rows", scored(0, "ValueError: unknown city 'Wien'")),
    ("null-from-upstream", loaded(3)),
    ("null-from-upstream", loaded(40, before=40)),
    ("null-from-upstream", loaded(40, NOT_NULL.replace('"amount"', '"sku"'))),
)


@pytest.mark.parametrize(
    ("made", "cause", "words"),
    [
        (scored(0), "input-without-rows@recent", "the input of step 'score' has 0 rows, from step 'recent'"),
        (loaded(40), "null-from-upstream@clean", "step 'clean' left no value in 'amount'"),
    ],
)
def test_cause_is_the_step_that_lost_the_values(tmp_path: Path, made: Made, cause: str, words: str) -> None:
    found = report(tmp_path, made)
    assert found.root_cause is not None
    assert (found.root_cause.id, words in found.root_cause.message) == (cause, True)
