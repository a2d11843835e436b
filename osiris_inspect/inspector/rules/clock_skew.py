"""Two clocks wrote one log.

What it finds:
    Lines whose numbers go up while their times go back by more than a second.

Why it matters:
    Durations and the order of what host and worker did cannot be read from the times.

How to fix:
    Trust the numbers (`seq`), and set the clock of the sandbox or the host.

Example:
    `seq` 8 is of 10:00:07, and `seq` 9 of 09:58:51
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from osiris_inspect.inspector.evidence.cite import at
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.reading.drafts import in_sequence
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("events",)

TOLERANCE_S = 1.0
"""Seconds that two lines may stand the wrong way round: threads and machines are never exactly together."""


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The greatest step back in time."""
    timed = [event for event in in_sequence(run.told) if event.seq is not None and event.ts is not None]
    back = [
        ((before.ts or 0) - (after.ts or 0), before, after)
        for before, after in pairwise(timed)
        if before.session == after.session
    ]
    worst = max(back, key=lambda step: step[0], default=None)
    if worst is None or worst[0] <= TOLERANCE_S:
        return
    seconds, before, after = worst
    sides = f" from {before.side} to {after.side}" if before.side != after.side else ""
    yield Finding(
        rule="clock-skew",
        severity=Severity.NOTE,
        confidence=Confidence.HIGH,
        domain="infra",
        message=f"the time goes back by {seconds:.1f} s{sides}",
        evidence=(at(before, "ts"), at(after, "ts")),
        stage="finish",
        fix="order lines by their number; set the clocks",
    )
