"""What is looked for in the bytes of a log is all that decoding every line would find."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.event_log.search import byte_search as scanning
from osiris_inspect.inspector.event_log.search.byte_search import MatchedLine, find_lines, rarest_literal
from osiris_inspect.inspector.event_log.search.literals import may_match, required_literals
from osiris_inspect.inspector.event_log.search.search import candidates_without_index, search
from osiris_inspect.model import jsonl
from tests.inspector import logs
from tests.inspector.test_index import memory_file
from tests.inspector.test_query_search import kept_without_index, long_log

TEXTS = ("event=step_failed", "event=step_failed step=compute-stats", "step=extract-movies", "event=step_* note~nested", "nested",
         "text~NoneType", '"KeyError: "', "event=write.error or text~nonetype", "note=task", "not event=step_failed", "event=table.ddl_failed",
         "error~exception", "rows=100", "event~failed", "abci", "e10", "path=none", "side=worker nested", "session=run_1", "step=missing", "note>5", "nested.inner~task", "path=1e10", "note=", "inner=x", "Note~a", "error>0", "side=worker path<9")  # fmt: skip
WORDS = (
    "NoneType",
    "KeyError: 'a'",
    "TAS\u212a",
    "abc\u0130",
    "\u0130abc",
    "exception\x85\u200b",
    "x\x7fy",
    "a\nb",
    "\ud800",
    "1e10",
    "é",
)
"""Values that are hard to find: small letters that come from no ASCII, signs that must be escaped or may be."""


def escaped(text: str, places: set[int]) -> str:
    """A string of JSON in which some signs are escaped though they need not be."""
    signs = json.dumps(text, ensure_ascii=False)[1:-1]
    if "\\" in signs:
        return f'"{signs}"'
    return '"' + "".join(f"\\u{ord(sign):04x}" if place in places and ord(sign) < 0x10000 else sign for place, sign in enumerate(signs)) + '"'  # fmt: skip


names = st.sampled_from(("step_error", "step_failed", "Step_Failed", "table.ddl_failed", *logs.NAMES))
values = st.one_of(
    st.sampled_from(WORDS), st.text(max_size=8), st.integers(), st.floats(), st.none(), st.booleans()
)
places = st.sets(st.integers(0, 12), max_size=3)


@st.composite
def hard(draw: st.DrawFn) -> bytes:
    """A line whose writer escapes what it likes."""
    name, step = draw(names), draw(st.sampled_from((*logs.STEPS, "Compute-Stats", "missing")))
    nested = json.dumps({"inner": [draw(values)]}, ensure_ascii=draw(st.booleans()))
    fields = {key: json.dumps(draw(values), ensure_ascii=draw(st.booleans())) for key in draw(st.sets(st.sampled_from(["note", "error", "rows", "path"])))}  # fmt: skip
    told = {
        "event": escaped(name, draw(places)),
        "step_id": escaped(step, draw(places)),
        **fields,
        "nested": nested,
    }
    return ("{" + ",".join(f'"{key}":{value}' for key, value in told.items()) + "}").encode(
        "utf-8", "surrogatepass"
    )


lines_of_logs = st.lists(st.one_of(hard(), hard(), logs.line), max_size=25)


def scanned(content: bytes, needle: tuple[bytes, ...], block: int = scanning.BLOCK) -> list[MatchedLine]:
    with memory_file(content) as descriptor:
        return [line for lines in find_lines(descriptor, len(content), needle, block=block) for line in lines]


@settings(max_examples=300, deadline=None)
@given(lines_of_logs, st.sampled_from(TEXTS), st.booleans(), st.sampled_from([512, 4096, scanning.BLOCK]))
@example([b'{"event":"step_failed"}'], "event=step_failed", False, 64)
@example([b'{"event":"step_\\u0066ailed"}'], "event=step_failed", True, 8)
@example(['{"event":"x","note":"abc\u0130"}'.encode()], "abci", True, 64)
def test_every_line_that_is_kept_is_found(lines: list[bytes], text: str, ended: bool, block: int) -> None:
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    kept = kept_without_index(content, text)
    split = content.split(b"\n")
    for needle in required_literals(parse(text).root):
        at = scanned(content, needle, block)
        numbers = [line.number + 1 for line in at]
        assert numbers == sorted(set(numbers))
        assert set(kept) <= set(numbers)
        assert all(split[line.number] == line.raw for line in at)


@settings(max_examples=300, deadline=None)
@given(lines_of_logs, st.sampled_from(TEXTS))
def test_a_line_that_is_kept_may_hold_all_needles(lines: list[bytes], text: str) -> None:
    wanted = required_literals(parse(text).root)
    kept = kept_without_index(b"\n".join(lines), text)
    assert all(may_match(b"\n".join(lines).split(b"\n")[number - 1], wanted) for number in kept)


@pytest.mark.parametrize(
    "text",
    [
        "event=step_failed",
        "step=extract-movies",
        "NoneType",
        "text~keyerror",
        "error=*attribute*",
        "session=run_1",
        "retries>3",
        "ok=true",
        "a.b=*",
    ],
)
def test_usual_filters_ask_for_a_text(text: str) -> None:
    assert required_literals(parse(text).root)


@pytest.mark.parametrize(
    "text",
    [
        "not NoneType",
        "rows>10",
        "rows=100",
        "since=2026-01-01",
        "side=worker",
        "key",
        "none",
        "NoneType or rows>1",
    ],
)
def test_what_a_line_may_say_otherwise_is_not_looked_for(text: str) -> None:
    assert required_literals(parse(text).root) == ()


def test_only_two_signs_beyond_ascii_have_small_letters_within() -> None:
    within = [
        code for code in range(128, sys.maxunicode + 1) if any(ord(sign) < 128 for sign in chr(code).lower())
    ]
    assert within == [0x130, 0x212A]


def test_a_line_without_the_field_is_passed_over() -> None:
    wanted = required_literals(parse("error.retries>3").root)
    assert may_match(b'{"event":"a","error":{"retries":4}}', wanted)
    assert not may_match(b'{"event":"a","retried":4}', wanted)


def test_the_rarest_needle_is_looked_for() -> None:
    wanted = required_literals(parse("event=heartbeat step=missing").root)
    content = (
        b'{"event":"heartbeat","step_id":"a"}\n' * 100_000 + b'{"event":"heartbeat","step_id":"missing"}\n'
    )
    with memory_file(content) as descriptor:
        assert rarest_literal(descriptor, len(content), wanted) == wanted[1]
        assert rarest_literal(descriptor, len(content), wanted[:1]) is None


def test_lines_far_longer_than_a_block_keep_their_numbers() -> None:
    long = b'{"event":"long","note":"' + b"x" * 100_000 + b'"}'
    content = (
        b"\n".join([b'{"event":"needle"}', long, b'{"event":"needle"}', long, long, b'{"event":"Needle"}'])
        + b"\n"
    )
    found = [line for line in scanned(content, (b"needle",), 512) if b"eedle" in line.raw]
    assert [line.number for line in found] == [0, 2, 5]


def test_a_line_too_long_to_be_decoded_is_not_read() -> None:
    content = (
        b'{"event":"a"}\n{"event":"needle","note":"' + b"x" * jsonl.MAX_LINE + b'"}\n{"event":"needle"}\n'
    )
    assert [(line.number, line.raw) for line in scanned(content, (b"needle",))] == [
        (1, b""),
        (2, b'{"event":"needle"}'),
    ]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 60,000 lines: a word in three of them, one torn, and a last line without its newline."""
    path = tmp_path_factory.mktemp("scan") / "events.jsonl"
    beat = b'{"ts":"2026-01-01T00:00:00+00:00","seq":1,"session":"s","event":"heartbeat","step_id":"a","note":"nothing to see"}\n'
    odd = beat.replace(b"nothing", b"AttributeError")
    path.write_bytes(
        beat * 20_000
        + odd
        + beat * 20_000
        + b'{"torn": "AttributeError'
        + b"\n"
        + beat * 20_000
        + odd
        + odd[:-1]
    )
    return path


