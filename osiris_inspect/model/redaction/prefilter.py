"""Answers fast, with RE2, that a text matches no shape of a secret.

Most texts with one of the words have no secret: searching them with every pattern of the word takes 20 times as long.
"""

from functools import cache
from itertools import count
from typing import Any, Final

_SPECIAL_I: Final = ("\u0130", "\u0131")
"""Letters that Python takes for an ``i`` if it ignores case, and RE2 does not."""
_MAX_MEMORY: Final = 32 << 20
_FIRST_TEXTS: Final = 100
"""Texts that are searched without RE2 in the time it takes to load it and to compile its pattern."""
_LONG_TEXT: Final = 100_000
"""Characters of a text that is always searched with RE2 first."""
_searched = count()


def may_be_masked(text: str) -> bool:
    """Return True if a text, or a part of it, may contain something that looks like a secret."""
    return "@" in text or may_have_shape(text) or may_have_pair(text)


def may_have_shape(text: str) -> bool:
    """Return True if a text may match one of the patterns with words, except names with values."""
    return _may_match(text, is_pair=False)


def may_have_pair(text: str) -> bool:
    """Return True if a text may contain a name with a value that is a secret."""
    return _may_match(text, is_pair=True)


def _may_match(text: str, *, is_pair: bool) -> bool:
    if len(text) < _LONG_TEXT and next(_searched) < _FIRST_TEXTS:
        return True
    pattern = _compiled(is_pair=is_pair)
    if pattern is None or (not text.isascii() and any(letter in text for letter in _SPECIAL_I)):
        return True
    try:
        return pattern.search(text.encode()) is not None
    except UnicodeEncodeError:  # a lone surrogate
        return True


@cache
def _compiled(*, is_pair: bool) -> Any:
    """Return the pattern; None without RE2, as in a remote worker, where all patterns are searched."""
    try:
        import re2
    except ImportError:
        return None
    from osiris_inspect.model.redaction import relaxed_shapes

    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    return re2.compile(
        (relaxed_shapes.PAIR if is_pair else "|".join(relaxed_shapes.SHAPES)).encode(), options
    )
