"""Make log text safe to show: secrets masked, then truncated, without characters that act or cannot be seen.

Reports remove those characters, the TUI shows their codes, JSON escapes them. All three use the same table.
"""

import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from osiris_inspect.base.text.invisible_characters import INVISIBLE
from osiris_inspect.base.text.terminal_text import ESCAPE
from osiris_inspect.model.redaction import MASK, mask_by_key, mask_by_pattern

MAX_TEXT = 20_000
"""Characters of one text that are shown or exported; the log has the rest."""
MAX_LINE = 2_000
"""Characters of one line that the TUI shows."""
LOOKAHEAD = 5_000
"""Characters read on both sides of an excerpt, so that a secret across its end is recognized."""

NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that an XML document cannot contain, and the carriage return."""

_ESCAPES = re.compile(ESCAPE)
_ELLIPSES = re.compile(r"…(?: {0,3}…){1,50}")
_SPACES = re.compile(r"\s+")


def one_line(text: str) -> str:
    """Return ``text`` on one line, without invisible characters and with secrets masked."""
    text = _ESCAPES.sub("", excerpt(text, 4 * MAX_TEXT))
    return masked_text(INVISIBLE.sub("", _SPACES.sub(" ", text))).strip()


def masked_text(text: str) -> str:
    """Return ``text`` as valid UTF-8 with secrets masked; for formats that escape characters themselves."""
    head = (
        mask_by_pattern(excerpt(text, MAX_TEXT - 1)) + "…" if len(text) > MAX_TEXT else mask_by_pattern(text)
    )
    return head.encode("utf-8", "replace").decode("utf-8")


def truncate(text: str, width: int) -> str:
    """Return masked ``text`` in at most ``width`` characters, with an ellipsis if it was longer."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def shorten_middle(text: str, limit: int, focus: str = "") -> str:
    """Return masked ``text`` in about ``limit`` characters: its beginning, ``focus`` if it contains that, and its end.

    The reason of an error often stands at its end.
    """
    if len(text) <= limit:
        return text
    start = text.find(focus) if focus else -1
    around = limit // 10
    head, tail = (limit // 4, limit * 2 // 5) if start >= 0 else (limit * 2 // 5, limit - limit * 2 // 5 - 3)
    spans = [(0, head), (len(text) - tail, len(text))]
    if start >= 0:
        spans.insert(
            1, (max(0, start - around), min(len(text), start + min(len(focus), limit // 3) + around))
        )
    merged = spans[:1]
    for first, last in sorted(spans[1:]):
        if first <= merged[-1][1] + 3:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return single_ellipses(" … ".join(text[first:last].strip() for first, last in merged))


def single_ellipses(text: str) -> str:
    """Return ``text`` with one ellipsis in place of several in a row."""
    return _ELLIPSES.sub("…", text)


def excerpt(text: str, limit: int, start: int = 0) -> str:
    """Return at most ``limit`` characters of ``text``, fewer if one of their ends lies inside a secret.

    Use this wherever text is cut before it is masked. A complete secret in the excerpt is left for the mask.
    """
    end = start + limit
    part = text[start:end]
    if len(part) == len(text):
        return part
    left, right = max(0, end - LOOKAHEAD), start + LOOKAHEAD
    at_end = differing(mask_by_pattern(text[left:end]), mask_by_pattern(text[left : end + LOOKAHEAD]))
    around_start = mask_by_pattern(text[max(0, start - LOOKAHEAD) : right]) if start else ""
    at_start = differing(mask_by_pattern(text[start:right])[::-1], around_start[::-1]) if start else 0
    if not at_start and not at_end:
        return part
    masked = mask_by_pattern(part)
    return masked[at_start : len(masked) - at_end]


def differing(text: str, other: str) -> int:
    """Return how many characters of ``text`` follow the start that it has in common with ``other``."""
    if other.startswith(text):
        return 0
    pairs = enumerate(zip(text, other, strict=False))
    return next((len(text) - position for position, (a, b) in pairs if a != b), len(text) - len(other))


def clear_end(text: str, start: int, end: int) -> int:
    """Return where the first secret begins between ``start`` and ``end``; ``end`` if there is none.

    The text is masked in parts that many calls share, so that each part of a long line is masked once.
    """
    begin = max(0, start - LOOKAHEAD) // LOOKAHEAD * LOOKAHEAD
    part = text[begin : -(-(end + LOOKAHEAD) // LOOKAHEAD) * LOOKAHEAD]
    spans = ((first + begin, last + begin) for first, last in _clear_spans(part))
    return next((min(last, end) for first, last in spans if first <= start < last), start)


@lru_cache(maxsize=16)
def _clear_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return the parts of ``text`` that contain no secret; none where the mask does not show where a part begins."""
    masked = mask_by_pattern(text)
    if masked == text:
        return ((0, len(text)),)
    parts = masked.split(MASK)
    earliest, latest = [0], [len(text) - len(parts[-1])]
    for before, part in pairwise(parts):
        earliest.append(text.find(part, earliest[-1] + len(before)))
    for part in reversed(parts[:-1]):
        latest.append(text.rfind(part, 0, latest[-1]))
    earliest[-1], latest[-1] = latest[0], 0
    spans: list[tuple[int, int]] = []
    for part, first, last in zip(parts, earliest, reversed(latest), strict=True):
        if first != last:
            continue
        if spans and text[spans[-1][1] : first] == MASK:  # the text itself has a mask
            spans[-1] = (spans[-1][0], first + len(part))
        else:
            spans.append((first, first + len(part)))
    return tuple(spans)


def excerpt_of(match: re.Match[str], limit: int, group: int | str = 0) -> str:
    """Return at most ``limit`` characters of a group that matched; empty if it took no part in the match."""
    start, end = match.span(group)
    return excerpt(match.string, min(limit, end - start), start) if start >= 0 else ""


def shorten(text: str, limit: int) -> str:
    """Return masked ``text``; if it is longer than ``limit``, with the number of missing characters."""
    return mask_by_pattern(excerpt(text, limit)) + _rest(text, limit)


def show_line(text: str, limit: int = MAX_LINE) -> str:
    """Return ``text`` as one line of about ``limit`` characters, with codes for invisible characters."""
    return INVISIBLE.sub(_visible, shorten(text, limit))


def multi_line(text: str, limit: int = MAX_TEXT) -> list[str]:
    """Return the lines of ``text``, each like ``show_line``, up to about ``limit`` characters."""
    parts = mask_by_pattern(excerpt(text, limit)).replace("\r\n", "\n").split("\n")
    rest = _rest(text, limit)
    return [INVISIBLE.sub(_visible, part) for part in parts] + ([rest] if rest else [])


def json_lines(value: Mapping[str, Any], limit: int = MAX_TEXT, safe_keys: Collection[str] = ()) -> list[str]:
    """Return a JSON object on several lines, with secrets masked and long texts cut.

    ``safe_keys`` are keys that are named like a secret and are not one.
    """
    masked = {
        key: mask_by_key([item])[0] if key in safe_keys else mask_by_key({key: item})[key]
        for key, item in _shortened(value, 4_000).items()
    }
    return multi_line(json.dumps(masked, indent=2, ensure_ascii=False, default=str), limit)


def inline_json(value: object, limit: int = 120) -> str:
    """Return a JSON value on one short line; a text has no quotes."""
    if isinstance(value, str):
        return show_line(value, limit)
    masked = mask_by_key(_shortened(value, 200))
    return show_line(json.dumps(masked, ensure_ascii=False, default=str), limit)


def key_value(key: str, value: object, limit: int = 120) -> str:
    """Return one field of an event as ``key=value``, masked if the key names a secret."""
    masked: object = mask_by_key({key: _shortened(value, 4 * limit)})[key]
    return f"{show_line(key, 40)}={inline_json(masked, limit)}"


def _rest(text: str, limit: int) -> str:
    return f"… {len(text) - limit:,} more characters" if len(text) > limit else ""


def _shortened(value: Any, limit: int) -> Any:
    """Return a JSON value with its texts cut at about ``limit`` characters and its lists at 500 items."""
    if isinstance(value, str):
        return shorten(value, limit)
    if isinstance(value, Mapping):
        return {_shortened(str(key), limit): _shortened(item, limit) for key, item in value.items()}
    if isinstance(value, list | tuple):
        rest = [f"… {len(value) - 500:,} more"] if len(value) > 500 else []
        return [_shortened(item, limit) for item in value[:500]] + rest
    return value


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x09:
        return "  "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    # a variation selector only changes how the character before it is drawn, and terminals disagree about its width
    return "" if 0xFE00 <= code <= 0xFE0F else f"⟨{code:04x}⟩"
