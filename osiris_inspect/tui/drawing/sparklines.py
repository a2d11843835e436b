"""Small charts of characters: heights in one line, and which of many values fall into which cell."""

from collections.abc import Sequence

from textual.content import Content

_HEIGHTS = "▁▂▃▄▅▆▇█"
EMPTY = " "


def sparkline(values: Sequence[float], *, most: float | None = None) -> str:
    """One character a value, as high as the value is; nothing for a value of 0, and the lowest for the least other."""
    most = max(values, default=0) if most is None else most
    if most <= 0:
        return EMPTY * len(values)
    return "".join(
        _HEIGHTS[min(len(_HEIGHTS) - 1, int(value / most * len(_HEIGHTS)))] if value > 0 else EMPTY
        for value in values
    )


def bucket_counts(times: Sequence[float], start: float, width: float, buckets: int) -> list[int]:
    """How many of the times fall into each of the equal slices from ``start`` on; others are left out."""
    counts = [0] * buckets
    for time in times:
        place = int((time - start) / width)
        if 0 <= place < buckets:
            counts[place] += 1
    return counts


def histogram(events: Sequence[int], failures: Sequence[int], cursor: int | None, tone: str) -> list[Content]:
    """Two lines: how many events each cell holds; under it where failures are and where the cursor stands."""
    signs = ["✗" if failed else EMPTY for failed in failures]
    if cursor is not None and 0 <= cursor < len(signs):
        signs[cursor] = "▲"
    marks = Content("").join(
        Content.styled(sign, "bold $state-bad" if sign == "✗" else "bold $state-link") for sign in signs
    )
    return [Content.styled(sparkline(events), tone), marks]
