"""Few rows of a join found a partner.

What it finds:
    A join of two frames in which no row, or less than half of the rows on either side, has a partner.

Why it matters:
    Keys that differ in type, case or spaces do not match. An inner join then loses the rows, and a left join leaves
    the columns of the other side empty.

How to fix:
    Compare some keys of both sides; convert them to one type and one spelling. If the frames share few keys, allow
    this rule for the step.

Example:
    `join-orders` receives 1,000 and 200 rows, and 0 of the 1,000 have a partner.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.frame_facts import JoinFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_SHARE = 0.5
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the keys of both sides: type, case, spaces; if they share few keys on purpose, allow this rule for the step",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins with few matches."""
    for step in run.steps:
        frame = run.frames.get(step.id)
        if frame is None or frame.join is None or step.status != "succeeded":
            continue
        join = frame.join
        if join.left_rows and join.right_rows and _matches_few(join):
            yield TEMPLATE.finding(
                f"{join.matched:,} of {join.left_rows:,} rows found a partner among {join.right_rows:,} rows of the join",
                frame_evidence(frame, "join"),
                step=step.id,
                confidence=Confidence.MEDIUM if join.matched else None,
            )


def _matches_few(join: JoinFacts) -> bool:
    if not join.matched:
        return True
    if join.right_matched is None:
        return False
    return join.matched < MIN_SHARE * join.left_rows and join.right_matched < MIN_SHARE * join.right_rows
