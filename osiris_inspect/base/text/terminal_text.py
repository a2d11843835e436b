"""Text for a terminal or for the log of a CI job, in which it can only be read.

Text of a run may contain sequences that act on a terminal, characters that hide other text, and commands of CI systems.
"""

import json
import re
from typing import Final

from osiris_inspect.base.text.invisible_characters import EXCEPT_LINES

ESCAPE: Final = (
    r"\x1b(?:\[[0-?]{0,60}[ -/]{0,4}[@-~]"  # CSI: colours, cursor, modes
    r"|[\]PX^_][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC
    r"|[@-Z\\-_])"
)
"""A control sequence of a terminal, complete or broken off."""
_SGR: Final = (
    r"(?:0|[1-479]|2[2-479]|[39][0-7]|39|4[0-79]|10[0-7]|[34]8;5;\d{1,3}|[34]8;2;\d{1,3};\d{1,3};\d{1,3})"
)
"""A part of a sequence for colours and weight; none hides text or blinks."""
_COLOR: Final = rf"(?P<color>\x1b\[(?:{_SGR}(?:;{_SGR}){{0,9}})?m)"
_KEPT: Final = r"(?P<kept>\r(?=\n)|(?<=[\u2139\u23cf-\u23fa\u25aa-\u25fe\u2600-\u27bf])\ufe0f)"
"""The return of a line end, and the selector after a symbol that makes it an emoji."""
_ACTING: Final = re.compile(rf"{_COLOR}|{ESCAPE}|{_KEPT}|(?P<surrogate>[\ud800-\udfff])|[{EXCEPT_LINES}]")
_CI_COMMAND: Final = re.compile(r"#(?=#[^\s#])|(?m:^[^\S\n]*:(?=:))")
_JSON_ESCAPED: Final = re.compile(rf"[{EXCEPT_LINES}]|#(?=#[^\s#])")


def terminal_text(text: str, *, colors: bool = False) -> str:
    """Return ``text`` without what acts or cannot be seen, and with broken CI commands; lines and tabs stay.

    With ``colors`` the SGR sequences for colours and weight stay too. A lone surrogate becomes a question mark.
    """
    if not _is_plain_ascii(text):
        text = _ACTING.sub(_kept if colors else _kept_without_colors, text)
    return break_ci_commands(text)


def break_ci_commands(text: str) -> str:
    """Return ``text`` with a space in each sign that a CI system takes for the beginning of a command.

    GitHub reads ``::`` at the beginning of a line, after spaces too. GitHub reads ``##[`` and Azure ``##vso[`` anywhere.
    """
    if "##" not in text and "::" not in text:
        return text
    return _CI_COMMAND.sub(lambda match: f"{match[0]} ", text)


def escape_json(document: str) -> str:
    """Return JSON with acting and invisible characters and CI commands escaped; its value is the same."""
    if _is_plain_ascii(document) and "##" not in document:
        return document
    return _JSON_ESCAPED.sub(_json_escape, document)


def _is_plain_ascii(text: str) -> bool:
    """Return True for printable ASCII with newlines: most text, found out fast."""
    return text.isascii() and (text.isprintable() or text.replace("\n", "").isprintable())


def _kept(match: re.Match[str]) -> str:
    return match["color"] or _kept_without_colors(match)


def _kept_without_colors(match: re.Match[str]) -> str:
    return "?" if match["surrogate"] else match["kept"] or ""


def _json_escape(match: re.Match[str]) -> str:
    return r"\u0023" if match[0] == "#" else json.dumps(match[0])[1:-1]
