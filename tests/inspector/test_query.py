import dataclasses
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.filter.filter import (
    FilterSyntaxError,
    parse,
    parse_time,
    parse_tolerant,
)
from osiris_inspect.model import event as events
from osiris_inspect.model.event import Event, parse_timestamp
from tests.inspector import logs

FAILED = Event(
    "step_failed",
    ts=1000.0,
    step="compute-stats",
    fields={
        "error": {"type": "KeyError", "message": 'Object "input_df" of type "NoneType"'},
        "rows": 1500,
        "ok": False,
        "note": "",
        "driver": "duckdb.processor",
        "duration_ms": 2500,
    },
    side="worker",
    line=7,
    original_name="step_error",
)
RESOLVED = Event("inputs_resolved", ts=None, step="write", fields={"keys": ["df"], "from_steps": ["a", "b"]})


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("", True),
        ("nonetype", True),
        ('"of type"', True),
        ('"type of"', False),
        ("-nonetype", False),
        ("not nonetype", False),
        ("not -nonetype", True),
        ("step=compute-stats", True),
        ("step=compute-*", True),
        ("step=*-stats", True),
        ("step=compute", False),
        ("step=compute-?tats", True),
        ("step~stats", True),
        ("step!~stats", False),
        ("step!=write", True),
        ("event=step_failed", True),
        ("event=step_error", True),
        ("event!=step_error", False),
        ("rows>1000", True),
        ("rows>=1500", True),
        ("rows>1500", False),
        ("rows<1e4", True),
        ("rows<=1499", False),
        ("rows=1500.0", True),
        ("rows=1_500", False),
        ("ok=false", True),
        ("note=", True),
        ("note=*", True),
        ("absent=*", False),
        ("absent=", False),
        ("absent!=1", True),
        ("absent>1", False),
        ("driver>1", False),
        ("ok>0", False),
        ("error.type=keyerror", True),
        ("error~input_df", True),
        ('text~"nonetype"', True),
        ("text!~nonetype", False),
        ("duration>2", True),
        ("duration<2", False),
        ("side=worker", True),
        ("line=7", True),
        ("line>7", False),
        ("since=-5m", True),
        ("since=-30s", False),
        ("until=-30s", True),
        ("since=1970-01-01T00:16:40Z", True),
        ("since=1970-01-01T00:16:41", False),
        ("step=write or rows>1000", True),
        ("step=write or rows>2000", False),
        ("step=write rows>1000", False),
        ("step=write and rows>1000 or nonetype", True),
        ("step=write and (rows>1000 or nonetype)", False),
        ("not (step=write or rows>2000)", True),
        ("-(step=compute-stats)", False),
        ("NOT step=write AND nonetype", True),
        ('"and"', False),
        ("((nonetype))", True),
    ],
)
def test_a_filter_keeps(asked: str, kept: bool) -> None:
    assert parse(asked, now=1100.0).matches(FAILED) is kept


@pytest.mark.parametrize(
    ("asked", "kept"),
    [("from_step=a", True), ("from_step=b", True), ("from_step=c", False), ("since=-5m", False), ("not since=-5m", True), ("keys~df", True)],
)  # fmt: skip
def test_what_dialects_say_in_other_words_is_found(asked: str, kept: bool) -> None:
    assert parse(asked, now=1100.0).matches(RESOLVED) is kept


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("(a", r"at the end: unclosed '\('"),
        ("a)", r"at '\)', character 2: unmatched '\)'"),
        ("or a", "at 'or', character 1: missing operand"),
        ("a or", "at the end: missing operand"),
        ("a and", "at the end: missing operand"),
        ("and a", "nothing before 'and'"),
        ("not", "missing operand"),
        ("()", "missing operand"),
        ("rows>many", "'many' is not a number"),
        ("since>2020-01-01", "'since' requires '='"),
        ("since=yesterday", "'yesterday' is not a time"),
        ("(" * 60 + "a" + ")" * 60, "nested deeper than 50"),
    ],
)
def test_a_filter_that_cannot_be_understood_says_where_and_why(asked: str, why: str) -> None:
    with pytest.raises(FilterSyntaxError, match=why):
        parse(asked, now=0.0)


def test_a_relative_time_needs_something_it_is_relative_to() -> None:
    with pytest.raises(FilterSyntaxError, match="no event has a time"):
        parse("since=-5m")


@pytest.mark.parametrize(
    ("text", "seconds"), [("-5m", 300), ("3h", 10_800), ("-1.5h", 5_400), ("250ms", 0.25), ("-2d", 172_800), ("1w", 604_800), ("-7s", 7)]
)  # fmt: skip
def test_relative_times_have_units(text: str, seconds: float) -> None:
    assert parse_time(text, 1e9) == 1e9 - seconds


def test_an_iso_time_is_itself() -> None:
    assert parse_time("2026-01-31T10:00", None) == parse_timestamp("2026-01-31T10:00:00+00:00")


@given(st.text(max_size=60))
def test_anything_that_is_typed_is_a_filter(asked: str) -> None:
    assert parse_tolerant(asked, now=0.0).matches(FAILED) in (True, False)


@given(st.text(alphabet='()"-=<>~!andort x*?.0', max_size=40))
def test_a_filter_is_understood_or_is_a_bad_one(asked: str) -> None:
    with suppress(FilterSyntaxError):
        assert parse(asked, now=0.0).matches(FAILED) in (True, False)


@given(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text())
def test_a_word_and_its_negation_never_agree(word: str, text: str) -> None:
    assert parse_tolerant(word).matches_row(text, {}) is not parse_tolerant(f"-{word}").matches_row(text, {})


@given(logs.objects)
def test_a_filter_of_what_an_event_says_keeps_it(value: dict[str, object]) -> None:
    event = events.decode(json.dumps(value).encode())
    asked = parse(f'event="{event.name}" step="{event.step}"') if _is_simple(event) else parse("")
    assert asked.matches(event)
    assert not asked or not asked.matches(dataclasses.replace(event, step="another"))


def _is_simple(event: Event) -> bool:
    return event.step is not None and '"' not in event.name


def test_the_words_to_mark_are_those_that_must_be_there() -> None:
    assert parse('Time "two words" step~stats -absent not gone (a or b)').highlight_terms == (
        "time",
        "two words",
        "stats",
        "a",
        "b",
    )
    assert not parse("")
    assert parse("x")
