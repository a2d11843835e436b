import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.jsonl import read_objects

LINE = (
    b'{"ts":"2026-01-01T00:00:00+00:00","session":"s","event":"step_failed","step_id":"a","error":"no table"}'
)


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(b"no table", b"no \xff table"),
        LINE.replace(b"no table", b"no \x01 table"),
        LINE.replace(b"no table", b"no\ttable"),
        LINE.replace(b"no table", b"no\ntable"),
        LINE.replace(b"no table", b'no "t" table'),
        LINE.replace(b"no table", b'no table "t"'),
        LINE.replace(b"no table", rb"no C:\xyz table"),
        LINE.replace(b"}", b",}"),
        LINE.replace(b'"error"', b',"error"'),
        LINE.replace(b'"error"', b'"rows":nope,"error"'),
        LINE + b",",
        b"2026-01-01 00:00:00 INFO " + LINE,
        b"[" + LINE + b"]",
        LINE + b" and more",
    ],
)
def test_damaged_line_of_one_event_is_decoded(line: bytes) -> None:
    event = events.decode(line, line_number=7)
    assert (event.name, event.step, event.line) == ("step_failed", "a", 7)
    assert (event.error or "").startswith("no")
    assert event.damage


def test_valid_line_has_no_damage() -> None:
    assert events.decode(LINE).damage == ""


@pytest.mark.parametrize("size", range(LINE.index(b'"no table') + 3, len(LINE)))
def test_cut_line_gives_its_complete_values(size: int) -> None:
    (event,) = events.decode_damaged(LINE[:size])
    assert (event.name, event.step) == ("step_failed", "a")
    assert (event.error or "x") in "no table"


@pytest.mark.parametrize("text", [b"step_fa", b"step_failed"])
def test_event_with_a_cut_name_is_not_read(text: bytes) -> None:
    assert events.decode_damaged(b'{"ts":"x","event":"' + text) == []


def test_cut_step_name_is_not_used() -> None:
    (event,) = events.decode_damaged(b'{"event":"step_failed","step_id":"extr')
    assert event.step is None


def test_cut_worker_event_gives_its_step() -> None:
    line = b'{"type":"event","name":"step_error","timestamp":1.0,"data":{"step_id":"a","error":"no ta'
    (event,) = events.decode_damaged(line)
    assert (event.name, event.step, event.error) == ("step_failed", "a", "no ta")


@pytest.mark.parametrize("between", [b"", b" ", b",", b"\0\0"])
def test_two_events_on_one_line_are_both_read(between: bytes) -> None:
    both = events.decode_damaged(LINE + between + LINE.replace(b"step_failed", b"run_end"))
    assert [event.name for event in both] == ["step_failed", "run_end"]


def test_event_after_a_cut_one_is_read() -> None:
    both = events.decode_damaged(b'{"ts":"x","event":"step_start","step_id":"a","dri' + LINE)
    assert [(event.name, event.step) for event in both] == [("step_start", "a"), ("step_failed", "a")]


@pytest.mark.parametrize(
    "line", [b"", b"[1]", b"text", b'"event"', b'{"event":1}', b'{"event":"a","b":' + b"[" * 300]
)
def test_line_without_an_event_gives_none(line: bytes) -> None:
    names = [event.name for event in events.decode_damaged(line)]
    assert names in ([], ["a"])


@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, len(LINE)))
def test_any_bytes_around_an_event_raise_nothing(before: bytes, after: bytes, cut: int) -> None:
    for line in (before + LINE[:cut] + after, LINE[:cut] + before + LINE[cut:] + after):
        with contextlib.suppress(InvalidLine):
            events.decode(line)
        assert isinstance(events.decode_damaged(line), list)


@given(
    st.dictionaries(
        st.text(max_size=5), st.integers() | st.text(max_size=9) | st.lists(st.integers()), min_size=1
    )
)
def test_valid_objects_are_read_unchanged(value: dict[str, object]) -> None:
    line = json.dumps(value).encode()
    assert [item.value for item in read_objects(line + line)] == [value, value]


@pytest.mark.parametrize(
    "unit",
    [
        b'{"',
        b'"',
        b"\\",
        b'{"a":',
        b'{"a":"',
        b',"a":',
        b'"b"c',
        b',"a":[1,x',
        b'{"a":{"b":1}',
        b'{"a":1}',
        b'"a":1,,',
    ],
)
def test_time_grows_with_the_length_of_a_line(unit: bytes) -> None:
    def seconds(size: int) -> float:
        line = b'{"event":"a","x":' + unit * (size // len(unit))
        start = time.process_time()
        read_objects(line)
        return time.process_time() - start

    assert seconds(400_000) < 10 * max(seconds(100_000), 0.01)
