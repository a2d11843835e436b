"""Lines of the log are missing.

What it finds:
    Numbers that the writer of the log gave to its lines and that no line has.

Why it matters:
    What stood there is missing from every other answer: a step may have failed, or written, in between.

How to fix:
    Look for what cut or filtered the file: a rotation, a copy that was interrupted, a `grep`.

Example:
    `"seq": 17` is followed by `"seq": 21`
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Finding, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS: Final = ("events",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Jumps in the numbers of the lines, told once. Lines that are there and cannot be read are told elsewhere."""
    if isinstance(run.events, LazyEvents):
        return  # of a long log only a part was decoded
    numbered = [event for event in in_order(run.key_events) if event.seq is not None]
    if len({event.session for event in numbered}) != 1:
        return
    gaps = list(_gaps(numbered))
    missing = sum(count for _, _, count in gaps)
    broken = sum(entry.count for entry in run.unreadable if entry.file == EVENTS)
    if missing <= broken:
        return
    before, after, _ = max(gaps, key=lambda gap: gap[2])
    yield Finding(
        rule="log-gap",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        domain="infra",
        message=f"{pluralize(missing, 'line')} of the log {'is' if missing == 1 else 'are'} missing, "
        f"most between numbers {before.seq} and {after.seq}",
        evidence=(event_evidence(before, "seq"), event_evidence(after, "seq")),
        stage="finish",
        fix="look for what cut or filtered the file, and read the whole one",
    )


def _gaps(numbered: list[Event]) -> Iterator[tuple[Event, Event, int]]:
    for before, after in pairwise(numbered):
        count = (after.seq or 0) - (before.seq or 0) - 1
        if count > 0:
            yield before, after, count
