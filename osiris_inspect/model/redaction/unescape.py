"""Decoding of the escapes of JSON, Python, URLs, HTML, SQL and shells, with the positions in the source."""

import re
from bisect import bisect_right
from typing import Final

_HEX: Final = "[0-9a-fA-F]"
_ESCAPE: Final = re.compile(
    rf"\\(?:u\{{({_HEX}{{1,6}})\}}"
    rf"|u([dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}})"
    rf"|u({_HEX}{{4}})|U({_HEX}{{8}})|x({_HEX}{{2}})|([0-7]{{1,3}})|([\s\S]))"
    rf"|%(?:u({_HEX}{{4}})|({_HEX}{{2}}))"
    rf"|&(?:#([0-9]{{1,7}})|#[xX]({_HEX}{{1,6}})|([A-Za-z]{{2,8}}));"
    r"|'(?:(\\)''|(\")'\"'|(')'*+)"
    r'|"(")"*+'
    r"|\x1b(?:\[[0-9;]{0,40}m|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\))"
    r"|\n[ \t]{0,200}+|\r"
)
"""An escaped character, a doubled quote, a color or a line break, which wrapped text has inside a word."""
_MAY_BE_ESCAPED: Final = re.compile(
    r"\\|\x1b|\r|%[0-9a-fA-Fu]|&[#a-zA-Z][0-9a-zA-Z]{1,7};|''|\"\"|'\"|\n[ \t]"
)
_SURROGATES, _OCTAL, _LETTER, _DECIMAL, _ENTITY, _DOUBLE = 2, 6, 7, 10, 12, 16
"""Numbers of groups; those after ``_ENTITY`` are quotes, all others hex."""
_LETTERS: Final = {
    "n": "",
    "r": "",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "a": "\a",
    "e": "\x1b",
    "\n": "",
}
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": "\xa0"}


class Unescaped:
    """Text with one level of escapes decoded, and without colors and line breaks.

    Attributes:
        text: the decoded text; the source itself if it has no escapes.
        is_changed: True if the source has escapes.
    """

    def __init__(self, source: str) -> None:
        parts: list[str] = []
        self._decoded_ends, self._begins, self._ends = [0], [0], [0]
        position = length = 0
        for match in _ESCAPE.finditer(source):
            begin, end = match.span()
            character = _decoded(match)
            parts += (source[position:begin], character)
            length += begin - position + len(character)
            self._decoded_ends.append(length)
            self._begins.append(begin)
            self._ends.append(end)
            position = end
        self.is_changed = bool(parts)
        self.text = "".join([*parts, source[position:]]) if parts else source

    def source_span(self, begin: int, end: int) -> tuple[int, int]:
        """Return the part of the source of a part of ``text`` that is not empty."""
        last = self._source_position(end - 1)
        following = bisect_right(self._decoded_ends, end - 1)
        if following < len(self._begins) and self._begins[following] == last:
            return self._source_position(begin), self._ends[following]
        return self._source_position(begin), last + 1

    def _source_position(self, position: int) -> int:
        before = bisect_right(self._decoded_ends, position) - 1
        return self._ends[before] + position - self._decoded_ends[before]


def joined_lines(text: str) -> str | None:
    """Return a text without its line breaks; None if it may contain other escapes."""
    return None if _MAY_BE_ESCAPED.search(text) else text.replace("\n", "")


def unescape(text: str, levels: int) -> str:
    """Return a text without up to ``levels`` levels of escapes, colors and line breaks."""
    for _ in range(levels):
        decoded = Unescaped(text)
        if not decoded.is_changed:
            break
        text = decoded.text
    return text


def _decoded(match: re.Match[str]) -> str:
    group = match.lastindex
    if group is None:
        return ""
    text = match[group]
    if group == _LETTER:
        return _LETTERS.get(text, text)
    if group > _ENTITY:
        return '"' if group == _DOUBLE else "'"
    if group == _ENTITY:
        return _ENTITIES.get(text) or _entity(text)
    if group == _SURROGATES:
        return bytes.fromhex(text.replace("\\u", "")).decode("utf-16-be")
    return _character(int(text, {_OCTAL: 8, _DECIMAL: 10}.get(group, 16)))


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 and code not in (10, 13) else ""


def _entity(name: str) -> str:
    import html

    return html.unescape(f"&{name};")
