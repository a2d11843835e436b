"""Ranks the differences of two runs by how likely they caused the divergence.

A score is the sum of the position of the difference, of ``NAMED`` if the error names it, and of ``FITS`` if its kind
fits the kind of the error. Both tables can be read by a person, and nothing else decides.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from osiris_inspect.inspector.run.comparison.differences import Difference
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

Position = Literal["first divergence", "path", "run", "storage", "off the path"]
POSITION_SCORES: Final[dict[Position, int]] = {
    "first divergence": 100,
    "path": 60,
    "run": 30,
    "storage": 5,
    "off the path": -100,
}
NAMED: Final = 50
FITS: Final = 40
_FITTING: Final = (
    (LazyRegex(r"(?i)MemoryError|SIGKILL|out of memory|killed"), ("memory", "data")),
    (LazyRegex(r"(?i)time ?limit|timed? ?out|took longer"), ("setting", "cpus")),
    (LazyRegex(r"(?i)ImportError|ModuleNotFound|has no attribute|unexpected keyword"), ("package", "code", "component")),
    (LazyRegex(r"(?i)no such file|does not exist|denied|read-only"), ("isolation", "place", "configuration")),
    (LazyRegex(r"(?i)refused|unreachable|resolve"), ("place", "isolation", "connection")),
    (LazyRegex(r"(?i)codec|decod|encod|unicode"), ("locale", "configuration")),
    (LazyRegex(r"(?i)KeyError|not set|not found in FROM|no column|column-missing"), ("variable", "data", "inputs")),
    (LazyRegex(r"(?i)convert|Binder|cast"), ("data", "configuration")),
    (LazyRegex(r"(?i)\btz|timezone|time zone"), ("timezone",)),
    (LazyRegex(r"(?i)check"), ("checks", "data")),
)  # fmt: skip
"""Kinds of differences that fit an error, by the words of its message."""
_ORDER: Final = (
    "step", "configuration", "component", "code", "inputs", "connection", "checks", "parameter", "file", "data", "setting",
    "package", "variable",
)  # fmt: skip
"""Kinds in the order of two differences with one score; others follow."""
_MIN_WORD: Final = 2
_COMMON: Final = frozenset(
    [
        "select", "from", "where", "and", "or", "not", "null", "is", "in", "as", "on", "by", "group", "order", "join",
        "left", "inner", "case", "when", "then", "else", "end", "true", "false", "query", "path", "mode", "step",
        "file", "error", "row", "rows", "column", "columns", "index", "read", "write", "value", "values", "table",
        "key", "input", "the", "of", "to",
    ]
)  # fmt: skip
"""Words that many errors contain."""
_MAX_ERROR: Final = 40_000


@dataclass(frozen=True, slots=True)
class RankedDifference:
    """A difference with its score.

    Attributes:
        is_named: True if the error names it.
    """

    difference: Difference
    position: Position
    score: int
    is_named: bool


def rank(
    differences: Iterable[tuple[Difference, Position]], error: str = "", traceback: str = ""
) -> tuple[RankedDifference, ...]:
    """Return differences that may explain a divergence, the most likely first.

    ``error`` is the type and message of the failure, empty if none of the runs failed. ``traceback`` is searched for the
    names of packages only, because source lines contain many words.
    """
    text = error[:_MAX_ERROR]
    fitting = (
        {kind for pattern, kinds in _FITTING if pattern.search(text) for kind in kinds} if error else set()
    )
    ranked = [
        _ranked(difference, position, (text, traceback), fitting) for difference, position in differences
    ]
    return tuple(sorted(ranked, key=_sort_key))


def _ranked(
    difference: Difference, position: Position, texts: tuple[str, str], fitting: set[str]
) -> RankedDifference:
    text = "\n".join(texts) if difference.kind in ("package", "code") else texts[0]
    is_named = _is_named(difference.words, text)
    fits = FITS if difference.kind in fitting else 0
    score = POSITION_SCORES[position] + (NAMED if is_named else 0) + fits
    return RankedDifference(difference, position, score, is_named)


def _is_named(words: Sequence[str], text: str) -> bool:
    return any(
        len(word) >= _MIN_WORD
        and word.lower() not in _COMMON
        and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
        for word in words
    )


def _sort_key(ranked: RankedDifference) -> tuple[int, int, str, str]:
    kind = ranked.difference.kind
    order = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
    return -ranked.score, order, ranked.difference.step or "", ranked.difference.key
