"""The timeline as text: a bar per step; ``.`` waiting to start, ``#`` working, ``=`` writing to disk."""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.export.lineage.labels import GLYPHS
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.inspector.run.timeline import Phase, StepTiming, run_timeline
from osiris_inspect.inspector.text.display_width import cut_to_width, display_width
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import format_duration

NAME_CELLS: Final = 40
MIN_BAR: Final = 20
_RESULT: Final = 14
_SIGNS: Final[dict[Phase, str]] = {"waiting": ".", "working": "#", "spilling": "="}


def lines(run: Run, width: int) -> Iterator[str]:
    """Yield the lines of the timeline."""
    timeline = run_timeline(run)
    title = (one_line(run.pipeline or ""), one_line(run.id), STATUS_WORDS[run.status])
    yield f"{'  '.join(filter(None, title))}  {format_duration(timeline.length)}"
    yield ""
    timings = timeline.step_timings
    longest = min(NAME_CELLS, max((display_width(one_line(timing.step.id)) for timing in timings), default=0))
    cells = max(MIN_BAR, width - longest - _RESULT - 4)
    for timing in timings:
        name = cut_to_width(one_line(timing.step.id), longest)
        padding = " " * (longest - display_width(name))
        bar = _bar(timing, cells / (timeline.length or 1e-6), cells)
        yield f"{GLYPHS[timing.step.status]} {name}{padding}  {bar}  {_result(timing)}".rstrip()
    yield ""
    yield ". waiting to start   # working   = writing to disk   * critical path"


def _bar(timing: StepTiming, scale: float, cells: int) -> str:
    bar = [" "] * cells
    for span in timing.phase_spans:
        start = min(cells - 1, int(span.begin * scale))
        for cell in range(start, max(start + 1, min(cells, round(span.end * scale)))):
            bar[cell] = _SIGNS[span.phase]
    return "".join(bar)


def _result(timing: StepTiming) -> str:
    if not timing.phase_spans:
        return timing.step.status.replace("_", " ")
    running = "" if timing.has_ended else " …"
    return f"{format_duration(timing.seconds)}{running}{' *' if timing.is_critical else ''}"
