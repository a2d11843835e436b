"""The themes that ``t`` goes through: dark, light, and both in blue and orange for the colour-blind.

A theme's own colours are made for areas; as letters many are too faint, above all on light backgrounds. So the colours
of states are taken from the theme and then moved away from its backgrounds until they can be read.
"""

from collections.abc import Mapping
from typing import Final

from textual.color import Color
from textual.theme import Theme

# Source: the colours are those of Okabe and Ito, which people with any kind of colour blindness tell apart.
_BLUE_ORANGE: Final = Theme(
    name="blue-orange",
    primary="#56B4E9",
    secondary="#0072B2",
    accent="#F0E442",
    success="#56B4E9",
    warning="#F0E442",
    error="#E69F00",
    foreground="#E4E4E4",
    background="#121212",
    surface="#1C1C1C",
    panel="#262626",
)
_BLUE_ORANGE_LIGHT: Final = Theme(
    name="blue-orange-light",
    primary="#0072B2",
    secondary="#56B4E9",
    accent="#7A5C00",
    success="#0072B2",
    warning="#7A5C00",
    error="#D55E00",
    foreground="#1A1A1A",
    background="#F4F4F4",
    surface="#EAEAEA",
    panel="#DEDEDE",
    dark=False,
)

_HIGH_CONTRAST: Final = Theme(
    name="high-contrast",
    primary="#00FFFF",
    secondary="#FFFFFF",
    accent="#FFFF00",
    success="#00FF00",
    warning="#FFFF00",
    error="#FF8080",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#202020",
)

CUSTOM_THEMES: Final = (_BLUE_ORANGE, _BLUE_ORANGE_LIGHT, _HIGH_CONTRAST)
CYCLE: Final = ("textual-dark", "textual-light", "blue-orange", "blue-orange-light", "high-contrast")


def next_theme(name: str) -> str:
    """The theme that follows; the first one after a theme that is not in the cycle."""
    return CYCLE[(CYCLE.index(name) + 1) % len(CYCLE)] if name in CYCLE else CYCLE[0]


READABLE: Final = 4.6
"""Contrast that letters have at least; WCAG 2.2 asks for 4.5, and blending rounds."""

_STRONG: Final = 19.0
"""Contrast from which on a theme means to be as clear as can be, so that nothing in it is made faint."""

_SOURCE: Final = {
    "state-good": "success",
    "state-bad": "error",
    "state-warn": "warning",
    "state-live": "accent",
    "state-link": "primary",
    "state-beside": "foreground",
}


def state_colours(variables: Mapping[str, str]) -> dict[str, str]:
    """The colours for states, and the backgrounds of the cursor and of a bad verdict, for a theme's variables."""
    background = Color.parse(variables["background"])
    if background.ansi is not None:  # the terminal's own colours: what they look like is not known
        colours = {name: variables[source] for name, source in _SOURCE.items()}
        return colours | {"cursor-line": variables["surface"], "verdict-bad": variables["background"]}
    grounds = {
        "cursor-line": background.blend(Color.parse(variables["primary"]), 0.25),
        "verdict-bad": background.blend(Color.parse(variables["error"]), 0.1),
    }
    behind = [background, *grounds.values(), *(Color.parse(variables[name]) for name in ("surface", "panel"))]
    letters = {name: Color.parse(variables[source]) for name, source in _SOURCE.items()}
    strong = contrast(letters["state-beside"], background) > _STRONG
    letters["state-beside"] = background.blend(letters["state-beside"], 0.85 if strong else 0.6)
    moved = {name: readable(colour, behind) for name, colour in letters.items()}
    return {name: colour.hex for name, colour in (moved | grounds).items()}


def readable(colour: Color, behind: list[Color]) -> Color:
    """``colour``, made lighter on dark and darker on light backgrounds as far as is needed to read it on each."""
    far_end = Color(255, 255, 255) if behind[0].brightness < 0.5 else Color(0, 0, 0)
    for twentieth in range(21):
        moved = colour.blend(far_end, twentieth / 20)
        if all(contrast(moved, ground) >= READABLE for ground in behind):
            return moved
    return far_end


def contrast(one: Color, other: Color) -> float:
    """The contrast of two colours by WCAG 2.2, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 255 for part in colour.rgb]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
