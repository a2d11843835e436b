"""Nothing ran for a large part of the run.

What it finds:
    A pause between two events, with no step running, that is long and a good part of the whole run.

Why it matters:
    The time went into preparing, waiting or fetching, not into the pipeline; a faster query will not help.

How to fix:
    Look at what stands on both sides of the pause: a sandbox that starts, packages that are installed, files that are
    fetched.

Example:
    40 s between `session_initialized` and the first `step_start`, of 55 s in all
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

LONG_S = 20.0
PART = 0.3
"""The part of the whole run from which on a pause is worth a word."""


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The longest pause between steps."""
    if isinstance(run.events, LazyEvents) or run.status == "running":
        return  # of a long log only a part was decoded
    timed = [event for event in in_order(run.key_events) if event.ts is not None]
    pauses = list(_pauses(timed))
    if not pauses:
        return
    seconds, before, after = max(pauses, key=lambda pause: pause[0])
    whole = (timed[-1].ts or 0) - (timed[0].ts or 0)
    if seconds < LONG_S or seconds < PART * whole or _goes_back(timed):
        return  # where a clock is wrong, what looks like a pause is none
    yield Finding(
        rule="idle-gap",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        domain="infra",
        message=f"no step ran for {seconds:.0f} of {whole:.0f} s, between {before.original_name} and {after.original_name}",
        evidence=(event_evidence(before), event_evidence(after)),
        stage="finish",
        fix="look at what stands on both sides of the pause",
    )


def _goes_back(timed: list[Event]) -> bool:
    return any((before.ts or 0) - (after.ts or 0) >= LONG_S for before, after in pairwise(timed))


def _pauses(timed: list[Event]) -> Iterator[tuple[float, Event, Event]]:
    """The time between two events of one writer while no step ran."""
    running: set[str | None] = set()
    for before, after in pairwise(timed):
        if before.name == "step_start":
            running.add(before.step)
        elif before.name in ("step_complete", "step_failed", "run_end"):
            running.discard(before.step)
        if not running and before.session == after.session:
            yield (after.ts or 0) - (before.ts or 0), before, after
