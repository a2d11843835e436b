"""A known secret is masked in each spelling; the cost does not depend on its length."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model.redaction import MASK, Redactor
from osiris_inspect.model.redaction.redactor import mask_spans
from osiris_inspect.model.redaction.unescape import Unescaped, unescape
from tests.model.spellings import SPELLINGS

SECRETS = (
    "hunter2Geheim99",
    "pä@:/%'\"\\ <k>&7Q z☃Wx",
    "  padded/9<x  ",
    "it's 5 o'clock",
    'x&amp;"y9%41',
    "back\\slash\\9",
    '😀pw1 "q"',
    "correct horse battery staple",
    "a'b''c\"d\"\"e12",
    "tab\tin 1",
)
PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"
LINES = [f"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ{number:014d}" for number in range(26)]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_known_secret_is_masked_in_spelling(secret: str, spelling: str) -> None:
    carried = SPELLINGS[spelling](secret)
    masked = Redactor([secret]).redact_text(f"before {carried} after")
    assert MASK in masked
    assert carried not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize("secret", ["abc1", "a1'\"x"])
@pytest.mark.parametrize("spelling", ["base64", "base64 after a user", "hex", "JSON", "percent, all"])
def test_short_secret_is_masked_in_spelling(secret: str, spelling: str) -> None:
    carried = SPELLINGS[spelling](secret)
    assert carried not in Redactor([secret]).redact_text(f"x={carried}")


def test_overlapping_secrets_leave_no_rest() -> None:
    redactor = Redactor(["abcdefgh12", "efgh12ijkl34"])
    assert redactor.redact_text("x abcdefgh12ijkl34 y") == "x *** y"


def test_secret_that_overlaps_itself_leaves_no_rest() -> None:
    assert Redactor(["abab1abab"]).redact_text("abab1abab1abab") == MASK


@pytest.mark.parametrize("spelling", ["plain", "JSON", "percent", "repr"])
def test_each_line_of_key_is_masked(spelling: str) -> None:
    redactor = Redactor([PEM.format("\n".join(LINES))])
    for line in LINES:
        assert line not in redactor.redact_text(f"log {SPELLINGS[spelling](line)} log")


def test_key_is_searched_as_fast_as_password() -> None:
    text = "2026-01-02 INFO 14 rows of movies were loaded from the table\n" * 5_000
    seconds = [
        _seconds(Redactor([secret]), text) for secret in ("hunter2Geheim99", PEM.format("\n".join(LINES)))
    ]
    assert seconds[1] < 10 * seconds[0] + 0.1


def _seconds(redactor: Redactor, text: str) -> float:
    began = time.process_time()
    redactor.redact_text(text)
    return time.process_time() - began


@pytest.mark.parametrize("unit", ["\\", "%25", "''", "&amp;", "\\u0041", "\n ", '\\"', "\x1b[0m", "\x1b]"])
def test_escapes_are_decoded_in_linear_time(unit: str) -> None:
    began = time.process_time()
    Redactor(["hunter2Geheim99"]).redact_text(unit * (200_000 // len(unit)))
    assert time.process_time() - began < 5


@given(st.text("ab\\'\"%&;#x0141nu\n\x1b[m", max_size=30), st.data())
def test_span_of_decoded_text_is_part_of_source(source: str, data: st.DataObject) -> None:
    decoded = Unescaped(source)
    if not decoded.text:
        return
    begin = data.draw(st.integers(0, len(decoded.text) - 1))
    end = data.draw(st.integers(begin + 1, len(decoded.text)))
    first, last = decoded.source_span(begin, end)
    assert 0 <= first < last <= len(source)
    assert unescape(source[first:last], 1) == decoded.text[begin:end]


@pytest.mark.parametrize("word", ["error", "movies", "rows", "a", "admin"])
def test_word_is_masked_only_by_place(word: str) -> None:
    redactor = Redactor([word])
    text = f"an {word} in load_{word}"
    assert redactor.redact_text(text) == text
    assert redactor.redact_text(f"password={word} x") == "password=*** x"
    assert redactor.redact_text(f"'dbPassword': '{word}'") == "'dbPassword': '***'"
    assert redactor.redact_text(f"mysql://u:{word}@h/db") == "mysql://u:***@h/db"
    assert redactor.redact_value({"client_secret": word, "step": word}) == {
        "client_secret": MASK,
        "step": word,
    }


def test_name_is_masked_only_by_place() -> None:
    redactor = Redactor(["load_movies"], ["load_movies"])
    assert redactor.redact_text("step load_movies") == "step load_movies"
    assert redactor.redact_text("pwd: load_movies") == "pwd: ***"


def test_masking_up_to_position_does_not_cut_secret() -> None:
    text = "x hunter2Geheim99 y"
    assert Redactor(["hunter2Geheim99"]).redact_up_to(text, 6) == ("x ", 2)


def test_spans_are_replaced_in_order() -> None:
    assert mask_spans("abcdef", [(0, 2), (3, 4)]) == "***c***ef"
