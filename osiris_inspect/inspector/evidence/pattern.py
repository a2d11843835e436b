"""A regular expression that is compiled when it is first asked.

There are more than a hundred in the rules, and to compile them takes longer than to read a short run. Most runs ask few:
one that went well has no error to search, and one that failed has no use for the patterns of what it did not do.
"""

import re
from functools import cached_property


class Pattern:
    """A pattern of ``re``, with what the rules ask of one."""

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

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The whole text, where it has the pattern."""
        return self._compiled.fullmatch(text)

    def findall(self, text: str) -> list[tuple[str, ...]]:
        """What the groups of the pattern caught, for each place that has it."""
        return self._compiled.findall(text)
