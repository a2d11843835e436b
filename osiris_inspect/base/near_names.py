"""Suggestions for misspelled names, in bounded time."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

MAX_NAME_LENGTH: Final = 80
"""A longer name has no suggestion."""
MAX_CANDIDATES: Final = 200
"""Known names that are compared in full, those that share the most characters with the name."""
MAX_SCANNED: Final = 2_000
"""Known names of like length whose characters are counted."""
MAX_SUGGESTIONS: Final = 20
"""Misspelled names of one document for which a suggestion is searched."""


def near_names(name: str, known: Iterable[str], *, limit: int = 1, similarity: float = 0.6) -> list[str]:
    """Return at most ``limit`` of the known names that are spelled like ``name``, the nearest first; never ``name`` itself.

    A name that differs only in case is the nearest.
    """
    from difflib import SequenceMatcher  # not loaded by programs that find no mistake

    if len(name) > MAX_NAME_LENGTH:
        return []
    names = [other for other in known if other != name]
    folded = name.casefold()
    same = [other for other in names if other.casefold() == folded]
    matcher = SequenceMatcher(b=name)
    alike: list[tuple[float, str]] = []
    # the similarity is at most 2 * shorter / (shorter + longer)
    least, most = len(name) * similarity / (2 - similarity), len(name) * (2 - similarity) / similarity
    for other in islice((other for other in names if least <= len(other) <= most), MAX_SCANNED):
        matcher.set_seq1(other)
        if (upper_bound := matcher.quick_ratio()) >= similarity:
            alike.append((upper_bound, other))
    rated: list[tuple[float, str]] = []
    for _, other in sorted(alike, key=lambda item: -item[0])[:MAX_CANDIDATES]:
        matcher.set_seq1(other)
        if (ratio := matcher.ratio()) >= similarity:
            rated.append((ratio, other))
    near = [other for _, other in sorted(rated, reverse=True)]  # of equal ones the last, as difflib does
    return list(dict.fromkeys([*same, *near]))[:limit]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` with the nearest known name; empty if none is near."""
    near = near_names(name, known)
    return f"; did you mean {near[0]!r}?" if near else ""


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return ``did you mean 'x'?`` with the nearest known name; ``otherwise`` if none is near."""
    return did_you_mean(name, known).removeprefix("; ") or otherwise


class Suggestions:
    """Suggestions for the first ``MAX_SUGGESTIONS`` misspelled names of a document; further problems are only counted."""

    def __init__(self) -> None:
        self._left = MAX_SUGGESTIONS

    def near_names(
        self, name: str, known: Iterable[str], search: Callable[[str, Iterable[str]], list[str]] = near_names
    ) -> list[str]:
        """Return the known names that ``search`` finds, by default the nearest one."""
        self._left -= 1
        return search(name, known) if self._left >= 0 else []

    def did_you_mean(self, name: str, known: Iterable[str]) -> str:
        """Return ``; did you mean 'x'?`` with the nearest known name; empty if none is near."""
        near = self.near_names(name, known)
        return f"; did you mean {near[0]!r}?" if near else ""
