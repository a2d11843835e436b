"""Parser for sizes such as ``2GB``, ``512 MiB`` or ``1073741824``."""

import re
from decimal import Decimal
from typing import Final

from osiris_inspect.model.errors import SettingsError

_PREFIXES: Final = "KMGT"
_UNITS: Final = {
    "": 1,
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(_PREFIXES, 1)},
    **{f"{prefix}IB": 1024**power for power, prefix in enumerate(_PREFIXES, 1)},
}
MIN_MEMORY_BYTES: Final = 768 * 2**20
"""Bytes of memory that a worker needs to start and to run SQL."""
MAX_BYTES: Final = 2**63 - 1
_SIZE: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})", re.ASCII)


def parse_bytes(text: str, option: str) -> int:
    """Return the number of bytes that ``text`` denotes; ``option`` names the setting in the error.

    Raises:
        SettingsError: ``text`` is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].upper() not in _UNITS:
        raise SettingsError(
            f"invalid {option}: {text!r} is not a size",
            fix="use bytes, or a size such as 500MB, 2GB or 1.5GiB",
            option=option,
            value=text,
        )
    return int(Decimal(match[1]) * _UNITS[match[2].upper()])
