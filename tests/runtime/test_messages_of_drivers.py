"""Messages that a driver sends in the worker's name: the host refuses what only it may say, and goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.runs import NAMES, events_of, faulty, make_run, status_of

pytestmark = pytest.mark.usefixtures("nothing_left")

IN_A_CHILD = pytest.mark.parametrize("on", [name for name in NAMES if name != "local"])
EVENT = {"type": "event", "seq": 1, "ts": 1.7e9, "event": "noted", "step_id": "first", "data": {}}
METRIC = {"type": "metric", "ts": 1.7e9, "metric": "noted", "value": 1.0, "step_id": "first"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    (EVENT | {"event": "run_end", "data": {"status": "success"}}, "the event 'run_end' is the host's"),
    (EVENT | {"event": "step_skipped"}, "the event 'step_skipped' is the host's"),
    (EVENT | {"step_id": "of-no-run"}, "of no step of this run"),
    (METRIC | {"step_id": "of-no-run"}, "of no step of this run"),
    (EVENT | {"ts": 1e18}, "'ts' between 1970 and 9999"),
    (METRIC | {"ts": -1e18}, "'ts' between 1970 and 9999"),
    (EVENT | {"data": {"a": "NESTED"}}, "nested deeper than 200 levels"),
    ({"type": "error", "id": 1, "error": {"error_info": "NESTED"}}, "nested deeper than 200 levels"),
]
FIELDS = ("rows", "storage", "phase", "duration_ms", "error", "error_info", "bytes", "process_cpu_s", "stack")


def _lines(messages: list[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, messages))


@IN_A_CHILD
def test_message_is_refused(tmp_path: Path, on: str) -> None:
    words = _lines([message for message, _ in REFUSED])
    outcome = make_run(tmp_path, on, text=faulty("send_messages", words=words))
    assert outcome.status == status_of(outcome.path)["status"] == "success"
    events = events_of(outcome.path)
    errors = [event["error"] for event in events if event["event"] == "wire_error"]
    assert len(errors) == len(REFUSED)
    assert all(words in error for (_, words), error in zip(REFUSED, errors, strict=True))
    assert [event["event"] for event in events].count("run_end") == 1
    assert events[-1]["event"] == "run_end"


@IN_A_CHILD
def test_fields_of_other_types_do_no_harm(tmp_path: Path, on: str) -> None:
    names = ("step_start", "inputs_resolved", "output_stored", "spill_write", "step_failed", "heartbeat")
    values = ("text", [1], {"a": 1}, 1e308, True, None)
    words = _lines(
        [EVENT | {"event": name, "data": dict.fromkeys(FIELDS, value)} for name in names for value in values]
    )
    outcome = make_run(tmp_path, on, text=faulty("send_messages", words=words))
    assert outcome.status == status_of(outcome.path)["status"] == "success"


def test_answers_of_other_types_do_no_harm(tmp_path: Path) -> None:
    infos = [5, "text", [1], {"kind": 5, "facts": 5, "message": []}]
    errors = [5, {"message": 5}, *({"error_info": info} for info in infos)]
    answers = [{"type": "error", "id": number, "error": error} for number in range(5) for error in errors]
    outcome = make_run(tmp_path, "none", text=faulty("send_messages", words=_lines(answers)))
    assert outcome.status == status_of(outcome.path)["status"]
    assert events_of(outcome.path)[-1]["event"] == "run_end"
