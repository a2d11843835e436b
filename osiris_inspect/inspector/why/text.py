"""An answer for people: the way of each input as a walk, one station a line, each with its place in the log."""

from collections.abc import Iterator

from osiris_inspect.inspector.run.summary import place_of
from osiris_inspect.inspector.text.sanitize import cut, plain
from osiris_inspect.inspector.text.wrap import wrapped
from osiris_inspect.inspector.why.input_trace import Turn, Way
from osiris_inspect.inspector.why.step_explanation import Why

_GLYPHS = {"hit": "✓", "miss": "✗", "unknown": "?", "": " "}
_LONGEST = 600


def lines(why: Why, width: int = 100) -> Iterator[str]:
    """The answer, line by line."""
    yield from wrapped(plain(why.verdict), width)
    for way in why.ways:
        yield ""
        yield f"  {_head(way)}"
        yield from _walk(way.turns, width)
    if why.turns:
        yield ""
        yield from _walk(why.turns, width)
    if why.causes:
        yield ""
    for finding in why.causes:
        label = "because" if finding.because else "cause"
        text = f"{place_of(finding)}: {finding.message} [{finding.rule}, {finding.confidence}] ({finding.evidence[0]})"
        yield from wrapped(plain(text), width, f"    {label:<10}")
    fix = next((finding.fix for finding in reversed(why.causes) if finding.fix), None)
    if fix:
        yield from wrapped(plain(fix), width, f"    {'fix':<10}")
    if why.consequences:
        yield from wrapped(plain(", ".join(why.consequences)), width, f"    {'took down':<10}")


def _head(way: Way) -> str:
    name = f"input {plain(way.name)}" if way.name else "input"
    return f"{name} from {plain(way.from_step or '?')}"


def _walk(turns: tuple[Turn, ...], width: int) -> Iterator[str]:
    widest = min(20, max([8, *(len(plain(turn.name)) for turn in turns)]))
    for turn in turns:
        places = ", ".join(dict.fromkeys(str(piece) for piece in turn.evidence[:2]))
        text = cut(plain(turn.text), _LONGEST) + (f" ({plain(places)})" if places else "")
        name = cut(plain(turn.name), widest)
        yield from wrapped(text, width, f"  {_GLYPHS[turn.outcome]} {name:<{widest}}  ")
