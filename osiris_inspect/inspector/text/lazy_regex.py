"""Regular expressions that are compiled on first use.

Compiling the more than a hundred expressions of the rules takes longer than reading a short run, and most
runs use few of them.
"""

import re
from collections.abc import Callable, Iterator
from functools import cached_property


class LazyRegex:
    """A pattern of ``re``, with the methods that the rules use."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text, self._flags = text, flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    @property
    def is_compiled(self) -> bool:
        """True if the pattern was used."""
        return "_compiled" in self.__dict__

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Return the first match in a text from ``start``."""
        return self._compiled.search(text, start)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Return the match that begins at ``start``."""
        return self._compiled.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the match of the whole text."""
        return self._compiled.fullmatch(text)

    def findall(self, text: str) -> list[tuple[str, ...]]:
        """Return the groups of all matches."""
        return self._compiled.findall(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the matches."""
        return self._compiled.finditer(text)

    def sub(self, replacing: Callable[[re.Match[str]], str], text: str) -> str:
        """Return the text with each match replaced."""
        return self._compiled.sub(replacing, text)
