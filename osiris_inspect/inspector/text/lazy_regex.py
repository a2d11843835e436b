"""Regular expressions that are compiled on first use.

Compiling the hundreds of expressions of the rules takes longer than reading a short run, and most texts do not match
most of them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Final

WORDS_FILE: Final = Path(__file__).with_name("required_words.json")
"""For the key of a pattern the words of which each match contains one; ``tests/make_required_words.py`` writes it."""
_MAX_PRECHECKS: Final = 200
"""Texts that are checked for the words of a pattern before it is compiled: then searching them is cheaper."""
_MAX_NAME: Final = 100
"""Characters of a text that is remembered: names of columns and steps, which are searched again in each step."""
_LETTERS_OF_OTHER_CASE: Final = ("\u0130", "\u0131", "\u017f")
"""Patterns that ignore case match i and s with them, but they have other lower-case letters."""


def pattern_key(text: str, flags: int) -> str:
    """Return the key of a pattern in ``WORDS_FILE``."""
    from zlib import crc32

    return f"{crc32(text.encode(), flags):08x}"


class LazyRegex:
    """A pattern of ``re``, with the methods that the rules use.

    A text with none of the words that a match requires is not searched, so most patterns are never compiled.
    """

    def __init__(self, text: str, flags: int = 0) -> None:
        self.text, self.flags = text, int(flags)
        self._prechecks = 0
        self._unmatched: set[str] = set()

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.text, self.flags)

    @property
    def is_compiled(self) -> bool:
        """True if the pattern was used."""
        return "_compiled" in self.__dict__

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Return the first match in a text from ``start``."""
        return self._compiled.search(text, start) if self._may_match(text) else None

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Return the match that begins at ``start``."""
        return self._compiled.match(text, start) if self._may_match(text) else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the match of the whole text."""
        return self._compiled.fullmatch(text) if self._may_match(text) else None

    def findall(self, text: str) -> list[tuple[str, ...]]:
        """Return the groups of all matches."""
        return self._compiled.findall(text) if self._may_match(text) else []

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the matches."""
        return self._compiled.finditer(text) if self._may_match(text) else iter(())

    def sub(self, replacing: Callable[[re.Match[str]], str], text: str) -> str:
        """Return the text with each match replaced."""
        return self._compiled.sub(replacing, text) if self._may_match(text) else text

    def _may_match(self, text: str) -> bool:
        """Return False if the pattern is not compiled yet and need not be, as the text has none of its words."""
        if text in self._unmatched:
            return False
        if self.is_compiled or self._prechecks >= _MAX_PRECHECKS:
            return True
        self._prechecks += 1
        if self.has_required_word(text):
            return True
        if len(text) <= _MAX_NAME:
            self._unmatched.add(text)
        return False

    def has_required_word(self, text: str) -> bool:
        """Return False if the text has none of the words that a match requires."""
        lowered = lower_text(text)
        return lowered is None or self._words is None or any(word in lowered for word in self._words)

    @cached_property
    def _words(self) -> Sequence[str] | None:
        return _required_words().get(pattern_key(self.text, self.flags))


class LazyBytesRegex:
    """A pattern of ``re`` for bytes."""

    def __init__(self, text: bytes, flags: int = 0) -> None:
        self._text, self._flags = text, flags

    @cached_property
    def _compiled(self) -> re.Pattern[bytes]:
        return re.compile(self._text, self._flags)

    def search(self, text: bytes, start: int = 0) -> re.Match[bytes] | None:
        """Return the first match in a text from ``start``."""
        return self._compiled.search(text, start)

    def fullmatch(self, text: bytes) -> re.Match[bytes] | None:
        """Return the match of the whole text."""
        return self._compiled.fullmatch(text)


@cache
def _required_words() -> Mapping[str, Sequence[str]]:
    import json

    words: Mapping[str, Sequence[str]] = json.loads(WORDS_FILE.read_bytes())
    return words


@lru_cache(maxsize=256)
def lower_text(text: str) -> str | None:
    """Return the text in lower case; None if ``re`` ignores the case of its letters in another way."""
    if not text.isascii() and any(letter in text for letter in _LETTERS_OF_OTHER_CASE):
        return None
    return text.lower()
