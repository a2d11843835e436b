"""A Gantt chart of a run as SVG: one bar per step."""

from collections.abc import Iterator
from html import escape
from typing import Final

from osiris_inspect.inspector.export.shared.spans import RunSpans, Span
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.inspector.text.units import format_duration

MAX_STEPS: Final = 150
NAMES: Final = 190
BARS: Final = 620
ROW: Final = 24
TOP: Final = 22
MAX_TICKS: Final = 6


def timeline_svg(times: RunSpans) -> str:
    """Return the SVG element; empty if no step has a time, or too many have."""
    if not times.spans or len(times.spans) > MAX_STEPS:
        return ""
    start = min(times.start, *(span.start for span in times.spans.values()))
    length = max(times.end, *(span.end for span in times.spans.values())) - start or 1e-6
    wide, high = NAMES + BARS + 80, TOP + ROW * len(times.spans) + 6
    parts = [
        f'<svg class="times" role="img" aria-label="course of the run" viewBox="0 0 {wide} {high}" '
        f'width="{wide}" height="{high}">',
        *_scale(length, high),
        *(
            line
            for row, span in enumerate(times.spans.values())
            for line in _bar(span, row, start, BARS / length)
        ),
        "</svg>",
    ]
    return "\n".join(parts)


def _scale(length: float, high: int) -> Iterator[str]:
    interval = _tick_interval(length)
    for number in range(int(length / interval) + 1):
        x = NAMES + number * interval / length * BARS
        label = format_duration(number * interval) if number else "0"
        yield f'<path class="tick" d="M{x:.1f} {TOP - 4}V{high}"/>'
        yield f'<text class="faint" x="{x:.1f}" y="{TOP - 8}" text-anchor="middle">{label}</text>'


def _tick_interval(length: float) -> float:
    """Return the seconds between two ticks: 1, 2 or 5 times a power of ten."""
    power = 1e-6
    while length / power > MAX_TICKS * 10:
        power *= 10
    return next((power * step for step in (1, 2, 5) if length / (power * step) <= MAX_TICKS), power * 10)


def _bar(span: Span, row: int, start: float, scale: float) -> Iterator[str]:
    x, y = NAMES + (span.start - start) * scale, TOP + row * ROW
    wide = max(2.0, (span.end - span.start) * scale)
    name = one_line(span.step.id)
    label = format_duration(span.end - span.start)
    yield f'<g class="node {span.step.status}"><title>{escape(truncate(name, 200))}: {label}</title>'
    yield f'<text x="{NAMES - 10}" y="{y + 15}" text-anchor="end">{escape(truncate(name, 26))}</text>'
    yield f'<rect x="{x:.1f}" y="{y + 3}" width="{wide:.1f}" height="{ROW - 8}" rx="3"/>'
    yield f'<text class="faint" x="{x + wide + 6:.1f}" y="{y + 15}">{label}</text></g>'
