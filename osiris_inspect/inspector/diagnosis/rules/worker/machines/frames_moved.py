"""A step spent much of its time on moving frames between machines.

What it finds:
    A step of a cluster that fetched its inputs and sent its frame for more than 30 % of its time, and for more than a
    second.

Why it matters:
    More machines do not make such a step faster. The time goes to the network and the shared store.

How to fix:
    Let steps that need each other's frames follow one another, filter rows before they move, or run the pipeline on one
    machine.

Example:
    `"event": "frame_fetched", "step_id": "join", "from_step": "orders", "bytes": 812000000, "ms": 5200`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.units import format_bytes
from osiris_inspect.model.event import Event, as_int, finite_number
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("frame_fetched", "frame_sent")
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "infra",
    "filter the rows before they move, or run the steps on one machine",
    Confidence.HIGH,
)
_MIN_SHARE = 0.3
_MIN_SECONDS = 1.0
_MAX_CITED = 3


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful steps that moved frames for a large share of their time."""
    for step in run.steps:
        moves = run.events_named("frame_fetched", "frame_sent", step=step.id)
        seconds = sum(map(_seconds, moves))
        total = seconds + (step.duration_s or 0.0)
        if step.status != "succeeded" or seconds < _MIN_SECONDS or seconds < _MIN_SHARE * total:
            continue
        moved = sum(as_int(event.fields.get("bytes")) or 0 for event in moves)
        yield TEMPLATE.finding(
            f"moving {format_bytes(moved)} between machines took {seconds:.1f} s, {seconds / total:.0%} of its time",
            *map(event_evidence, sorted(moves, key=_seconds, reverse=True)[:_MAX_CITED]),
            step=step.id,
        )


def _seconds(event: Event) -> float:
    return (finite_number(event.fields.get("ms")) or 0.0) / 1000
