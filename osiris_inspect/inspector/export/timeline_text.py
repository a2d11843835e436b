"""The timeline as text: the phases of the run (``~``), and a bar per step: ``.`` waiting, ``#`` working, ``=`` writing to disk."""

from collections.abc import Iterator, Sequence
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
_PHASES: Final = "phases of the run"
_SIGNS: Final[dict[Phase, str]] = {"waiting": ".", "working": "#", "spilling": "="}


def lines(run: Run, width: int) -> Iterator[str]:
    """Yield the lines of the timeline."""
    timeline = run_timeline(run)
    title = (one_line(run.pipeline or ""), one_line(run.id), STATUS_WORDS[run.status])
    yield f"{'  '.join(filter(None, title))}  {format_duration(timeline.length)}"
    yield ""
    timings = timeline.step_timings
    longest = max((display_width(one_line(timing.step.id)) for timing in timings), default=0)
    longest = min(NAME_CELLS, max(longest, len(_PHASES) if timeline.phases else 0))
    cells = max(MIN_BAR, width - longest - _RESULT - 6)
    if timeline.phases:
        spans = [(phase.begin, phase.end, "~") for phase in timeline.phases]
        slowest = max(timeline.phases, key=lambda phase: phase.seconds)
        bar = _bar(spans, cells / (timeline.length or 1e-6), cells)
        words = cut_to_width(f"{one_line(slowest.name)} {format_duration(slowest.seconds)}", _RESULT)
        yield f"  {_PHASES:<{longest}}  {bar}  {words}"
    for timing in timings:
        name = cut_to_width(one_line(timing.step.id), longest)
        padding = " " * (longest - display_width(name))
        spans = [(span.begin, span.end, _SIGNS[span.phase]) for span in timing.phase_spans]
        bar = _bar(spans, cells / (timeline.length or 1e-6), cells)
        yield f"{GLYPHS[timing.step.status]} {name}{padding}  {bar}  {_result(timing)}".rstrip()
    yield ""
    phases = "~ outside the steps   " if timeline.phases else ""
    yield f"{phases}. waiting to start   # working   = writing to disk   * critical path"


def _bar(spans: Sequence[tuple[float, float, str]], scale: float, cells: int) -> str:
    """Return a bar of spans: the seconds in which each begins and ends, and its sign."""
    bar = [" "] * cells
    for begin, end, sign in spans:
        start = min(cells - 1, int(begin * scale))
        for cell in range(start, max(start + 1, min(cells, round(end * scale)))):
            bar[cell] = sign
    return "".join(bar)


def _result(timing: StepTiming) -> str:
    if not timing.phase_spans:
        return timing.step.status.replace("_", " ")
    running = "" if timing.has_ended else " …"
    return f"{format_duration(timing.seconds)}{running}{' *' if timing.is_critical else ''}"
