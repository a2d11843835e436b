"""Signatures of failures: two failures with one signature count as the same failure."""

import re
from typing import Final, NamedTuple

from osiris_inspect.model.run_types import FailureLevel

MAX_WORDS: Final = 160
"""Characters of the words of a signature."""
_MAX_TEXT: Final = 20_000
_CANDIDATES: Final = re.compile(r"\s{0,100}(?:Candidate bindings|Did you mean|LINE \d+:).*", re.DOTALL)
"""Text of DuckDB that lists the columns or quotes the query."""
_QUOTED: Final = re.compile(r"(?<!\w)(?:'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`)(?!\w)")
_PATH: Final = re.compile(r"(?<![\w/])(?:[A-Za-z]:)?(?:[/\\][\w.@+-]+){2,}[/\\]?")
_NUMBER: Final = re.compile(r"(?<!\w)[+-]?(?:0x[0-9a-fA-F]+|\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?)")
_SIZE: Final = re.compile(r"\bN ?(?:[kKMGT]i?B|bytes|B)\b")
"""A size: one of 900 MB and one of 1.1 GB are the same words."""
_LIST: Final = re.compile(r"Q(?:\s*,\s*Q)+")
_FRAME: Final = re.compile(
    r'^[ \t]{0,40}File "(?P<file>[^"\n]{1,400})", line \d+, in (?P<function>[^\n]{1,200})', re.M
)
_LIBRARY: Final = re.compile(r"[/\\](?:site|dist)-packages[/\\](?!osiris_inspect[/\\])|^<frozen ")


class FailureSignature(NamedTuple):
    """The parts of a failure that do not depend on the values of one run.

    Attributes:
        type: the class of the exception; empty if unknown.
        words: the message, with ``Q`` for quoted text and ``N`` for numbers, at most ``MAX_WORDS`` characters.
        place: ``file:function`` of the innermost frame outside of installed packages; empty if unknown.
    """

    type: str
    words: str
    place: str


def failure_signature(
    message: str, error_type: str | None = None, traceback: str | None = None
) -> FailureSignature:
    """Return the signature of a failure from its message, exception class and traceback."""
    return FailureSignature(error_type or "", general_words(message), _place(traceback or ""))


def general_words(message: str) -> str:
    """Return a message without its values: quoted text becomes ``Q``, a path too, a number or a size ``N``."""
    text = _CANDIDATES.sub("", message[:_MAX_TEXT])
    text = _NUMBER.sub("N", _PATH.sub("Q", _QUOTED.sub("Q", text)))
    return _LIST.sub("Q", _SIZE.sub("N", " ".join(text.split())))[:MAX_WORDS]


def quoted_texts(message: str) -> frozenset[str]:
    """Return the quoted texts of a message without their quotes; those of lists of candidates are left out."""
    text = _CANDIDATES.sub("", message[:_MAX_TEXT])
    return frozenset(match[0][1:-1] for match in _QUOTED.finditer(text))


def failure_level(
    base: FailureSignature, other: FailureSignature | None, *, has_same_message: bool = False
) -> FailureLevel:
    """Return how close a second outcome is to a failure; ``other`` is None if it succeeded.

    A part that one signature lacks is not compared.
    """
    if other is None:
        return "succeeded"
    is_same = all(not left or not right or left == right for left, right in zip(base, other, strict=True))
    if not is_same:
        return "other failure"
    return "same failure, same values" if has_same_message else "same failure, other values"


def _place(traceback: str) -> str:
    frames = [match for match in _FRAME.finditer(traceback) if _LIBRARY.search(match["file"]) is None]
    if not frames:
        return ""
    file = frames[-1]["file"].replace("\\", "/").rpartition("/")[2]
    return f"{file}:{frames[-1]['function']}"
