"""Sparklines and histograms drawn with block characters."""

from collections import Counter
from collections.abc import Sequence

from textual.content import Content

_HEIGHTS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """Return one block character per value, scaled to the largest value; a blank for values of 0 or less."""
    largest = max(values, default=0)
    return "".join(
        _HEIGHTS[min(len(_HEIGHTS) - 1, int(value / largest * len(_HEIGHTS)))] if value > 0 else " "
        for value in values
    )


def bucket_counts(times: Sequence[float], start: float, width: float, buckets: int) -> list[int]:
    """Count the times in each of ``buckets`` intervals of ``width`` seconds; times outside are ignored."""
    counts = Counter(int((time - start) / width) for time in times)
    return [counts[bucket] for bucket in range(buckets)]


def histogram(
    events: Sequence[int], failures: Sequence[int], cursor: int | None, style: str
) -> list[Content]:
    """Return two lines: a sparkline of the events, and below it marks for failures and the cursor."""
    signs = ["✗" if count else " " for count in failures]
    if cursor is not None and 0 <= cursor < len(signs):
        signs[cursor] = "▲"
    marks = [Content.styled(sign, "bold $state-bad" if sign == "✗" else "bold $state-link") for sign in signs]
    return [Content.styled(sparkline(events), style), Content("").join(marks)]
