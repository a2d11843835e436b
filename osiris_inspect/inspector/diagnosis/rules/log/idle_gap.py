"""No step ran during a large part of the run.

What it finds:
    A pause between two events without a running step that is long and a large share of the run.

Why it matters:
    The time was spent on preparing, waiting or downloading; a faster query does not help.

How to fix:
    Check the events on both sides of the pause: the start of a sandbox, installed packages, downloaded files.

Example:
    40 s between `session_initialized` and the first `step_start`, of 55 s in all
"""

from collections.abc import Iterator
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("events",)
MIN_SECONDS = 20.0
MIN_SHARE = 0.3
"""The share of the run's duration."""
TEMPLATE = FindingTemplate(
    Severity.NOTE, "infra", "check the events on both sides of the pause", Confidence.MEDIUM, "finish"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the longest pause without a running step."""
    if isinstance(run.events, LazyEvents) or run.status == "running":
        return  # only a part of a long log was decoded
    timed = [event for event in in_order(run.key_events) if event.ts is not None]
    pauses = list(_pauses(timed))
    if not pauses:
        return
    seconds, before, after = max(pauses, key=lambda pause: pause[0])
    total = (timed[-1].ts or 0) - (timed[0].ts or 0)
    clock_is_wrong = any(
        one.node == two.node and (one.ts or 0) - (two.ts or 0) >= MIN_SECONDS for one, two in pairwise(timed)
    )
    if seconds >= max(MIN_SECONDS, MIN_SHARE * total) and not clock_is_wrong:
        yield TEMPLATE.finding(
            f"no step ran for {seconds:.0f} of {total:.0f} s, between {before.original_name} and {after.original_name}",
            event_evidence(before),
            event_evidence(after),
        )


def _pauses(timed: list[Event]) -> Iterator[tuple[float, Event, Event]]:
    """Yield the seconds between consecutive events of one session and machine while no step ran."""
    running: set[str | None] = set()
    for before, after in pairwise(timed):
        if before.name == "step_start":
            running.add(before.step)
        elif before.name in ("step_complete", "step_failed", "run_end"):
            running.discard(before.step)
        if not running and before.session == after.session and before.node == after.node:
            yield (after.ts or 0) - (before.ts or 0), before, after
