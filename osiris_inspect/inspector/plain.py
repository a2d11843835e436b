"""Text of a log made safe to show: one line, no control characters, no secrets.

Error texts come from data. A terminal would obey an escape sequence in them, and a reader would be misled by characters
that turn the direction of the text.
"""

import re

from osiris_inspect.model import redact

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|[@-Z\\-_])")
_SPACES = re.compile(r"\s+")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
MAX_TEXT = 20_000
"""Characters of one text that are shown or exported; the log has the rest."""


def plain(text: str) -> str:
    """``text`` on one line, without control characters and with secrets masked."""
    text = redact.mask_patterns(text[:MAX_TEXT])
    return _UNSEEN.sub("", _SPACES.sub(" ", _ESCAPES.sub("", text))).strip()


def whole(text: str) -> str:
    """``text`` with secrets masked and with everything that has a form in UTF-8; for formats that escape by themselves."""
    return redact.mask_patterns(cut(text, MAX_TEXT)).encode("utf-8", "replace").decode("utf-8")


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, with a sign where it was cut."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
