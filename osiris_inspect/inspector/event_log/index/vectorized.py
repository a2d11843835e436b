"""Bytes of many lines worked on eight at a time: compared with a shape, hashed up to a quote, read as a time.

The words are little-endian: the first byte of a text is the lowest one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.line_templates import (
    MAX_TEMPLATE_BYTES,
    WORD_BYTES,
    LineTemplate,
)

WordArray = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PADDING = MAX_TEMPLATE_BYTES
"""Bytes that must be free before the first and behind the last line of a block."""
NO_TIME = -1
HASH_MULTIPLIER = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)]  # fmt: skip
"""Odd numbers that spread the words of a text over a hash."""

_QUOTES = np.uint64(0x2222222222222222)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_DIGITS = np.uint64(0x0F0F0F0F0F0F0F0F)


@dataclass(slots=True)
class LineBlock:
    """A block of whole lines: ``raw`` with ``SLACK`` bytes before and behind, and where each line starts and ends.

    Places count from behind the first ``SLACK`` bytes. A line ends before its newline.
    """

    raw: bytearray
    starts: Numbers
    ends: Numbers

    def text(self, line: int) -> bytes:
        """One line without its newline."""
        return bytes(self.raw[self.starts[line] + PADDING : self.ends[line] + PADDING])


def read_windows(lines: LineBlock, places: Numbers, width: int) -> WordArray:
    """``width`` bytes from each place of a block, as a row of words."""
    every = np.ndarray((len(lines.raw) - width + 1,), f"V{width}", lines.raw, strides=(1,))
    return every[places + PADDING].view(np.uint64).reshape(-1, width // 8)


def match_template(words: WordArray, shape: LineTemplate) -> Mask:
    """Which rows begin like a shape."""
    differ = np.zeros(len(words), np.uint64)
    masks, wants = np.frombuffer(shape.mask, np.uint64), np.frombuffer(shape.expected, np.uint64)
    for column, (mask, want) in enumerate(zip(masks, wants, strict=True)):
        here = words[:, column] ^ want if mask == _ALL else (words[:, column] & mask) ^ want
        differ |= here
    same: Mask = differ == 0
    return same


def hash_until_quote(words: WordArray, column: int) -> tuple[WordArray, Numbers]:
    """A hash of each text that begins in a column and ends at a quote, and its length; ``SLOT`` where it does not end.

    The lowest zero byte of ``word ^ quotes`` is found by the borrow trick; the bits below the mark in it are kept, so the
    quote is hashed as well.
    """
    hashes = np.zeros(len(words), np.uint64)
    lengths = np.zeros(len(words), np.int64)
    is_open: WordArray | None = None
    for part, odd in enumerate(HASH_MULTIPLIER):
        word = words[:, column + part]
        kept = _up_to_quote(word)
        if is_open is not None:
            kept &= is_open
        lengths += np.bitwise_count(kept) >> 3
        # all bits where this word and all before it had no quote, none where one of them had
        is_open = np.negative(kept >> np.uint64(63))
        kept &= word
        kept *= odd
        hashes ^= kept
        if not is_open.any():
            break
    return hashes, lengths


def _up_to_quote(word: WordArray) -> WordArray:
    """All bits of the bytes before the first quote and seven of its own; all bits where there is none."""
    unlike = word ^ _QUOTES
    quotes = unlike - _ONES
    np.invert(unlike, out=unlike)
    quotes &= unlike
    quotes &= _HIGHS
    below = quotes - np.uint64(1)
    np.invert(quotes, out=quotes)
    below &= quotes
    return below


def hash_bytes(raw: bytes) -> WordArray:
    """The hash that ``hashed`` gives for a text of these bytes."""
    words = np.frombuffer((raw + b'"').ljust(WORD_BYTES, b"\0"), np.uint64)
    return np.array([np.bitwise_xor.reduce(words * np.array(HASH_MULTIPLIER))])


def parse_iso(words: WordArray, days: Numbers | int, *, fraction: bool) -> Numbers:
    """Times like ``2026-11-22T06:54:51.990``, given as three words each."""
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
    wrong = (hours > 23) | (minutes > 59) | (seconds > 59) | (times < 0)
    if wrong.any():
        times[wrong] = NO_TIME
    return times


def parse_epoch(words: WordArray) -> Numbers:
    """Times like ``1759170586.123``, given as two words each."""
    digits = words[:, 0] & _DIGITS
    pairs = (digits * np.uint64(10) + (digits >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    eight = ((fours * np.uint64(10000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)).astype(np.int64)
    rest = words[:, 1] & _DIGITS
    pairs = rest * np.uint64(10) + (rest >> np.uint64(8))
    return (eight * 100 + _byte(pairs, 0)) * 1000 + _byte(pairs, 3) * 10 + _byte(rest, 5)


def _byte(words: WordArray, number: int) -> Numbers:
    return ((words >> np.uint64(8 * number)) & np.uint64(0xFF)).astype(np.int64)
