"""The timestamps of a log come from different clocks.

What it finds:
    Lines with increasing sequence numbers whose timestamps go back by more than a second; without sequence
    numbers, timestamps that go back by more than a minute, once or twice in the whole log. The events of each
    machine of a cluster are compared with each other only.

Why it matters:
    Durations and the order of host and worker events cannot be derived from the timestamps.

How to fix:
    Use the sequence numbers (`seq`) or the order of the lines, and synchronize the clocks of sandbox and
    host.

Example:
    `seq` 8 has the time 10:00:07, and `seq` 9 has 09:58:51
"""

from collections.abc import Iterable
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("events",)
TEMPLATE = FindingTemplate(Severity.NOTE, "infra", stage="finish")
MAX_SKEW_S = 1.0
"""Clocks of threads and machines differ slightly."""
MAX_SKEW_WITHOUT_SEQ_S = 60.0
"""Without sequence numbers, a host logs late messages after its own events."""
_MAX_JUMPS = 2
"""A wrong clock jumps back once or twice; a log with more jumps was reordered."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the largest jump back in time."""
    timed = [event for event in in_order(run.key_events) if event.ts is not None]
    numbered = [event for event in timed if event.seq is not None]
    tolerance = MAX_SKEW_S if numbered else MAX_SKEW_WITHOUT_SEQ_S
    jumps = [
        ((before.ts or 0) - (after.ts or 0), before, after)
        for events in _by_machine(numbered or timed)
        for before, after in pairwise(events)
        if before.session == after.session
    ]
    jumps = [jump for jump in jumps if jump[0] > tolerance]
    if not jumps or (not numbered and (len(jumps) > _MAX_JUMPS or isinstance(run.events, LazyEvents))):
        return
    seconds, before, after = max(jumps, key=lambda jump: jump[0])
    sides = f" from {before.side} to {after.side}" if before.side != after.side else ""
    yield TEMPLATE.finding(
        f"timestamps went back by {seconds:.1f} s{sides}",
        event_evidence(before, "ts"),
        event_evidence(after, "ts"),
        confidence=Confidence.HIGH if numbered else Confidence.MEDIUM,
        fix=f"order lines by {'seq' if numbered else 'position in the file'}, and synchronize the clocks",
    )


def _by_machine(events: Iterable[Event]) -> Iterable[list[Event]]:
    """Return the events of the host and of each machine of a cluster, whose clocks differ, each in order."""
    groups: dict[str | None, list[Event]] = {}
    for event in events:
        groups.setdefault(event.node, []).append(event)
    return groups.values()
