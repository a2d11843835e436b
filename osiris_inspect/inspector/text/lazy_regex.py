"""A regular expression that is compiled when it is first asked.

There are more than a hundred in the rules, and to compile them takes longer than to read a short run. Most runs ask few:
one that went well has no error to search, and one that failed has no use for the patterns of what it did not do.
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
        """Whether it was asked yet."""
        return "_compiled" in self.__dict__

    def search(self, text: str) -> re.Match[str] | None:
        """The first place in a text that has the pattern."""
        return self._compiled.search(text)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The text from ``start`` on, where it begins with the pattern."""
        return self._compiled.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The whole text, where it has the pattern."""
        return self._compiled.fullmatch(text)

    def findall(self, text: str) -> list[tuple[str, ...]]:
        """What the groups of the pattern caught, for each place that has it."""
        return self._compiled.findall(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Each place in a text that has the pattern."""
        return self._compiled.finditer(text)

    def sub(self, replacing: Callable[[re.Match[str]], str], text: str) -> str:
        """The text with each place that has the pattern replaced."""
        return self._compiled.sub(replacing, text)
