"""From content to the cells of the terminal."""

from collections.abc import Callable, Iterable

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.style import Style


def to_strip(content: Content, base: Style, parse_style: Callable[[str | Style], Style]) -> Strip:
    """One line of content on a background. ``parse_style`` knows the colours of the theme."""
    parts = content.render(base, end="", parse_style=parse_style)
    return Strip([Segment(text, style.rich_style) for text, style in parts])


def scroll_strip(strip: Strip, margin: int, by: int) -> Strip:
    """A strip looked at from ``by`` cells further right; its margin stays where it is."""
    return Strip.join([strip.crop(0, margin), strip.crop(margin + by)]) if by else strip


def highlight(content: Content, words: Iterable[str]) -> Content:
    """Content with each occurrence of the words, given in lower case, standing out."""
    folded = content.plain.lower()
    if len(folded) != len(content.plain):
        return content  # a few letters grow when folded (``İ``), and places would no longer agree
    for word in words:
        start = folded.find(word)
        while start >= 0:
            content = content.stylize("bold reverse", start, start + len(word))
            start = folded.find(word, start + len(word))
    return content
