"""The themes that ``t`` goes through: dark, light, and both in blue and orange for the colour-blind."""

from typing import Final

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

OWN: Final = (_BLUE_ORANGE, _BLUE_ORANGE_LIGHT)
CYCLE: Final = ("textual-dark", "textual-light", "blue-orange", "blue-orange-light")


def after(name: str) -> str:
    """The theme that follows; the first one after a theme that is not in the cycle."""
    return CYCLE[(CYCLE.index(name) + 1) % len(CYCLE)] if name in CYCLE else CYCLE[0]
