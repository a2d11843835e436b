"""Terminal driver for terminals that cannot show the symbols and lines of the screens.

Each symbol is replaced by one ASCII character of the same width, so that the layout stays.
"""

import unicodedata
from collections.abc import Iterator

from osiris_inspect.tui.first_paint_driver import FirstPaintDriver

_SYMBOLS = dict(zip("✓↺✗⊘●◉◆▌▐⏸⇣→←↑↓…—·≠▶▲⟨⟩␡", "+=xo*@*||=v><^v.-.!>^<>?", strict=True))
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


class AsciiDriver(FirstPaintDriver):
    """Driver that shows the alternate screen only with its first complete paint, and no symbols."""

    def write(self, data: str) -> None:
        """Write to the terminal with ASCII in place of symbols, and ``?`` for what its encoding lacks."""
        encoding = getattr(self._file, "encoding", None) or "ascii"
        super().write(data.translate(ASCII).encode(encoding, "replace").decode(encoding))
