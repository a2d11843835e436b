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
    ("input-without-rows", scored(0, "ValueError: no data to score")),
    ("input-without-rows", scored(0, "ValueError: the input is empty")),
    ("input-without-rows", scored(0, "RuntimeError: got 0 rows; at least one row is required")),
    ("null-from-upstream", loaded(40)),
    ("null-from-upstream", loaded(40, "(1048) Column 'amount' cannot be null")),
)
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("input-without-rows", scored(3)),
    ("input-without-rows", scored(0, "ValueError: unknown city 'Wien'")),
    ("input-without-rows", scored(0, "OperationalError: no data received from the server at 10.0.0.5")),
    ("input-without-rows", scored(0, "ValueError: the table of rates is old; expected some day of May")),
    ("input-without-rows", scored(3, "ValueError: no rows to score")),
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


DUPLICATE = 'duplicate key value violates unique constraint "orders_pkey"; Key (order_no)=(7) already exists.'
JOIN = "SELECT * FROM df_o JOIN df_p USING (order_no)"
SPELLED = {
    "check": "value-spelled-differently", "column": "city", "value": "BRNO", "others": ["Brno"], "rows": 20, "matched": 0,
}  # fmt: skip


def joined_and_loaded(
    left: int, right: int, error: str = DUPLICATE, between: str = "SELECT *, 1 AS one FROM df", **out: Any
) -> Made:
    """A join of 60 orders with 90 payments, whose rows a writer loads."""
    join = {
        "left_rows": 60, "right_rows": 90, "matched": 60, "right_matched": 90, "uses": "both",
        "left_duplicates": left, "right_duplicates": right,
    }  # fmt: skip
    return failing(
        step("o", "x.extractor", rows=60),
        step("p", "x.extractor", rows=90),
        step("both", "duckdb.processor", "o", "p", rows=120, query=JOIN, out={"join": join}),
        step("more", "duckdb.processor", "both", rows=120, query=between, out=out),
        step("load", "x.writer", "more", rows=120),
        error=error,
    )


def filtered(rows: int, error: str = "ValueError: no rows to score") -> Made:
    return failing(
        step("src", "x.extractor", rows=40),
        step(
            "recent",
            "duckdb.processor",
            "src",
            rows=rows,
            query="SELECT * FROM df WHERE city = 'BRNO'",
            out={"checks": [SPELLED]},
        ),
        step("score", "acme.scorer", "recent", rows=1),
        error=error,
    )


@pytest.mark.parametrize(
    ("made", "cause", "effect"),
    [
        (joined_and_loaded(10, 30), "join-explosion@both", "constraint-violated@load"),
        (
            joined_and_loaded(10, 30, "(1062, \"Duplicate entry '7' for key 'orders.PRIMARY'\")"),
            "join-explosion@both",
            "constraint-violated@load",
        ),
        (filtered(0), "value-spelled-differently@recent", "input-without-rows@recent"),
        (filtered(0, OUT_OF_BOUNDS), "value-spelled-differently@recent", "input-without-rows@recent"),
    ],
)
def test_warning_that_led_to_a_failure_is_its_cause(
    tmp_path: Path, made: Made, cause: str, effect: str
) -> None:
    found = report(tmp_path, made)
    assert found.root_cause is not None
    assert (found.root_cause.id, str(found.root_cause.severity)) == (cause, "error")
    assert [finding.caused_by for finding in found.findings if finding.id == effect] == [cause]
    assert "led to the failure" in found.root_cause.message


def test_reported_duplicate_of_a_join_is_linked(tmp_path: Path) -> None:
    events, steps, files = joined_and_loaded(10, 30)
    info = {
        "kind": "duplicate-keys",
        "message": "12 rows of the input repeat a key (id)",
        "fix": "deduplicate",
    }
    events = [{**each, "error_info": info} if each["event"] == "step_failed" else each for each in events]
    found = report(tmp_path, (events, steps, files))
    assert found.root_cause is not None
    assert found.root_cause.id == "join-explosion@both"


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (
            joined_and_loaded(10, 30, between="SELECT order_no, max(paid) FROM df GROUP BY 1"),
            "constraint-violated@load",
        ),
        (joined_and_loaded(10, 30, NOT_NULL), "constraint-violated@load"),
        (joined_and_loaded(0, 30), "constraint-violated@load"),
        (joined_and_loaded(10, 30, "permission denied for table orders"), "permission-denied@load"),
        (filtered(3), "unexplained-failure@score"),
        (filtered(0, "ValueError: unknown city 'Wien'"), "unexplained-failure@score"),
    ],
)
def test_warning_without_the_facts_is_not_the_cause(tmp_path: Path, made: Made, cause: str) -> None:
    found = report(tmp_path, made)
    assert found.root_cause is not None
    assert found.root_cause.id == cause


@pytest.mark.parametrize(
    ("made", "names_join"),
    [
        (joined_and_loaded(0, 30), True),
        (joined_and_loaded(0, 0), False),
        (joined_and_loaded(0, 30, between="SELECT DISTINCT order_no FROM df"), False),
        (joined_and_loaded(0, 30, rows=120, columns=["order_no"], unique=["order_no"]), False),
    ],
)
def test_duplicate_key_names_the_join_before(tmp_path: Path, made: Made, names_join: bool) -> None:
    found = report(tmp_path, made)
    assert found.root_cause is not None
    assert ("join in step 'both'" in (found.root_cause.fix or "")) == names_join
