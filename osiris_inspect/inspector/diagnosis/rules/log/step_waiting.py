"""A step waited for a long time without using the CPU.

What it finds:
    A step whose heartbeats showed neither CPU time nor new rows for as long as `--hang-timeout`, and the line of code in
    which its thread was.

Why it matters:
    A deadlock, a lock in a database and a server that does not respond look the same from outside; nothing ends the wait
    unless the step has a time limit.

How to fix:
    Look at what the line waits for. For a lock or a slow query ask the database; set `--step-timeout` to end such steps.

Example:
    `step_waiting` after 300 s in `acquire (threading.py:320)`
"""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.inspector.text.units import format_duration
from osiris_inspect.model.finding import Severity

NEEDS = ("events",)
SEARCHES = ("step_waiting",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "check what this line waits for: a lock, a slow query or a server that does not respond; --step-timeout ends such a step",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the steps that waited."""
    for event in run.events_named("step_waiting"):
        idle, frame = event.fields.get("idle_s"), event.fields.get("frame")
        seconds = float(idle) if isinstance(idle, int | float) else None
        where = f", in {excerpt(_place(frame), 120)}" if frame else ""
        message = f"waited for {format_duration(seconds, 'a long time')} without using the CPU{where}"
        yield TEMPLATE.finding(message, event_evidence(event, "idle_s", "frame"), step=event.step)


def _place(frame: object) -> str:
    """Return a frame of a stack as text: its function with file and line."""
    if not isinstance(frame, Mapping):
        return str(frame)
    return f"{frame.get('function')} ({frame.get('file')}:{frame.get('line')})"
