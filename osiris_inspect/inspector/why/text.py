"""Explanations as text: one line per trace step, with its position in the log."""

from collections.abc import Iterator

from osiris_inspect.inspector.run.summary import finding_scope
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.inspector.text.wrap import wrap_labelled
from osiris_inspect.inspector.why.input_trace import InputTrace, TraceStep
from osiris_inspect.inspector.why.step_explanation import StepExplanation

_GLYPHS = {"hit": "✓", "miss": "✗", "unknown": "?", "": " "}
_MAX_TEXT = 600


def lines(why: StepExplanation, width: int = 100) -> Iterator[str]:
    """Yield the lines of an explanation."""
    yield from wrap_labelled(one_line(why.verdict), width)
    for way in why.input_traces:
        yield ""
        yield f"  {_head(way)}"
        yield from _trace(way.trace_steps, width)
    if why.more_inputs:
        yield ""
        yield from wrap_labelled(f"and {why.more_inputs:,} more inputs; name one as STEP.INPUT", width, "  ")
    if why.output_trace:
        yield ""
        yield from _trace(why.output_trace, width)
    if why.causes:
        yield ""
    for finding in why.causes:
        label = "because" if finding.caused_by else "cause"
        text = f"{finding_scope(finding)}: {finding.message} [{finding.rule}, {finding.confidence}] ({finding.evidence[0]})"
        yield from wrap_labelled(one_line(text), width, f"    {label:<12}")
    fix = next((finding.fix for finding in reversed(why.causes) if finding.fix), None)
    if fix:
        yield from wrap_labelled(one_line(fix), width, f"    {'fix':<12}")
    if why.consequences:
        yield from wrap_labelled(one_line(", ".join(why.consequences)), width, f"    {'also failed':<12}")


def _head(way: InputTrace) -> str:
    name = f"input {one_line(way.name)}" if way.name else "input"
    return f"{name} from {one_line(way.from_step or '?')}"


def _trace(turns: tuple[TraceStep, ...], width: int) -> Iterator[str]:
    widest = min(20, max([8, *(len(one_line(turn.name)) for turn in turns)]))
    for turn in turns:
        positions = ", ".join(dict.fromkeys(str(piece) for piece in turn.evidence[:2]))
        text = truncate(one_line(turn.text), _MAX_TEXT) + (f" ({one_line(positions)})" if positions else "")
        name = truncate(one_line(turn.name), widest)
        yield from wrap_labelled(text, width, f"  {_GLYPHS[turn.result]} {name:<{widest}}  ")
