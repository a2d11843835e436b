"""Omits error texts that the report already shows in full: cause, evidence and consequences often repeat one error."""

import json
import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.text.sanitize import one_line

ELLIPSIS: Final = "…"
_MIN_LENGTH: Final = 40
"""Shorter repetitions are kept."""
_COLON: Final = re.compile(": ")


def drop_repeated_error(text: str, shown: str) -> str:
    """Return ``text`` with an ellipsis for the error at its end if ``shown`` contains it: ``the query failed: …``."""
    tails = _tails(text)
    next(tails, None)  # keep the beginning of the text
    tail = next((tail for tail in tails if tail in shown), "")
    return f"{text.removesuffix(tail)}{ELLIPSIS}" if tail else text


def additional_text(quote: str, shown: str) -> str:
    """Return ``quote``, a part of a JSON line, without its escapes and without the text in ``shown``.

    It is empty if ``shown`` contains all of it.
    """
    decoded = one_line(decoded_quote(quote))
    if len(decoded) >= _MIN_LENGTH and decoded in shown:
        return ""
    tail = next((tail for tail in _tails(shown) if tail in decoded), "")
    return decoded.replace(tail, ELLIPSIS) if tail else decoded


def _tails(text: str) -> Iterator[str]:
    """Yield the text and what follows each of its colons, the longest first, without short ones."""
    for begin in (0, *(colon.end() for colon in _COLON.finditer(text))):
        if len(text) - begin < _MIN_LENGTH:
            return
        yield text[begin:]


def decoded_quote(quote: str) -> str:
    """Return ``quote``, a part of a JSON line, without its escapes; as it is if it is another text."""
    try:
        decoded: str = json.loads(f'"{quote}"', strict=False)
    except ValueError:
        return quote  # not a part of a JSON string
    return decoded
