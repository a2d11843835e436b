"""Building blocks of the pictures: a picture as an SVG document or as a part of an HTML page, and lines of text.

Each line of text has the width that its cells need, whatever font draws it, so that a picture has the same layout everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from osiris_inspect.inspector.export.pictures.style import DARK, LIGHT, rules
from osiris_inspect.inspector.text.display_width import cut_to_width, display_width
from osiris_inspect.inspector.text.sanitize import NOT_IN_XML, one_line

MAX_STEPS: Final = 120
"""Steps of one picture; of a larger run the most important ones are drawn."""
FONT_SIZE: Final = 12
CELL: Final = 7.23
"""Width of a cell of text in pixels."""
MARGIN: Final = 12
_HEADING_HEIGHT: Final = 34
_MAX_HIDDEN: Final = 200
"""Characters of a text that a mouse shows."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture without its frame.

    Attributes:
        heading: one line that names the run.
        title: what the picture shows, for screen readers.
        description: the content of the picture in words, for screen readers.
        body: SVG elements within ``width`` and ``height`` pixels.
    """

    heading: str
    title: str
    description: str
    width: float
    height: float
    body: Sequence[str]


def document(picture: Picture) -> str:
    """Return a picture as an SVG document with its own colours, light or dark as the reader prefers."""
    width = max(picture.width, 2 * MARGIN + display_width(picture.heading) * CELL)
    height = picture.height + _HEADING_HEIGHT
    style = f"{rules(LIGHT)}@media (prefers-color-scheme:dark){{{rules(DARK)}}}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {_attributes(width, height, "picture")}>',
        *_words(picture, "picture"),
        f"<style>{style}</style>",
        f'<rect class="back" width="{width:g}" height="{height:g}"/>',
        text_line(MARGIN, 22, picture.heading, "name"),
        f'<g transform="translate(0 {_HEADING_HEIGHT})">',
        *picture.body,
        "</g>\n</svg>\n",
    ]
    return "\n".join(parts)


def element(picture: Picture, name: str) -> str:
    """Return a picture as an element of an HTML page whose style sheet has ``style.rules``; its ids begin with ``name``."""
    start = f"<svg {_attributes(picture.width, picture.height, name)}>"
    return "\n".join([start, *_words(picture, name), *picture.body, "</svg>"])


def text_line(x: float, y: float, text: str, kind: str = "", anchor: str = "") -> str:
    """Return one line of text at a baseline; ``anchor`` is ``middle`` or ``end``, else the line begins at ``x``."""
    length = f' textLength="{display_width(text) * CELL:.1f}"' if text else ""
    aligned = f' text-anchor="{anchor}"' if anchor else ""
    styled = f' class="{kind}"' if kind else ""
    return f'<text{styled} x="{x:.1f}" y="{y:.1f}"{aligned}{length}>{escape(text)}</text>'


def hidden(text: str) -> str:
    """Return a text that a mouse shows."""
    return f"<title>{escape(safe(text, _MAX_HIDDEN))}</title>"


def safe(text: str, width: int) -> str:
    """Return text of a run on one line of at most ``width`` cells, secrets masked, with characters of XML only."""
    return cut_to_width(NOT_IN_XML.sub("", one_line(text)), width)


def _attributes(width: float, height: float, name: str) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'class="picture" role="img" aria-labelledby="{name}-title {name}-desc" {size}'


def _words(picture: Picture, name: str) -> list[str]:
    return [
        f'<title id="{name}-title">{escape(picture.title)}</title>',
        f'<desc id="{name}-desc">{escape(picture.description)}</desc>',
    ]
