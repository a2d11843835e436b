"""Lines of the log are missing.

What it finds:
    Sequence numbers that no line has.

Why it matters:
    A missing line may contain a failure or a write, so every other result is incomplete.

How to fix:
    Find out what truncated or filtered the file: a rotation, an interrupted copy, a `grep`.

Example:
    `"seq": 17` is followed by `"seq": 21`
"""

from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ("events",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "find out what truncated or filtered the file, and read the complete file",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report missing sequence numbers, unless unreadable lines explain them."""
    if isinstance(run.events, LazyEvents):
        return  # only a part of a long log was decoded
    numbered = [event for event in in_order(run.key_events) if event.seq is not None]
    if len({event.session for event in numbered}) != 1:
        return
    gaps = [((after.seq or 0) - (before.seq or 0) - 1, before, after) for before, after in pairwise(numbered)]
    missing = sum(max(count, 0) for count, _, _ in gaps)
    unreadable = sum(entry.count for entry in run.unreadable if entry.file == EVENTS)
    if missing > unreadable:
        _, before, after = max(gaps, key=lambda gap: gap[0])
        yield TEMPLATE.finding(
            f"{pluralize(missing, 'line')} of the log {'was' if missing == 1 else 'were'} missing, "
            f"most between seq {before.seq} and {after.seq}",
            event_evidence(before, "seq"),
            event_evidence(after, "seq"),
        )
