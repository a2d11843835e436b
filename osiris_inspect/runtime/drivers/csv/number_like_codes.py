"""Codes that look like numbers: ``00123`` and ``12E45678``, which become other values as numbers.

Most files have none, so the bytes are searched first; only if they may have one, numbers are read again as text.
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from osiris_inspect.runtime.drivers.csv.reader import CsvFile
from osiris_inspect.runtime.drivers.csv.syntax.dialect import FieldSyntax
from osiris_inspect.runtime.drivers.csv.syntax.text_format import compression_of

LEADING_ZEROS: Final = "leading zeros"
EXPONENT: Final = "digits with an E"
_LEADING_ZERO: Final = r"\s*0[0-9]"
_EXPONENT_CODE: Final = r"\s*[0-9]+[Ee][0-9]+\s*"
_BLOCK: Final = 1 << 17
_OVERLAP: Final = 3
_INSIDE: Final = slice(ord("-"), ord(":") + 1)
"""Bytes inside numbers, dates and times: ``-./0123456789:``."""
_IS_SPACE: Final = np.isin(np.arange(256), list(b" \t"))

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def may_have_codes(files: Iterable[CsvFile]) -> bool:
    """Return False if no field begins with a zero before a digit, and none is digits with an ``E``."""
    return any(map(_may_have_codes, files))


def code_reason(texts: "pd.Series[Any]") -> str | None:
    """Return why a column that looks like numbers is codes; None if it is numbers."""
    if texts.str.match(_LEADING_ZERO).any():
        return LEADING_ZEROS
    if len(texts) and texts.str.fullmatch(_EXPONENT_CODE).all():
        return EXPONENT
    return None


def _may_have_codes(file: CsvFile) -> bool:
    has_wide_characters = len("0".encode(file.config["encoding"])) != 1
    if has_wide_characters or compression_of(file.source, file.config) is not None or file.rows is not None:
        return True
    delimiter = str(file.config["delimiter"])
    before = "\r\n" + (FieldSyntax.of_config(file.config).quote or "")
    before += delimiter if len(delimiter) == 1 else " \t"
    is_start = np.isin(np.arange(256), list(before.encode()))
    return any(_has_code(np.frombuffer(block, np.uint8), is_start) for block in _blocks(file.source))


def _blocks(source: Path | bytes) -> Iterator[bytes]:
    """Yield the bytes in blocks that overlap, after the end of a line."""
    if isinstance(source, bytes):
        yield b"\n\n" + source.removeprefix(BOM_UTF8)
        return
    before = b"\n\n"
    with source.open("rb") as file:
        if file.read(len(BOM_UTF8)) != BOM_UTF8:
            file.seek(0)
        while block := file.read(_BLOCK):
            yield before + block
            before = (before + block)[-_OVERLAP:]


def _has_code(block: Bytes, is_start: "np.ndarray[Any, np.dtype[np.bool_]]") -> bool:
    """Return True if a zero before a digit follows the start of a field and spaces, or digits surround an ``E``."""
    digits = block - np.uint8(ord("0"))  # 0 to 9; all other bytes are larger
    is_digit = digits < 10
    is_zero = (digits[2:-1] == 0) & is_digit[3:] & ~is_digit[1:-2]
    if not is_start[_INSIDE].any():
        is_zero &= (
            block[1:-2] - np.uint8(_INSIDE.start)
        ) >= _INSIDE.stop - _INSIDE.start  # most zeros of dates
    zeros = np.flatnonzero(is_zero) + 2
    before, earlier = block[zeros - 1], block[zeros - 2]
    # the hour of "2024-01-31 07:00" has a digit before its space
    if (is_start[before] | (_IS_SPACE[before] & (is_start[earlier] | _IS_SPACE[earlier]))).any():
        return True
    is_e = (block[1:-1] | np.uint8(ord("e") - ord("E"))) == ord("e")
    return bool((is_e & is_digit[:-2] & is_digit[2:]).any())
