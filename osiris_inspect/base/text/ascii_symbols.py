"""ASCII characters in place of the symbols and lines of reports and screens, each of the same width."""

import unicodedata
from collections.abc import Iterator

_SYMBOLS = dict(zip("✓↺✗⊘●◉◆▌▐⏸⇣→←↑↓…—·≠▶◀▲⟨⟩␡", "+=xo*@*||=v><^v.-.!><^<>?", strict=True))
_BARS = dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True))
_DRAWN = range(0x2500, 0x25A0)
"""Lines, corners and blocks."""


def _drawn() -> Iterator[tuple[str, str]]:
    """Yield the characters of lines and blocks, each with the ASCII character most like it."""
    for number in _DRAWN:
        name = unicodedata.name(chr(number))
        is_across, is_down = "HORIZONTAL" in name, "VERTICAL" in name
        if "BOX DRAWINGS" not in name:
            yield chr(number), "#"
        elif is_across != is_down and " AND " not in name:
            yield chr(number), "-" if is_across else "|"
        else:
            yield chr(number), "+"


ASCII = str.maketrans({**dict(_drawn()), **_BARS, **_SYMBOLS})
"""Table for ``str.translate``."""
