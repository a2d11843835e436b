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

from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LazyEvents, Run
from osiris_inspect.inspector.run.summary import pluralize
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ("events",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "look for what cut or filtered the file, and read the whole one",
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
            f"{pluralize(missing, 'line')} of the log {'is' if missing == 1 else 'are'} missing, "
            f"most between numbers {before.seq} and {after.seq}",
            event_evidence(before, "seq"),
            event_evidence(after, "seq"),
        )
