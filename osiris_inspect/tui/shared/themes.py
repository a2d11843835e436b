"""Themes that ``t`` cycles through: dark, light, blue and orange for the colour-blind, and high contrast.

The colours of a theme are made for areas and are often too faint for text. State colours are therefore moved away from
the backgrounds of the theme until the contrast is sufficient.
"""

from collections.abc import Mapping
from typing import Final

from textual.color import Color
from textual.theme import Theme

# The palette of Okabe and Ito, which people with any kind of colour blindness can tell apart.
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
    """Return the theme after ``name``; the first one if ``name`` is not in the cycle."""
    return CYCLE[(CYCLE.index(name) + 1) % len(CYCLE)] if name in CYCLE else CYCLE[0]


MIN_CONTRAST: Final = 4.6
"""Minimum contrast of text. WCAG 2.2 requires 4.5; the rest allows for rounding."""

_HIGH_CONTRAST_RATIO: Final = 19.0
"""Contrast from which a theme counts as high contrast; its secondary text is dimmed less."""

_SOURCE: Final = {
    "state-good": "success",
    "state-bad": "error",
    "state-warn": "warning",
    "state-live": "accent",
    "state-link": "primary",
    "state-beside": "foreground",
}


def state_colours(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the state colours and the backgrounds of the cursor and the banner for a theme's variables."""
    background = Color.parse(variables["background"])
    if background.ansi is not None:  # the terminal's own palette, whose colours are unknown
        colours = {name: variables[source] for name, source in _SOURCE.items()}
        return colours | {"cursor-line": variables["surface"], "verdict-bad": variables["background"]}
    grounds = {
        "cursor-line": background.blend(Color.parse(variables["primary"]), 0.25),
        "verdict-bad": background.blend(Color.parse(variables["error"]), 0.1),
    }
    areas = (Color.parse(variables[name]) for name in ("surface", "panel"))
    backgrounds = [background, *grounds.values(), *areas]
    text_colours = {name: Color.parse(variables[source]) for name, source in _SOURCE.items()}
    is_strong = contrast(text_colours["state-beside"], background) > _HIGH_CONTRAST_RATIO
    text_colours["state-beside"] = background.blend(text_colours["state-beside"], 0.85 if is_strong else 0.6)
    adjusted = {name: readable(colour, backgrounds) for name, colour in text_colours.items()}
    return {name: colour.hex for name, colour in (adjusted | grounds).items()}


def readable(colour: Color, backgrounds: list[Color]) -> Color:
    """Return ``colour``, lightened or darkened until it is readable on each of the backgrounds."""
    far_end = Color(255, 255, 255) if backgrounds[0].brightness < 0.5 else Color(0, 0, 0)
    for twentieth in range(21):
        adjusted = colour.blend(far_end, twentieth / 20)
        if all(contrast(adjusted, ground) >= MIN_CONTRAST for ground in backgrounds):
            return adjusted
    return far_end


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours by WCAG 2.2, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    channels = [channel / 255 for channel in colour.rgb]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
