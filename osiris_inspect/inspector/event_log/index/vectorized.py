"""Work on many lines at once, eight bytes at a time: match a template, hash up to a quote, parse a time.

Words are little-endian: the first byte of a text is the lowest byte.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.line_templates import (
    MAX_TEMPLATE_BYTES,
    WORD_BYTES,
    LineTemplate,
)

WordArray = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
IntArray = npt.NDArray[Any]
"""Integers or booleans of any width."""
Mask = npt.NDArray[np.bool_]

PADDING = MAX_TEMPLATE_BYTES
"""Spare bytes before the first and after the last line of a block."""
NO_TIME = -1
HASH_MULTIPLIER = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)]  # fmt: skip
"""Odd multipliers of the words of a hashed text."""

_QUOTES = np.uint64(0x2222222222222222)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_DIGITS = np.uint64(0x0F0F0F0F0F0F0F0F)


@dataclass(slots=True)
class LineBlock:
    """A block of whole lines: ``raw`` with ``PADDING`` bytes before and after, and the bounds of each line.

    Positions count from after the first padding. A line ends before its newline.
    """

    raw: bytearray
    starts: Numbers
    ends: Numbers

    def text(self, line: int) -> bytes:
        """Return one line without its newline."""
        return bytes(self.raw[self.starts[line] + PADDING : self.ends[line] + PADDING])


def read_windows(lines: LineBlock, positions: Numbers, width: int) -> WordArray:
    """Return ``width`` bytes from each position of a block as a row of words."""
    windows = np.ndarray((len(lines.raw) - width + 1,), f"V{width}", lines.raw, strides=(1,))
    return windows[positions + PADDING].view(np.uint64).reshape(-1, width // 8)


def match_template(words: WordArray, template: LineTemplate) -> Mask:
    """Return which rows begin like ``template``."""
    differences = np.zeros(len(words), np.uint64)
    masks, expected = np.frombuffer(template.mask, np.uint64), np.frombuffer(template.expected, np.uint64)
    for column, (mask, word) in enumerate(zip(masks, expected, strict=True)):
        differences |= (words[:, column] & mask) ^ word
    matches: Mask = differences == 0
    return matches


def hash_until_quote(words: WordArray, column: int) -> tuple[WordArray, Numbers]:
    """Return a hash of each text that begins in ``column`` and ends at a quote, and its length.

    The length is ``WORD_BYTES`` if the text has no quote within that many bytes. The quote is hashed as well.
    """
    hashes = np.zeros(len(words), np.uint64)
    lengths = np.zeros(len(words), np.int64)
    is_open: WordArray | None = None
    for offset, multiplier in enumerate(HASH_MULTIPLIER):
        word = words[:, column + offset]
        bits = _up_to_quote(word)
        if is_open is not None:
            bits &= is_open
        lengths += np.bitwise_count(bits) >> 3
        # all bits where this word and all words before it had no quote, else none
        is_open = np.negative(bits >> np.uint64(63))
        hashes ^= (bits & word) * multiplier
        if not is_open.any():
            break
    return hashes, lengths


def _up_to_quote(word: WordArray) -> WordArray:
    """Return all bits before the first quote and 7 of its own; all bits if there is no quote."""
    difference = word ^ _QUOTES
    quotes = difference - _ONES  # in place from here on: this is a tenth of the whole work
    quotes &= np.invert(difference, out=difference)
    quotes &= _HIGHS  # the lowest bit set marks the first zero byte
    below = quotes - np.uint64(1)
    below &= np.invert(quotes, out=quotes)
    return below


def hash_bytes(raw: bytes) -> WordArray:
    """Return the hash that ``hash_until_quote`` computes for a text of these bytes."""
    words = np.frombuffer((raw + b'"').ljust(WORD_BYTES, b"\0"), np.uint64)
    return np.array([np.bitwise_xor.reduce(words * np.array(HASH_MULTIPLIER))])


def parse_iso(words: WordArray, days: Numbers, *, fraction: bool) -> Numbers:
    """Return times like ``2026-11-22T06:54:51.990``, three words each, in ms since 1970."""
    clock = words[:, 1] & _DIGITS
    pairs = clock * np.uint64(10) + (clock >> np.uint64(8))
    hours, minutes = _byte(pairs, 3), _byte(pairs, 6)
    rest = words[:, 2] & _DIGITS
    pairs = rest * np.uint64(10) + (rest >> np.uint64(8))
    seconds = _byte(pairs, 1)
    times = ((hours * 60 + minutes) * 60 + seconds) * 1000
    if fraction:
        times += _byte(pairs, 4) * 10 + _byte(rest, 6)
    times += days
    times[(hours > 23) | (minutes > 59) | (seconds > 59) | (times < 0)] = NO_TIME
    return times


def parse_epoch(words: WordArray) -> Numbers:
    """Return times like ``1759170586.123``, two words each, in ms since 1970."""
    digits = words[:, 0] & _DIGITS
    pairs = (digits * np.uint64(10) + (digits >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    eight = ((fours * np.uint64(10000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)).astype(np.int64)
    rest = words[:, 1] & _DIGITS
    pairs = rest * np.uint64(10) + (rest >> np.uint64(8))
    return (eight * 100 + _byte(pairs, 0)) * 1000 + _byte(pairs, 3) * 10 + _byte(rest, 5)


def _byte(words: WordArray, number: int) -> Numbers:
    return ((words >> np.uint64(8 * number)) & np.uint64(0xFF)).astype(np.int64)
