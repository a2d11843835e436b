"""Numbers of bytes as people write them: ``2GB``, ``512 MiB``, ``1073741824``."""

import re
from decimal import Decimal
from typing import Final

from osiris_inspect.model.errors import SettingsError

_UNITS: Final = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE: Final = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})\s*", re.ASCII)


def parse_bytes(text: str, option: str) -> int:
    """The bytes that ``text`` names; ``called`` is what a person set, for the error.

    Raises:
        SettingsError: it names none.
    """
    match = _SIZE.fullmatch(text)
    if match is None or match[2].upper() not in _UNITS:
        raise SettingsError(f"{option} is {text!r}; it takes bytes, or a size such as 500MB, 2GB or 1.5GiB")
    return int(Decimal(match[1]) * _UNITS[match[2].upper()])
