"""A Gantt chart of a run as SVG: one bar per step, and above them the phases of the run."""

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
    begins = [phase.begin for phase in times.phases]
    start = min(times.start, *begins, *(span.start for span in times.spans.values()))
    length = max(times.end, *(span.end for span in times.spans.values())) - start or 1e-6
    first = 1 if times.phases else 0
    wide, high = NAMES + BARS + 80, TOP + ROW * (first + len(times.spans)) + 6
    parts = [
        f'<svg class="times" role="img" aria-label="course of the run" viewBox="0 0 {wide} {high}" '
        f'width="{wide}" height="{high}">',
        *_scale(length, high),
        *_phases(times, start, length),
        *(
            line
            for row, span in enumerate(times.spans.values(), start=first)
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


def _phases(times: RunSpans, start: float, length: float) -> Iterator[str]:
    """Yield a row with all phases; its label has those that took at least a hundredth of the run."""
    if not times.phases:
        return
    scale, labels = BARS / length, []
    yield f'<text x="{NAMES - 10}" y="{TOP + 15}" text-anchor="end">phases of the run</text>'
    for phase in times.phases:
        label = escape(phase.describe(length))
        labels += [label] if phase.seconds >= length / 100 else []
        x, wide = NAMES + (phase.begin - start) * scale, max(1.0, phase.seconds * scale)
        yield f'<g class="node skipped"><title>{label}</title>'
        yield f'<rect x="{x:.1f}" y="{TOP + 3}" width="{wide:.1f}" height="{ROW - 8}" rx="3"/></g>'
    yield f'<text class="faint" x="{NAMES + 6}" y="{TOP + 15}">{", ".join(labels)}</text>'


def _bar(span: Span, row: int, start: float, scale: float) -> Iterator[str]:
    x, y = NAMES + (span.start - start) * scale, TOP + row * ROW
    wide = max(2.0, (span.end - span.start) * scale)
    name = one_line(span.step.id)
    label = format_duration(span.end - span.start)
    yield f'<g class="node {span.step.status}"><title>{escape(truncate(name, 200))}: {label}</title>'
    yield f'<text x="{NAMES - 10}" y="{y + 15}" text-anchor="end">{escape(truncate(name, 26))}</text>'
    yield f'<rect x="{x:.1f}" y="{y + 3}" width="{wide:.1f}" height="{ROW - 8}" rx="3"/>'
    yield f'<text class="faint" x="{x + wide + 6:.1f}" y="{y + 15}">{label}</text></g>'
