"""Width of text in cells of a fixed-width font: 2 for East Asian wide characters, 0 for combining ones."""

from unicodedata import category, east_asian_width


def display_width(text: str) -> int:
    """Return the width of a text in cells."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut_to_width(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` cells, with an ellipsis if it was wider."""
    if display_width(text) <= width:
        return text
    used = 0
    for position, character in enumerate(text):
        used += _width(character)
        if used > width - 1:
            return text[:position].rstrip() + "…"
    return text


def _width(character: str) -> int:
    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
