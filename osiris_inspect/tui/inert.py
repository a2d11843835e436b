"""Text of a log made safe to show: no control character acts, no secret is legible, no line is endless.

What a log holds was written by strangers. A line may carry escape sequences, marks that turn the direction of writing,
or a megabyte without a break; here each becomes something that can be looked at and does nothing.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from osiris_inspect.model.redact import mask_keys, mask_patterns

LINE_LIMIT = 2_000
"""Characters of one line that are shown."""

TEXT_LIMIT = 20_000
"""Characters of one text of many lines that are shown."""

_BEYOND = 5_000
"""Characters looked at past the cut, so that a secret lying across it is seen whole and masked."""

_ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """``text`` as one line of at most about ``limit`` characters; where it was cut, how much is missing is said."""
    shown = _ACTING.sub(_visible, _masked_head(text, limit))
    return shown if len(text) <= limit else f"{shown}… {len(text) - limit:,} more characters"


def lines(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """The lines of ``text``, each safe; the whole is cut at about ``limit`` characters."""
    head = _masked_head(text, limit)
    shown = [_ACTING.sub(_visible, part) for part in head.replace("\r\n", "\n").split("\n")]
    if len(text) > limit:
        shown.append(f"… {len(text) - limit:,} more characters")
    return shown


def pretty(value: Mapping[str, Any], limit: int = TEXT_LIMIT, *, harmless: Collection[str] = ()) -> list[str]:
    """A JSON object over several lines, secrets masked, long texts in it cut.

    ``harmless`` are keys that are named like a secret and are none.
    """
    masked = {
        key: mask_keys([item])[0] if key in harmless else mask_keys({key: item})[key]
        for key, item in _cut(value).items()
    }
    document = json.dumps(masked, indent=2, ensure_ascii=False, default=str)
    return lines(document, limit)


def compact(value: object, limit: int = 120) -> str:
    """A JSON value on one short line; a text stands without quotes."""
    if isinstance(value, str):
        return line(value, limit)
    if isinstance(value, Mapping | list | tuple):
        return line(json.dumps(mask_keys(_cut(value, 200)), ensure_ascii=False, default=str), limit)
    return line(json.dumps(value, default=str), limit)


def field(key: str, value: object, limit: int = 120) -> str:
    """One field of an event: ``key=value``, masked where the key names a secret."""
    masked: object = mask_keys({key: _cut(value, 4 * limit)})[key]
    return f"{line(key, 40)}={compact(masked, limit)}"


def _masked_head(text: str, limit: int) -> str:
    window = text[: limit + _BEYOND]
    masked = mask_patterns(window)
    if len(window) == len(text):
        return masked[:limit]
    return masked[: min(limit, max(0, len(masked) - _BEYOND))]


def _cut(value: Any, limit: int = 4_000) -> Any:
    """A JSON value whose texts are at most about ``limit`` characters long."""
    if isinstance(value, str):
        if len(value) <= limit:
            return value
        return f"{_masked_head(value, limit)}… {len(value) - limit:,} more characters"
    if isinstance(value, Mapping):
        return {_cut(str(key), limit): _cut(item, limit) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(item, limit) for item in value[:500]] + [
            f"… {n:,} more" for n in [len(value) - 500] if n > 0
        ]
    return value


def _visible(match: re.Match[str]) -> str:
    """What stands for a character that would act: a picture, a code, or nothing for a mere variant mark."""
    code = ord(match[0])
    if code == 0x09:
        return "  "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xFE00 <= code <= 0xFE0F:
        # a variant mark only picks a drawing of the character before it, and terminals disagree about the width
        return ""
    return f"⟨{code:04x}⟩"
