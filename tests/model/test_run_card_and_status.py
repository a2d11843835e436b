from typing import Any

import pytest

from osiris_inspect.model import run_card, status
from osiris_inspect.model.run_card import RunCard, StepCard

ORIGINAL = {
    "session_id": "s",
    "steps": [
        {
            "step_id": "a",
            "driver": "x",
            "rows_in": 0,
            "rows_out": 14,
            "duration_ms": 93.1,
            "status": "succeeded",
        },
        {"step_id": "b", "status": "failed", "error": "boom"},
    ],
}


def test_card_of_the_original_is_read() -> None:
    card = run_card.parse(ORIGINAL)
    assert (card.steps[0].rows_out, card.steps[1].error) == (14, "boom")
    assert card.extra == {"session_id": "s"}
    assert card.steps[0].has_df_in_memory is None


def test_card_of_the_documents_is_read() -> None:
    card = run_card.parse(
        {
            "steps": [
                {
                    "step_id": "a",
                    "has_df_in_memory": True,
                    "spill_used": False,
                    "spill_paths": None,
                    "rows_out": 14,
                }
            ]
        }
    )
    assert card.for_step("a") == StepCard("a", has_df_in_memory=True, spill_used=False, rows_out=14)


def test_what_is_written_is_parsed_back() -> None:
    card = RunCard(
        (StepCard("a", "x", "skipped", skipped_because="b", spill_paths={"parquet": "p", "schema": "s"}),)
    )
    assert run_card.parse(run_card.to_dict(card)) == card


@pytest.mark.parametrize("document", [None, [], {"steps": {}}, {"steps": [1]}, {"steps": None}])
def test_document_that_is_no_card_has_no_steps(document: Any) -> None:
    assert run_card.parse(document).steps == ()


@pytest.mark.parametrize("value", ["14", None, True, [], float("nan")])
def test_rows_of_another_type_count_as_absent(value: Any) -> None:
    assert run_card.parse({"steps": [{"step_id": "a", "rows_out": value}]}).steps[0].rows_out is None


def test_false_alarm_of_the_original_is_known() -> None:
    document = {
        "ok": False,
        "exit_code": 0,
        "steps_completed": 3,
        "steps_total": 3,
        "reason": "missing_events_jsonl",
    }
    assert status.parse(document).is_upstream_false_alarm
    assert not status.parse(document | {"exit_code": 1}).is_upstream_false_alarm


def test_status_written_by_the_host_is_known() -> None:
    assert status.parse({"reason": "Worker failed to write status.json"}).written_by_fallback


@pytest.mark.parametrize("document", [None, [], {"ok": "yes", "exit_code": "0", "reason": 3}])
def test_wrong_types_in_a_status_count_as_absent(document: Any) -> None:
    assert status.parse(document) == status.Status()
