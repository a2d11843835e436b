"""The timeline as a picture: the phases of the run, a bar per step, the critical path, and the size of the frames over time.

Of a large run the steps that failed and the longest ones are drawn.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from osiris_inspect.inspector.export.pictures.svg import (
    CELL,
    MARGIN,
    MAX_STEPS,
    Picture,
    hidden,
    safe,
    text_line,
)
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.inspector.run.timeline import (
    MemoryLevel,
    Phase,
    RunTimeline,
    StepTiming,
    run_timeline,
    tick_interval,
)
from osiris_inspect.inspector.text.display_width import display_width
from osiris_inspect.inspector.text.units import format_bytes, format_duration, format_elapsed

MAX_TICKS: Final = 6
NAME_CELLS: Final = 30
MIN_NAME_CELLS: Final = 16
_BARS: Final = 640
_LABEL: Final = 12 * CELL
_ROW: Final = 24
_TOP: Final = 22
_LEVEL: Final = 36
"""Height in pixels of the sizes of the frames in one location."""
_PHASES: Final = "phases of the run"
_LEGEND: Final = {
    "waiting": "waiting to start",
    "working succeeded": "working",
    "working failed": "failed",
    "working running": "did not end",
    "working interrupted": "interrupted",
    "spilling": "writing to disk",
}


def timeline_picture(run: Run) -> Picture:
    """Return the picture of the timeline of a run."""
    timeline = run_timeline(run)
    timings = _drawn_timings(timeline.step_timings)
    left = (
        MARGIN
        + CELL
        * max(
            MIN_NAME_CELLS,
            len(_PHASES) if timeline.phases else 0,
            *(display_width(_name(timing)) for timing in timings),
        )
        + 10
    )
    scale = _BARS / (timeline.length or 1e-6)

    def x_of(seconds: float) -> float:
        return left + seconds * scale

    first = _TOP + (_ROW if timeline.phases else 0)
    bottom = float(first + _ROW * len(timings) + 6)
    levels, end = _levels(timeline, x_of, bottom)
    body = [*_axis(timeline.length, x_of, end), *levels]
    body += _phases(timeline, x_of)
    body += [line for row, timing in enumerate(timings) for line in _bar(timing, first + row * _ROW, x_of)]
    body += _legend(timings, end + 22)
    if len(timings) < len(timeline.step_timings):
        drawn = f"{len(timings)} of {len(timeline.step_timings):,} steps are drawn: those that failed, and the longest"
        body.append(text_line(MARGIN, end + 44, drawn, "warn"))
        end += 22
    name = safe(run.pipeline or run.id, 60)
    status, duration = STATUS_WORDS[run.status], format_duration(timeline.length)
    return Picture(
        " · ".join((name, *([safe(run.id, 60)] if run.pipeline else []), status, duration)),
        f"Timeline of {name}: {status}, {duration}",
        " ".join(
            [
                *(f"Phase {safe(phase.describe(timeline.length), 100)}." for phase in timeline.phases),
                *(f"{safe(timing.step.id, 60)}: {_words(timing)}." for timing in timings),
            ]
        ),
        left + _BARS + _LABEL,
        end + 34,
        body,
    )


def _drawn_timings(timings: Sequence[StepTiming]) -> Sequence[StepTiming]:
    """Return the steps to draw, in order."""
    if len(timings) <= MAX_STEPS:
        return timings
    ranked = sorted(timings, key=lambda timing: (timing.step.status != "failed", -timing.seconds))
    chosen = {timing.step.id for timing in ranked[:MAX_STEPS]}
    return [timing for timing in timings if timing.step.id in chosen]


def _axis(length: float, x_of: Callable[[float], float], bottom: float) -> Iterator[str]:
    interval = tick_interval(length, MAX_TICKS)
    for number in range(int(length / interval) + 1):
        x = x_of(number * interval)
        label = format_duration(number * interval) if number else "0"
        yield f'<path class="tick" d="M{x:.1f} {_TOP - 4}V{bottom:.1f}"/>'
        yield text_line(x, _TOP - 8, label, "faint", "middle")


def _name(timing: StepTiming) -> str:
    return safe(timing.step.id, NAME_CELLS)


def _words(timing: StepTiming) -> str:
    """Return status and phases, such as ``succeeded, working 1.2 s from +0.300``."""
    phases = [
        f"{span.phase} {format_duration(span.end - span.begin)} from {format_elapsed(span.begin)}"
        for span in timing.phase_spans
    ]
    critical = ["on the critical path"] if timing.is_critical else []
    return ", ".join([timing.step.status.replace("_", " "), *phases, *critical])


def _bar(timing: StepTiming, top: float, x_of: Callable[[float], float]) -> Iterator[str]:
    step, baseline = timing.step, top + 15
    yield f"<g>{hidden(f'{step.id}: {_words(timing)}')}"
    kind = step.status if step.status not in ("succeeded", "reused") else "name" if timing.is_critical else ""
    yield text_line(x_of(0) - 10, baseline, _name(timing), kind, "end")
    end = x_of(0)
    for span in timing.phase_spans:
        start, width = x_of(span.begin), max(1.5, x_of(span.end) - x_of(span.begin))
        height = 4 if span.phase == "waiting" else _ROW - 8
        y = top + 3 + (_ROW - 8 - height) / 2
        yield f'<rect class="{_kind(timing, span.phase)}" x="{start:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}"/>'
        end = start + width
    label = format_duration(timing.seconds) + ("" if timing.has_ended else " …")
    words = label if timing.phase_spans else step.status.replace("_", " ")
    yield text_line(end + 6, baseline, f"{words} ◆" if timing.is_critical else words, "faint label")
    yield "</g>"


def _kind(timing: StepTiming, phase: Phase) -> str:
    return f"{phase} {timing.step.status}" if phase == "working" else phase


def _levels(timeline: RunTimeline, x_of: Callable[[float], float], top: float) -> tuple[list[str], float]:
    """Return the areas of the frames in memory and on disk, and where they end; nothing if the log has no sizes."""
    lines: list[str] = []
    sizes: dict[str, Callable[[MemoryLevel], int]] = {
        "memory": lambda level: level.memory,
        "spill": lambda level: level.spill,
    }
    for kind, size in sizes.items():
        largest = max(map(size, timeline.memory_levels), default=0)
        if not largest:
            continue
        bottom = top + _LEVEL
        columns: dict[int, tuple[int, int]] = {}
        for level in timeline.memory_levels:  # the largest and the last size of each column of pixels
            x = round(x_of(level.at))
            columns[x] = (max(size(level), columns.get(x, (0, 0))[0]), size(level))
        points = f"M{x_of(0):.1f} {bottom:.1f}"
        for x, pair in columns.items():
            points += f"H{x}" + "".join(
                f"V{bottom - value / largest * (_LEVEL - 8):.1f}" for value in dict.fromkeys(pair)
            )
        lines.append(f'<path class="area {kind}" d="{points}H{x_of(timeline.length):.1f}V{bottom:.1f}z"/>')
        words = "frames in memory" if kind == "memory" else "frames on disk"
        lines.append(text_line(x_of(0) - 10, bottom - 4, words, kind, "end"))
        lines.append(
            text_line(x_of(timeline.length) + 6, bottom - 4, f"max {format_bytes(largest)}", "faint")
        )
        top = bottom + 4
    return lines, top


def _phases(timeline: RunTimeline, x_of: Callable[[float], float]) -> Iterator[str]:
    """Yield the row of the phases of the run outside its steps; its label names the longest one."""
    if not timeline.phases:
        return
    yield text_line(x_of(0) - 10, _TOP + 15, _PHASES, "faint", "end")
    for phase in timeline.phases:
        start, width = x_of(phase.begin), max(1.5, x_of(phase.end) - x_of(phase.begin))
        yield f"<g>{hidden(phase.describe(timeline.length))}"
        yield f'<rect class="phase" x="{start:.1f}" y="{_TOP + 3}" width="{width:.1f}" height="{_ROW - 8}"/></g>'
    end = max(timeline.phases, key=lambda phase: phase.end).end
    longest = max(timeline.phases, key=lambda phase: phase.seconds)
    words = safe(longest.describe(timeline.length), 40)
    is_inside = x_of(end) + 6 + CELL * display_width(words) > x_of(timeline.length) + _LABEL
    yield text_line(
        x_of(end) + (-6 if is_inside else 6), _TOP + 15, words, "faint label", "end" if is_inside else ""
    )


def _legend(timings: Sequence[StepTiming], y: float) -> Iterator[str]:
    x = float(MARGIN)
    kinds = {_kind(timing, span.phase) for timing in timings for span in timing.phase_spans}
    for kind, words in _LEGEND.items():
        if kind in kinds:
            yield f'<rect class="{kind}" x="{x:.1f}" y="{y - 10:.1f}" width="18" height="10"/>'
            yield text_line(x + 24, y, words, "faint")
            x += 24 + (display_width(words) + 3) * CELL
    yield text_line(x, y, "◆ critical path", "faint")
