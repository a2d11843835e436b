"""PNG of a picture, drawn by resvg with the font of this package.

The font has Latin, Greek and Cyrillic letters. The fonts of the machine are used only for a text with other letters, so that
other pictures are the same on every machine, and on one without fonts too.
"""

import re
from importlib import resources
from typing import Final

MAX_PIXELS: Final = 24_000_000
"""Pixels of a PNG at most; a large picture is drawn smaller."""
_FONT: Final = "DejaVuSansMono-subset.ttf"
_OTHER_LETTERS: Final = re.compile(
    "[^\x00-\u017f\u0218-\u021b\u0386-\u045f\u1e9e\u2010-\u203a\u20ac\u2190-\u2193\u2298\u25c6\u2713\u2717]"
)


def png(document: str) -> bytes:
    """Return an SVG document as PNG, at twice its size, or smaller if it is large.

    Raises:
        ModuleNotFoundError: the extra ``pictures`` is not installed.
    """
    from resvg_py import svg_to_bytes

    size = re.search(r'width="(\d+)" height="(\d+)"', document)
    pixels = int(size[1]) * int(size[2]) if size is not None else 0
    with resources.as_file(resources.files(__package__) / _FONT) as font:
        return svg_to_bytes(
            document,
            zoom=min(2.0, (MAX_PIXELS / max(1, pixels)) ** 0.5),
            font_files=[str(font)],
            monospace_family="DejaVu Sans Mono",
            font_family="DejaVu Sans Mono",
            skip_system_fonts=_OTHER_LETTERS.search(document) is None,
        )
