"""The answers in words: the true cause counts as right, another one as wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from tests.inspector.accuracy import Half, answer_from, answers, runs_of_texts
from tests.inspector.claims import CLAIMS
from tests.inspector.grading import LAST_RESORT, Answer, count_stated, grade, is_false

ANSWER = Answer(
    "a",
    "failed",
    ["load"],
    must_say=[["table"], ["orders", "invoices"]],
    must_not_say=["permission", "grant"],
    must_not_claim=["timed out"],
    error_text="permission check of 'load': orders is not there",
    true_claims=["table"],
)


def finding(
    message: str, *, fix: str = "", confidence: str = "high", step: str = "load", rule: str = "r"
) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        domain="data",
        stage="step",
        message=message,
        fix=fix,
        confidence=Confidence(confidence),
        step=step,
        evidence=(Evidence("events.jsonl", 1, "{"),),
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (finding("table orders does not exist"), "right"),
        (finding("table invoices is missing"), "right"),
        (finding("table t does not exist"), "partly"),
        (finding("it failed"), "none"),
        (None, "none"),
        (finding("table orders does not exist", step="save"), "wrong"),
        (finding("table orders needs a grant"), "wrong"),
        (finding("table orders does not exist", fix="grant the permission"), "wrong"),
        (finding("table orders does not exist: it timed out"), "wrong"),
        (finding("table orders: it may have timed out", confidence="low"), "wrong"),
        (finding("table orders — permission check of load"), "right"),
        (finding("permission check of load"), "wrong"),
        (finding("permission check of load", confidence="low"), "none"),
        (finding("table orders, column x was not found"), "wrong"),
        (finding("table orders", rule=LAST_RESORT), "right"),
    ],
)
def test_grade_of_a_message(told: Finding | None, expected: str) -> None:
    assert grade(ANSWER, told) == expected


def test_hedge_excuses_a_claim_but_no_statement() -> None:
    answer = Answer("a", "failed", ["load"], must_not_say=["permission"], must_not_claim=["timed out"])
    assert is_false(answer, finding("the query timed out"))
    assert not is_false(answer, finding("the query may have timed out"))
    assert is_false(answer, finding("the permission may be missing"))


def test_last_resort_names_no_cause_without_an_error_text() -> None:
    answer = Answer("a", "failed", ["load"], must_say=[["table"]])
    assert grade(answer, finding("table x", rule=LAST_RESORT)) == "none"


def ideal(folder: Path) -> Iterator[tuple[Answer, str, str]]:
    for half in get_args(Half):
        built = (answer for answer, _ in runs_of_texts(half, folder / half))
        yield from (
            (answer, line["cause"], line["fix"])
            for answer, line in zip(built, answers(f"texts_{half}"), strict=True)
        )
    for line in answers("corpus"):
        if "cause" in line:
            yield answer_from(line, name=line["case"]), line["cause"], line["fix"]


def test_stated_cause_and_fix_count_as_true(tmp_path: Path) -> None:
    for answer, cause, fix in ideal(tmp_path):
        assert count_stated(answer.must_say, cause) == len(answer.must_say), answer.name
        assert not is_false(answer, finding(cause, fix=fix), quotes_count=False), answer.name


def test_each_true_claim_is_one_that_is_known() -> None:
    for half in get_args(Half):
        for line in answers(f"texts_{half}"):
            assert set(line.get("true_claims", ())) <= set(CLAIMS)
