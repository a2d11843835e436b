import json
import re
from collections.abc import Callable

import pytest

from osiris_inspect.base.text.terminal_text import break_ci_commands
from osiris_inspect.inspector.text import json_line
from osiris_inspect.inspector.text.sanitize import (
    MAX_TEXT,
    clear_end,
    excerpt,
    excerpt_of,
    inline_json,
    json_lines,
    key_value,
    masked_text,
    multi_line,
    one_line,
    shorten,
    show_line,
)

INVISIBLE = (
    "\u061c\u00ad\u180e\u206a\u206f\ufff9\ufffb\U000e0000\U000e0041\U000e007f\u200b\u202e\u2066\ufeff\x9b"
)
DSN = "mysql://root:Zq7kTrv9PxLm@db"
CUTS: dict[str, Callable[[str, int], str]] = {
    "excerpt": lambda text, limit: masked_text(excerpt(text, limit)),
    "excerpt_of": lambda text, limit: masked_text(excerpt_of(re.match(rf"(?s).{{{limit}}}", text), limit)),  # type: ignore[arg-type]  # it matches
    "shorten": shorten,
    "show_line": show_line,
    "multi_line": lambda text, limit: "\n".join(multi_line(text, limit)),
    "inline_json": lambda text, limit: inline_json({"error": text}, limit),
    "key_value": lambda text, limit: key_value("error", text, limit),
    "plain": lambda text, limit: one_line("y" * (MAX_TEXT - limit) + text),
    "whole": lambda text, limit: masked_text("y" * (MAX_TEXT - limit) + text),
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("a\nb\tc\x7f", "a␊b  c␡"),
        ("a\u202eb", "a⟨202e⟩b"),
        ("⚠\ufe0f", "⚠"),
        ("\ud800", "⟨d800⟩"),
        ("a\U000e0041b", "a⟨e0041⟩b"),
        ("mysql://root:hunter2@db", "mysql://root:***@db"),
    ],
)
def test_show_line_replaces_acting_characters_by_codes(text: str, shown: str) -> None:
    assert show_line(text) == shown


@pytest.mark.parametrize("length", [100, 101, 5_000, 5_101, 1_000_000])
def test_show_line_too_long_counts_missing_characters(length: int) -> None:
    shown = show_line("x" * length, 100)
    assert shown.startswith("x" * 100 + ("… " if length > 100 else ""))
    assert length == 100 or shown.endswith(f"… {length - 100:,} more characters")


@pytest.mark.parametrize("function", CUTS)
def test_secret_across_cut_is_masked(function: str) -> None:
    for before in range(200 - len(DSN) - 2, 200):
        shown = CUTS[function]("x" * (before - 1) + f" {DSN} " + "y" * 40_000, 200)
        assert "root:Z" not in shown
        assert "xxxxx" in shown


@pytest.mark.parametrize("start", range(1, len(DSN)))
def test_excerpt_starting_inside_secret_omits_it(start: int) -> None:
    shown = masked_text(excerpt(f"{DSN} is refused", 300, start))
    assert "PxLm" not in shown
    assert shown.endswith("b is refused")


def test_excerpt_without_secret_is_unchanged() -> None:
    text = "password: YES at http://localhost:8080/a?b=c " * 100
    assert excerpt(text, 321, 17) == text[17 : 17 + 321]


@pytest.mark.parametrize("blanks", [0, 4_990, 12_000])
@pytest.mark.parametrize(
    "text",
    [
        "user=a password=<hunter22> retries=3 token=<hunter33> end",
        "a: '***', password=<hunter22>, b: '***', password=<hunter33>",
        "password='< token=>' token='<hunter22>'",
    ],
)
def test_clear_end_is_beginning_of_next_secret(text: str, blanks: int) -> None:
    before, first, between, second, after = re.split("[<>]", text)
    before = " " * blanks + before
    line = before + first + between + second + after + " " * blanks
    begins = (0, len(before), len(before + first), len(before + first + between))
    ends = [clear_end(line, begin, len(line)) for begin in begins]
    assert ends == [begins[1], begins[1], begins[3], begins[3]]
    assert clear_end(line, 2, 5) == 5


def test_clear_end_where_part_has_two_places_is_start() -> None:
    cookie = "cookie: a=" + " q " + "x" * 3_997  # the mask takes 4,000 characters
    line = cookie + " q " + "AKIAIOSFODNN7EXAMPLE"
    assert clear_end(line, len(cookie), len(line)) == len(cookie)


def test_excerpt_of_absent_group_is_empty() -> None:
    match = re.match("a(?P<b>b)?", "a")
    assert match is not None
    assert excerpt_of(match, 10, "b") == ""


def test_plain_masks_secret_in_colored_text() -> None:
    assert "hunter2x" not in one_line("\x1b[36mpassword\x1b[0m: \x1b[35m'hunter2x'\x1b[0m")


@pytest.mark.parametrize("sign", INVISIBLE)
def test_invisible_character_is_removed_shown_or_escaped(sign: str) -> None:
    text = f"a{sign}b"
    assert one_line(text) == "ab"
    assert show_line(text) == f"a⟨{ord(sign):04x}⟩b"
    line = json_line.to_json_line({text: text})
    assert line.isascii()
    assert json.loads(line) == {text: text}


def test_key_named_like_secret_is_masked() -> None:
    assert key_value("password", "plain words") == "password=***"
    assert key_value("primary_key", "id") == "primary_key=id"
    assert '"token": "***"' in json_lines({"a": [{"token": "plain"}]})[3]


def test_long_list_in_json_is_shortened() -> None:
    assert '    "… 9,500 more"' in json_lines({"rows": list(range(10_000))}, 1_000_000)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("::error::x", ": :error::x"), ("a\n  ::x", "a\n  : :x"), ("a ##[b]", "a # #[b]"), ("a::b", "a::b")],
)
def test_ci_command_is_broken_by_a_space(text: str, escaped: str) -> None:
    assert break_ci_commands(text) == escaped
