"""Two clocks wrote one log.

What it finds:
    Lines whose numbers go up while their times go back by more than a second; where lines have no numbers, times that
    go back by more than a minute, once or twice in the whole log.

Why it matters:
    Durations and the order of what host and worker did cannot be read from the times.

How to fix:
    Trust the numbers (`seq`), else the order of the lines, and set the clock of the sandbox or the host.

Example:
    `seq` 8 is of 10:00:07, and `seq` 9 of 09:58:51
"""

from collections.abc import Iterator
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("events",)

TOLERANCE_S = 1.0
"""Seconds that two lines may stand the wrong way round: threads and machines are never exactly together."""


WITHOUT_NUMBERS_S = 60.0
"""Seconds that lines without numbers may do so: a host writes what it hears late behind what it did meanwhile."""
_FEW = 2
"""Steps back of a clock that is wrong, there and back again; a log with more of them was shuffled."""


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The greatest step back in time."""
    timed = [event for event in in_order(run.key_events) if event.ts is not None]
    numbered = [event for event in timed if event.seq is not None]
    steps = _back(numbered, TOLERANCE_S) if numbered else _back(timed, WITHOUT_NUMBERS_S)
    if not steps or (not numbered and (len(steps) > _FEW or isinstance(run.events, LazyEvents))):
        return
    seconds, before, after = max(steps, key=lambda step: step[0])
    sides = f" from {before.side} to {after.side}" if before.side != after.side else ""
    yield Finding(
        rule="clock-skew",
        severity=Severity.NOTE,
        confidence=Confidence.HIGH if numbered else Confidence.MEDIUM,
        domain="infra",
        message=f"the time goes back by {seconds:.1f} s{sides}",
        evidence=(event_evidence(before, "ts"), event_evidence(after, "ts")),
        stage="finish",
        fix=f"order lines by their {'number' if numbered else 'place in the file'}; set the clocks",
    )


def _back(timed: list[Event], tolerance: float) -> list[tuple[float, Event, Event]]:
    """Where the time goes back by more than that from one line of a writer to its next."""
    steps = [((before.ts or 0) - (after.ts or 0), before, after) for before, after in pairwise(timed)]
    return [step for step in steps if step[0] > tolerance and step[1].session == step[2].session]
