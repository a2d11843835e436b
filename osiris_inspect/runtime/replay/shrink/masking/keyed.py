"""Keyed masks: other values of the same shape, chosen with a secret key, equal for equal values."""

import datetime as dt
import hashlib
import hmac
import math
import unicodedata
from collections.abc import Hashable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from osiris_inspect.runtime.replay.shrink.columns import CellsRefused, is_missing
from osiris_inspect.runtime.replay.shrink.masking.values import DAY_NS, clock_ns

_BOUNDS: Final = (127, 255, 32_767, 65_535, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)
"""Largest values of the integer types: a mask fits into each type that its value fits into."""
_NEGATIVE_BOUNDS: Final = tuple(2**bits for bits in (7, 15, 31, 63))
_MAX_ATTEMPTS: Final = 1000
_UNITS_NS: Final = (3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1)
_MASKED_DAYS: Final = 36_524
"""Days from 1970 on that masked days are in."""


class KeyedMasks:
    """Masks by value, with a secret key that is lost with this object.

    Letters stay letters of the same case, digits stay digits; signs, lengths, punctuation, zero, missing values and
    truth values stay. Days become other days, and midnight stays midnight. Different values have different masks.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._masks: dict[Hashable, Any] = {}
        self._used: set[Hashable] = set()

    def cell(self, cell: Any, *, keep_names: bool = False) -> Any:
        """Return the mask of a cell, of the same type; ``keep_names`` keeps the keys of mappings.

        Raises:
            CellsRefused: a value of this type has no mask, or all values of its shape are used.
        """
        if is_missing(cell) or isinstance(cell, bool | np.bool_):
            return cell
        if isinstance(cell, np.ndarray):
            return np.array([self.cell(item) for item in cell], dtype=cell.dtype)
        if isinstance(cell, list | tuple | set | frozenset):
            return type(cell)(self.cell(item, keep_names=keep_names) for item in cell)
        if isinstance(cell, dict):
            return {
                (name if keep_names else self.cell(name)): self.cell(item, keep_names=keep_names)
                for name, item in cell.items()
            }
        return self._scalar(cell)

    def _scalar(self, cell: Any) -> Any:
        if isinstance(cell, str):
            return self._mask(("text", cell), lambda choices: _text(cell, choices))
        if isinstance(cell, bytes):
            return self._mask(("bytes", cell), lambda choices: _bytes(cell, choices))
        if isinstance(cell, int | float | Decimal | np.integer | np.floating):
            return self._number(cell)
        return self._time(cell)

    def _time(self, cell: Any) -> Any:
        if isinstance(cell, dt.timedelta):
            duration = self._duration(pd.Timedelta(cell))
            return duration if isinstance(cell, pd.Timedelta) else duration.to_pytimedelta()
        if isinstance(cell, dt.datetime):
            moment = self._moment(pd.Timestamp(cell))
            return moment if isinstance(cell, pd.Timestamp) else moment.to_pydatetime(warn=False)
        if isinstance(cell, dt.date):
            return self._moment(pd.Timestamp(cell)).date()
        if isinstance(cell, dt.time):
            return self._clock(cell)
        raise CellsRefused(f"a value of type {type(cell).__name__} has no mask")

    def _number(self, cell: Any) -> Any:
        number = cell if isinstance(cell, Decimal) else Decimal(str(cell))
        if not number.is_finite() or number == 0:
            return cell
        is_whole = number == number.to_integral_value() and abs(number) <= _BOUNDS[-1]
        masked = self._mask(
            ("number", number.normalize()),
            lambda choices: (
                Decimal(_whole(int(number), choices)) if is_whole else _fraction(number.normalize(), choices)
            ),
        )
        if isinstance(cell, Decimal):
            return masked.quantize(cell) if is_whole else masked
        try:
            with np.errstate(over="ignore"):
                result = type(cell)(int(masked) if is_whole else float(masked))
        except OverflowError as error:
            raise CellsRefused(str(error)) from error
        if isinstance(result, float | np.floating) and math.isinf(result):
            raise CellsRefused("a number of so many digits is too large")
        return result

    def _duration(self, cell: pd.Timedelta) -> pd.Timedelta:
        unit = next(unit for unit in (DAY_NS, *_UNITS_NS) if cell.value % unit == 0)
        if cell.value == 0:
            return cell
        masked = self._mask(
            ("duration", cell.value), lambda choices: _whole(cell.value // unit, choices) * unit
        )
        try:
            return pd.Timedelta(masked, unit="ns").as_unit(cell.unit)
        except (ValueError, OverflowError) as error:
            raise CellsRefused(str(error)) from error

    def _moment(self, cell: pd.Timestamp) -> pd.Timestamp:
        utc = cell.tz_convert("UTC").tz_localize(None) if cell.tz is not None else cell
        nanoseconds = clock_ns(utc) + utc.nanosecond
        masked: int = self._mask(
            ("time", cell.tz is not None, utc.isoformat()), lambda choices: _moment_ns(nanoseconds, choices)
        )
        result = pd.Timestamp(masked, unit="ns").as_unit(cell.unit)
        return result.tz_localize("UTC").tz_convert(cell.tz) if cell.tz is not None else result

    def _clock(self, cell: dt.time) -> dt.time:
        nanoseconds = clock_ns(cell)
        masked: int = self._mask(("clock", nanoseconds), lambda choices: _clock_ns(nanoseconds, choices))
        return pd.Timestamp(masked, unit="ns").time().replace(tzinfo=cell.tzinfo)

    def _mask(self, value: Hashable, make: Any) -> Any:
        """Return the mask of a value; ``make`` is called with choices until its result is not in use."""
        if value in self._masks:
            return self._masks[value]
        kind = value[:-1]  # type: ignore[index]  # a tuple of the kind and the value
        for attempt in range(_MAX_ATTEMPTS):
            masked = make(_Choices(self._key, repr((value, attempt)).encode("utf-8", "surrogatepass")))
            if (kind, masked) not in self._used:
                self._used.add((kind, masked))
                self._masks[value] = masked
                return masked
        raise CellsRefused("there are not enough other values of this shape")


class _Choices:
    """Numbers that depend on a key and a text only: HMAC-SHA256 of the text and a counter."""

    def __init__(self, key: bytes, text: bytes) -> None:
        self._key, self._text = key, text
        self._block = self._position = 0
        self._bytes = b""

    def below(self, count: int) -> int:
        """Return the next number from 0 to ``count`` - 1."""
        if self._position + 16 > len(self._bytes):
            message = self._block.to_bytes(8, "big") + self._text
            self._bytes = hmac.digest(self._key, message, hashlib.sha256)
            self._block, self._position = self._block + 1, 0
        self._position += 16
        return int.from_bytes(self._bytes[self._position - 16 : self._position], "big") % count


def _text(text: str, choices: _Choices) -> str:
    """Return a text whose characters have the same classes; the first digit of a number is 0 where it was."""
    masked = []
    before = ""
    for character in text:
        alphabet = _alphabet(character)
        if character.isdigit() and not before.isdigit() and len(alphabet) == len("0123456789"):
            alphabet = alphabet[:1] if character == alphabet[0] else alphabet[1:]
        masked.append(alphabet[choices.below(len(alphabet))])
        before = character
    return "".join(masked)


@lru_cache(4096)
def _alphabet(character: str) -> str:
    """Return the characters that can replace one: the letters of its case or the digits near it, or only itself."""
    category = unicodedata.category(character)
    if category not in ("Lu", "Ll", "Lt", "Lo", "Nd"):
        return character
    if category == "Nd":
        zero = chr(ord(character) - unicodedata.digit(character))
        return "".join(chr(ord(zero) + digit) for digit in range(10))
    start = ord(character) & ~0x7F
    block = map(chr, range(start, start + 0x80))
    return "".join(each for each in block if unicodedata.category(each) == category)


def _bytes(value: bytes, choices: _Choices) -> bytes:
    """Return bytes that are letters and digits where these are; bytes outside of ASCII stay outside of it."""
    return bytes(
        0x80 + choices.below(0x80) if byte >= 0x80 else ord(_text(chr(byte), choices)) for byte in value
    )


def _whole(number: int, choices: _Choices) -> int:
    """Return a number with the same sign and as many digits that fits into the same integer types."""
    magnitude = abs(number)
    digits = len(str(magnitude))
    bounds = _BOUNDS if number > 0 else _NEGATIVE_BOUNDS
    below = max((bound for bound in bounds if bound < magnitude), default=0)
    above = min((bound for bound in bounds if bound >= magnitude), default=10**digits)
    low, high = max(10 ** (digits - 1), below + 1), min(10**digits - 1, above)
    masked: int = low + choices.below(high - low + 1)
    return masked if number > 0 else -masked


def _fraction(number: Decimal, choices: _Choices) -> Decimal:
    """Return a number with the same sign, exponent and number of digits; its first and last digit are not 0."""
    sign, digits, exponent = number.as_tuple()
    last = len(digits) - 1
    masked = [
        1 + choices.below(9) if position in (0, last) else choices.below(10)
        for position in range(len(digits))
    ]
    return Decimal((sign, tuple(masked), int(exponent)))


def _moment_ns(nanoseconds: int, choices: _Choices) -> int:
    """Return a time in nanoseconds since 1970, as precise in its day as another one."""
    return choices.below(_MASKED_DAYS) * DAY_NS + _clock_ns(nanoseconds, choices)


def _clock_ns(nanoseconds: int, choices: _Choices) -> int:
    """Return a time of the day that is as precise as another one; midnight stays."""
    if nanoseconds == 0:
        return 0
    unit = next(unit for unit in _UNITS_NS if nanoseconds % unit == 0)
    return unit * (1 + choices.below(DAY_NS // unit - 1))
