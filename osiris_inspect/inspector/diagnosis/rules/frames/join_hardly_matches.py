"""Few rows of a join found a partner.

What it finds:
    A join of two frames in which no row, or less than half of the rows on either side, has a partner. An inner join
    that drops a fifth or more of the rows of its larger input, if the query takes columns of the other input; as a note:
    one that drops a tenth or more. A step without a query that returns the columns of two inputs, those with one name once,
    and less than a tenth of the rows. A joined table that only has more keys than the rows of FROM need is not reported.

Why it matters:
    Keys that differ in type, case or spaces do not match. An inner join then loses the rows, and a left join leaves
    the columns of the other side empty.

How to fix:
    Compare some keys of both sides; convert them to one type and one spelling. If the frames share few keys, allow
    this rule for the step.

Example:
    `join-orders` receives 1,000 and 200 rows, and 0 of the 1,000 have a partner.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts, JoinFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_SHARE = 0.5
MIN_DROPPED = 0.1
MIN_DROPPED_BY_LOOKUP = 0.2
"""Share of the rows of the larger input, of which the query looks up columns in the other one."""
MIN_ROWS_MERGED = 20
MAX_NAMED = 5
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the keys of both sides: type, case, spaces; if they share few keys on purpose, allow this rule for the step",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins with few matches."""
    for step, frame in run.successful_frames():
        if frame.join is None:
            yield from _merged(run, step, frame)
            continue
        join = frame.join
        if not join.left_rows or not join.right_rows or _is_explained(frame):
            continue
        if join.is_filtered:
            yield from _dropped(step, frame, join) if join.is_whole and _is_lookup(join) else ()
        elif _matches_few(join):
            yield TEMPLATE.finding(
                f"{join.matched:,} of {join.left_rows:,} rows found a partner among {join.right_rows:,} rows of the join",
                frame_evidence(frame, "join"),
                step=step.id,
                confidence=Confidence.MEDIUM if join.matched else None,
            )
        else:
            yield from _dropped(step, frame, join)


def _merged(run: Run, step: StepState, frame: FrameFacts) -> Findings:
    """Find a merge of two inputs by all columns that they have in common, of which few rows are left."""
    inputs = run.input_frames(step)
    if len(inputs) != 2 or len(step.inputs) != 2 or query_of(step.config) is not None or frame.rows is None:
        return
    left, right = ({column.name for column in one.columns} for one in inputs)
    common = [column.name for column in inputs[0].columns if column.name in right]
    rows = min(one.rows or 0 for one in inputs)
    has_all = {column.name for column in frame.columns} == left | right and left != right
    if len(common) > 1 and has_all and rows >= MIN_ROWS_MERGED and frame.rows < MIN_DROPPED * rows:
        names = ", ".join(map(repr, common[:MAX_NAMED]))
        yield TEMPLATE.finding(
            f"returned {frame.rows:,} rows of {inputs[0].rows or 0:,} and {inputs[1].rows or 0:,}; the inputs have {len(common)} "
            f"columns in common, each of them once in the result, so it seems to join by all of them: {names}",
            *rows_out_evidence(run, step),
            frame_evidence(frame, common[0]),
            step=step.id,
            confidence=Confidence.MEDIUM,
            fix="name the columns of the key in the merge; if the rows are meant to agree in all of them, allow this rule for the step",
        )


def _dropped(step: StepState, frame: FrameFacts, join: JoinFacts) -> Findings:
    """Find an inner join that drops rows of the larger input."""
    rows, matched, other = _larger_side(join)
    query = query_of(step.config)
    is_left = other == "right"
    if not is_left and join.matched == join.left_rows:
        return  # all rows of FROM were looked up
    if query is not None and not query.has_outer_join and rows - matched >= MIN_DROPPED * rows:
        table = "table in FROM" if is_left else "joined table"
        yield TEMPLATE.finding(
            f"the inner join dropped {rows - matched:,} of {rows:,} rows of the {table}, which have no partner",
            frame_evidence(frame, "join"),
            step=step.id,
            severity=Severity.WARNING if _is_lookup(join) else Severity.NOTE,
            confidence=Confidence.MEDIUM,
            fix="use a left join if these rows belong in the result",
        )


def _is_lookup(join: JoinFacts) -> bool:
    """Return True if many rows are dropped of an input to which the query adds columns of the other one."""
    rows, matched, other = _larger_side(join)
    return join.uses in ("both", other) and rows - matched >= MIN_DROPPED_BY_LOOKUP * rows


def _is_explained(frame: FrameFacts) -> bool:
    """Return True if a check of the query says why keys have no partner."""
    reasons = ("join-keys-differ-in-form", "join-uses-other-key")
    return any(check.get("check") in reasons for check in frame.checks)


def _larger_side(join: JoinFacts) -> tuple[int, int, str]:
    """Return the rows of the larger input, how many of them have a partner, and the side of the other input."""
    if join.right_matched is None or join.left_rows >= join.right_rows:
        return join.left_rows, join.matched, "right"
    return join.right_rows, join.right_matched, "left"


def _matches_few(join: JoinFacts) -> bool:
    if not join.matched:
        return True
    if join.right_matched is None:
        return False
    return join.matched < MIN_SHARE * join.left_rows and join.right_matched < MIN_SHARE * join.right_rows
