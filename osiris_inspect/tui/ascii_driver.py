"""Terminal driver for terminals that cannot show the symbols and lines of the screens.

Each symbol is replaced by one ASCII character of the same width, so that the layout stays.
"""

from osiris_inspect.base.text.ascii_symbols import ASCII
from osiris_inspect.tui.first_paint_driver import FirstPaintDriver


class AsciiDriver(FirstPaintDriver):
    """Driver that shows the alternate screen only with its first complete paint, and no symbols."""

    def write(self, data: str) -> None:
        """Write to the terminal with ASCII in place of symbols, and ``?`` for what its encoding lacks."""
        encoding = getattr(self._file, "encoding", None) or "ascii"
        super().write(data.translate(ASCII).encode(encoding, "replace").decode(encoding))
