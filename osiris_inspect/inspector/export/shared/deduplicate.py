"""What was said already, left out of what is said next.

An error can be as long as the query it quotes, and a cause, its evidence and its consequences all tell of the same one.
Only what stands above as a whole is left out, so nothing is lost.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.text.sanitize import one_line

LEFT_OUT: Final = "…"
_LEAST: Final = 40
"""Characters from which on a repetition is worth to be left out."""
_PARTS: Final = re.compile(": ")


def drop_repeated_error(text: str, shown: str) -> str:
    """``text`` up to the error at its end, where that stands in ``said``: ``the query was refused: …``."""
    tails = _tails(text)
    next(tails, None)  # all of it: something of it is always said
    tail = next((tail for tail in tails if tail in shown), "")
    return f"{text.removesuffix(tail)}{LEFT_OUT}" if tail else text


def additional_text(quote: str, shown: str) -> str:
    """What ``quote``, a part of a line of JSON, holds more than ``said`` does; empty where that holds all of it."""
    told = one_line(_decoded(quote))
    if len(told) >= _LEAST and told in shown:
        return ""
    tail = next((tail for tail in _tails(shown) if tail in told), "")
    return told.replace(tail, LEFT_OUT) if tail else quote


def _tails(text: str) -> Iterator[str]:
    """A text, and what stands behind each of its colons; the longest first, and none that is short."""
    for begin in (0, *(colon.end() for colon in _PARTS.finditer(text))):
        if len(text) - begin < _LEAST:
            return
        yield text[begin:]


def _decoded(quote: str) -> str:
    try:
        decoded: str = json.loads(f'"{quote}"', strict=False)
    except ValueError:
        return quote  # it is more than a part of one text, or of no JSON
    return decoded
