"""Writes the words that the patterns of the inspector require: ``python -m tests.make_required_words``.

A match of a pattern contains one of its words, whatever their case, so a text without them needs no search.
"""

import gc
import json
import pkgutil
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

from osiris_inspect import inspector
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import Library
from osiris_inspect.inspector.text.lazy_regex import WORDS_FILE, LazyRegex, pattern_key

MAX_EXACT = 24
MAX_RANGE = 10
MAX_WORDS = 120
MAX_LENGTH = 14
GOOD_LENGTH = 6
"""Longer words are hardly rarer."""

_parser: Any = import_module("re._parser")
_op: Any = import_module("re._constants")
_ANY_TEXT = frozenset(("",))
"""Every text contains the empty word."""


class Required(NamedTuple):
    """Words that a part of a pattern requires, in lower case.

    Attributes:
        exact: all texts that the part matches; None if they are not known, or too many.
        words: every text with a match contains one of them.
    """

    exact: frozenset[str] | None
    words: frozenset[str] = _ANY_TEXT

    @property
    def best(self) -> frozenset[str]:
        """The words, or the exact texts if fewer texts contain them."""
        return _rarer(self.words, self.exact or _ANY_TEXT)


_UNKNOWN = Required(None)


def required_words(pattern: str, flags: int = 0) -> list[str]:
    """Return words of which every text with a match contains one; an empty list if none are known."""
    words = {word[:MAX_LENGTH] for word in _sequence(_parser.parse(pattern, flags)).best}
    if len(words) > MAX_WORDS:
        starts = Counter(word[:3] for word in words)
        words = {word if starts[word[:3]] == 1 else word[:3] for word in words}
    needed = [word for word in words if not any(other != word and other in word for other in words)]
    return sorted(needed) if "" not in words and len(needed) <= MAX_WORDS else []


def _rarer(first: frozenset[str], second: frozenset[str]) -> frozenset[str]:
    """Return the words that fewer texts contain: the longer ones, of those long enough the fewer."""

    def score(words: frozenset[str]) -> tuple[int, int]:
        return min(GOOD_LENGTH, *map(len, words)), -len(words)

    return max(first, second, key=score)


def _sequence(items: Iterable[tuple[Any, Any]]) -> Required:
    """Return what items require one after the other; the texts of neighbours are joined while they are few."""
    joined, words, is_exact = _ANY_TEXT, _ANY_TEXT, True
    for item in items:
        part = _item(*item)
        words = _rarer(words, part.words)
        is_joined = part.exact is not None and (len(part.exact) == 1 or min(map(len, joined)) < GOOD_LENGTH)
        if part.exact is not None and is_joined and len(joined) * len(part.exact) <= MAX_EXACT:
            joined = frozenset(start + end for start in joined for end in part.exact)
        else:
            words, joined, is_exact = _rarer(words, joined), part.exact or _ANY_TEXT, False
    return Required(joined, words) if is_exact else Required(None, _rarer(words, joined))


def _item(op: Any, argument: Any) -> Required:
    """Return what one item of a parsed pattern requires; nothing if the item is of a kind that is not listed."""
    if op is _op.LITERAL:
        required = Required(_characters([(op, argument)]))
    elif op is _op.IN:
        required = Required(_characters(argument))
    elif op in (_op.AT, _op.ASSERT_NOT):
        required = Required(_ANY_TEXT)
    elif op is _op.ASSERT:
        required = Required(_ANY_TEXT, _sequence(argument[1]).best)
    elif op is _op.SUBPATTERN:
        required = _sequence(argument[3])
    elif op is _op.BRANCH:
        required = _branches([_sequence(branch) for branch in argument[1]])
    elif op in (_op.MAX_REPEAT, _op.MIN_REPEAT):
        required = _repeated(argument[0], argument[1], _sequence(argument[2]))
    else:
        required = _UNKNOWN
    return required


def _characters(members: Iterable[tuple[Any, Any]]) -> frozenset[str] | None:
    """Return the characters of a set; None if it has others than ASCII, too many, or is the opposite of a set."""
    codes: set[int] = set()
    for op, argument in members:
        if op is _op.LITERAL:
            codes.add(argument)
        elif op is _op.RANGE:
            codes.update(range(argument[0], argument[1] + 1))
        else:
            return None
    if len(codes) > MAX_RANGE or not all(map(str.isascii, map(chr, codes))):
        return None
    return frozenset(chr(code).lower() for code in codes)


def _branches(parts: list[Required]) -> Required:
    exact = frozenset[str]().union(*(part.exact or () for part in parts))
    if all(part.exact is not None for part in parts) and len(exact) <= MAX_EXACT:
        return Required(exact)
    return Required(None, frozenset[str]().union(*(part.best for part in parts)))


def _repeated(least: int, most: int, part: Required) -> Required:
    if least > 0:
        return part if most == 1 else Required(None, part.best)
    return Required(part.exact | _ANY_TEXT) if most == 1 and part.exact is not None else _UNKNOWN


def patterns() -> dict[str, tuple[str, int]]:
    """Return the patterns of the inspector and their flags by key.

    Raises:
        ValueError: two patterns have one key.
    """
    for module in pkgutil.walk_packages(inspector.__path__, f"{inspector.__name__}."):
        import_module(module.name)
    objects = gc.get_objects()
    texts = {(each.text, each.flags) for each in objects if isinstance(each, LazyRegex)}
    texts |= {(each.pattern, 0) for each in objects if isinstance(each, ErrorPattern)}
    for library in (each for each in objects if isinstance(each, Library)):
        texts |= {
            (library.regex.text, library.regex.flags),
            *((library.pattern(error), 0) for error in library.errors),
        }
    by_key = {pattern_key(*text): text for text in sorted(texts)}
    if len(by_key) != len(texts):
        raise ValueError("two patterns have one key; make the key longer")
    return by_key


def words_of_patterns() -> str:
    """Return the content of the file: a line for each pattern whose words are known."""
    words = {key: required_words(*pattern) for key, pattern in sorted(patterns().items())}
    lines = (f'"{key}": {json.dumps(each)}' for key, each in words.items() if each)
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    WORDS_FILE.write_text(words_of_patterns(), encoding="utf-8")
