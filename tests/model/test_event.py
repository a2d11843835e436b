from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event
from osiris_inspect.model.failure import RUN_FAILURES, STEP_FAILURES

NATIVE = b'{"ts":"2026-01-01T00:00:00.000000+00:00","seq":3,"session":"run_1","event":"step_failed","side":"worker","step_id":"a","error":{"type":"E","message":"boom"}}'
HOST = b'{"ts":"2026-01-01T00:00:00+00:00","session":"s","event":"step_error","step_id":"a","error":"boom"}'
FORWARDED = b'{"ts": "2026-01-01T00:00:00+00:00", "session": "s", "event": "step_failed", "step_id": "a", "error": "boom"}'
WORKER = b'{"type": "event", "name": "step_failed", "timestamp": 1767225600.0, "data": {"step_id": "a", "error": "boom"}}'
DOCUMENT = b'{"event": "step_failed", "step_id": "a", "error": "boom"}'


@pytest.mark.parametrize(
    ("line", "dialect"),
    [
        (NATIVE, "native"),
        (HOST, "host"),
        (FORWARDED, "forwarded"),
        (WORKER, "worker"),
        (DOCUMENT, "document"),
    ],
)
def test_failed_step_is_the_same_in_every_dialect(line: bytes, dialect: str) -> None:
    event = events.decode(line, line_number=7)
    assert (event.dialect, event.name, event.step, event.error, event.line) == (
        dialect,
        "step_failed",
        "a",
        "boom",
        7,
    )


@pytest.mark.parametrize("line", [NATIVE, HOST, FORWARDED, WORKER])
def test_time_is_the_same_in_every_dialect_that_has_one(line: bytes) -> None:
    assert events.decode(line).ts == datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"1",
        b'"x"',
        b"{}",
        b'{"event": 3}',
        b'{"type":"event"}',
        b'{"type":"metric","name":"x"}',
        b"\xff",
        b'{"event": "x"',
    ],
)
def test_line_that_is_no_event_is_an_unreadable_line(line: bytes) -> None:
    with pytest.raises(InvalidLine):
        events.decode(line)


@given(
    st.builds(
        Event,
        name=st.text(min_size=1, max_size=10).filter(
            lambda name: name not in ("step_error", "table.ddl_failed")
        ),
        ts=st.floats(0, 4e9).map(lambda ts: round(ts, 6)),
        step=st.none() | st.text(min_size=1, max_size=10),
        fields=st.dictionaries(
            st.sampled_from(["rows", "error", "path"]), st.integers(-5, 5) | st.text(max_size=5)
        ),
        session=st.none() | st.text(min_size=1, max_size=5),
        side=st.sampled_from([None, "host", "worker"]),
        seq=st.integers(0, 1000),
    )
)
def test_what_is_encoded_is_decoded(event: Event) -> None:
    back = events.decode(events.encode(event))
    assert (back.name, back.step, back.session, back.side, back.seq) == (
        event.name,
        event.step,
        event.session,
        event.side,
        event.seq,
    )
    assert back.fields == event.fields
    assert back.ts == pytest.approx(event.ts, abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"from_memory": True}, "memory"),
        ({"from_memory": False, "from_spill": True}, "spill"),
        ({"artifact": "artifacts/a/output.pkl"}, "spill"),
        ({}, None),
    ],
)
def test_place_of_an_input(fields: dict[str, Any], place: str | None) -> None:
    assert Event("inputs_resolved", fields=fields).location == place


def test_inputs_of_the_oldest_version_are_lists() -> None:
    event = Event("inputs_resolved", fields={"keys": ["df"], "from_steps": ["extract"]})
    assert (event.input_names, event.upstream_steps) == (("df",), ("extract",))


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"duration_ms": 1500}, 1.5),
        ({"duration": 2.5}, 2.5),
        ({"duration_seconds": 3}, 3),
        ({"duration": "x"}, None),
        ({}, None),
    ],
)
def test_duration_is_in_seconds_whatever_was_written(fields: dict[str, Any], seconds: float | None) -> None:
    assert Event("step_complete", fields=fields).duration_s == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-01T00:00:01", 1.0),
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:01+01:00", 1.0),
        (5, 5),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:59", None),
        (1e299, None),
        (10**400, None),
        (-(10**15), None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
        ([], None),
    ],
)
def test_time_that_is_none_is_none(value: Any, seconds: float | None) -> None:
    assert events.parse_timestamp(value) == seconds


def test_error_is_told_only_by_events_that_are_one() -> None:
    assert Event("compile_complete", fields={"message": "fine"}).error is None
    assert Event("run_error", fields={"message": "bad"}).error == "bad"


@pytest.mark.parametrize(
    ("name", "is_failure"),
    [
        ("step_failed", True),
        ("write.error", True),
        ("error", True),
        ("input_not_found", True),
        ("driver_registration_failed", True),
        ("execution_error_mapped", False),
        ("run_end", False),
        ("mirror", False),
    ],
)
def test_is_failure_depends_on_name_only(name: str, is_failure: bool) -> None:
    assert Event(name).is_failure == is_failure
    assert (Event(name, fields={"error": "boom"}).error == "boom") == is_failure


@pytest.mark.parametrize("name", [*events.ALIASES, *STEP_FAILURES, *RUN_FAILURES])
def test_is_failure_holds_for_aliases_and_ends(name: str) -> None:
    assert Event(name).is_failure
    assert Event(events.canonical(name)).is_failure