@pytest.mark.parametrize(
    "text", ["AttributeError", "note~attributeerror step=a", "event=heartbeat note~attribute*", "nowhere"]
)
def test_a_rare_text_is_found_alike_with_and_without_index(log: Path, text: str) -> None:
    content, query = log.read_bytes(), parse(text)
    kept = kept_without_index(content, text)
    assert [event.line for event in search(long_log(content), query)] == kept
    with memory_file(content) as descriptor:
        near = candidates_without_index(descriptor, query)
        assert near is not None
        lines = [line + 1 for some in near for line, _ in some]
    assert set(kept) <= set(lines)
    assert len(lines) <= 4


def test_what_is_said_of_a_line_that_is_no_event_is_not_found() -> None:
    beat = b'{"event":"heartbeat","note":"nothing to see here"}\n'
    content = beat * 1_000 + b'{"torn": "unexpected end of data\n' + beat * 1_000
    assert list(search(long_log(content), parse("unexpected"))) == []


def test_a_file_that_is_cut_meanwhile_ends_there() -> None:
    content = b'{"event":"needle"}\n' * 1_000
    with memory_file(content) as descriptor:
        lines = find_lines(descriptor, 100 * len(content), (b"needle",), block=4096)
        assert [line.number for some in lines for line in some] == [*range(1_000)]


def test_a_text_of_many_lines_is_left_to_the_index(log: Path) -> None:
    with memory_file(log.read_bytes()) as descriptor:
        assert candidates_without_index(descriptor, parse("event=heartbeat")) is None
        assert candidates_without_index(descriptor, parse("rows>1")) is None


def test_the_finds_before_a_reader_leaves_take_no_look_at_the_rest(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    look = scanning._BlockSearcher.search_block
    monkeypatch.setattr(
        scanning._BlockSearcher, "search_block", lambda self, begin: looked.append(begin) or look(self, begin)
    )
    content = log.read_bytes()
    with memory_file(content) as descriptor:
        lines = find_lines(descriptor, len(content), (b"heartbeat",), block=4096)
        assert next(lines)
        lines.close()
    assert 0 < len(looked) * 4096 < len(content) / 4
