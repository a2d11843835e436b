import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine


def test_nan_and_infinity_are_taken() -> None:
    value = jsonl.decode_object(b'{"a": NaN, "b": Infinity}')
    assert math.isnan(value["a"])
    assert value["b"] == math.inf


def test_what_is_nested_less_deep_is_taken_however_much_there_is() -> None:
    value = jsonl.decode_object(
        b'{"a":' + b"[" * 199 + b"]" * 199 + b',"b":[' + b"{},".join([b""] * 500) + b"0]}"
    )
    assert len(value["b"]) == 500


@pytest.mark.parametrize("around", [b"\xef\xbb\xbf%s", b"%s\r", b"  %s  ", b"\0\0%s\0"])
def test_marks_around_a_line_are_no_part_of_it(around: bytes) -> None:
    assert jsonl.decode_object(around % b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty line"),
        (b"\0\0\0", "empty line"),
        (b"[1]", "JSON of type list"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"{", "no JSON"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "nested too deep"),
        (b" " * (jsonl.MAX_LINE + 1), "over the limit"),
    ],
)
def test_reason_says_what_is_wrong_with_a_line(line: bytes, reason: str) -> None:
    with pytest.raises(InvalidLine, match=reason):
        jsonl.decode_object(line)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_object_or_an_unreadable_line(line: bytes) -> None:
    with contextlib.suppress(InvalidLine):
        assert isinstance(jsonl.decode_object(line), dict)


@given(st.dictionaries(st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=5) | st.none(), max_size=5))
def test_what_is_encoded_is_decoded(value: dict[str, int | str | None]) -> None:
    assert jsonl.decode_object(jsonl.encode(value)) == value


def test_valid_objects_are_decoded_at_once() -> None:
    deepest, too_deep = (
        b'{"a":' + b"[" * depth + b"]" * depth + b"}" for depth in (jsonl.MAX_DEPTH - 1, jsonl.MAX_DEPTH)
    )
    lines = [b'{"a":1}', b"", b"[1]", b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":1}{"b":2}', deepest, too_deep]
    assert jsonl.decode_valid(lines[:1]) == [{"a": 1}]
    values = jsonl.decode_valid(lines)
    assert values[:6] == [{"a": 1}, None, None, None, None, None]
    assert values[6] == jsonl.decode_object(deepest)
    assert values[7] is None
