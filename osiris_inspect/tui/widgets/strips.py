"""Conversion of content to terminal cells."""

from collections.abc import Callable, Iterable

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.style import Style


def to_strip(content: Content, base: Style, parse_style: Callable[[str | Style], Style]) -> Strip:
    """Return one line of content on a background. ``parse_style`` resolves the theme's styles."""
    parts = content.render(base, end="", parse_style=parse_style)
    return Strip([Segment(text, style.rich_style) for text, style in parts])


def scroll_strip(strip: Strip, margin: int, by: int) -> Strip:
    """Return a strip scrolled ``by`` cells to the right; its margin stays in place."""
    return Strip.join([strip.crop(0, margin), strip.crop(margin + by)]) if by else strip


def highlight(content: Content, words: Iterable[str]) -> Content:
    """Return content with each occurrence of the words, given in lower case, highlighted."""
    folded = content.plain.lower()
    if len(folded) != len(content.plain):
        return content  # letters such as ``İ`` get longer in lower case, so that positions differ
    for word in words:
        start = folded.find(word)
        while start >= 0:
            content = content.stylize("bold reverse", start, start + len(word))
            start = folded.find(word, start + len(word))
    return content
