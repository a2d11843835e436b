"""A join produced more rows than its inputs explain.

What it finds:
    A step that joins frames and returns more rows than a join with a key that is unique on one side can return; or a
    join whose key occurs several times on both sides, with a sum, a count or an average over its rows.

Why it matters:
    The join key is not unique on either side, or there is no key, so rows are multiplied and sums count them
    twice.

How to fix:
    Count the rows per key on both sides and make the key unique on one of them. A cross join, a union or an unnesting
    that the query names is not reported. If each row has several partners on purpose, allow this rule for the step.

Example:
    `join-orders` receives 1,000 and 200 rows and returns 2,000.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import QueryText, query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import JoinFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
LEADS_TO = ("constraint-violated", "duplicate-keys")
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "make the join key unique on one side; if several partners per row are intended, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins that multiplied rows."""
    for step in run.steps:
        rows_in = [entry.rows for entry in step.inputs if entry.rows is not None]
        if step.status != "succeeded" or step.is_writer or step.is_source or step.rows_out is None:
            continue
        query = query_of(step.config)
        if len(rows_in) < len(step.inputs) or not _is_join(rows_in, query):
            continue
        frame = run.frames.get(step.id)
        join = frame.join if frame is not None else None
        reason = _reason(step, rows_in, query, join)
        if reason:
            sizes = " and ".join(f"{rows:,}" for rows in rows_in)
            yield TEMPLATE.finding(
                f"received {sizes} rows and produced {step.rows_out:,}: {reason}",
                *rows_out_evidence(run, step),
                *((frame_evidence(frame, "join"),) if frame is not None and join is not None else ()),
                step=step.id,
                confidence=Confidence.HIGH if join is not None else None,
            )


def _is_join(rows_in: Sequence[int], query: QueryText | None) -> bool:
    """Return True if the step joins frames, as far as is known."""
    if not any(rows_in):
        return False
    if query is None:
        return len(rows_in) > 1
    return not query.multiplies and (len(rows_in) > 1 or query.has("join"))


def _reason(step: StepState, rows_in: Sequence[int], query: QueryText | None, join: JoinFacts | None) -> str:
    rows = step.rows_out or 0
    if join is not None:
        if (
            not join.left_duplicates
            or not join.right_duplicates
            or (query is not None and query.has("distinct"))
        ):
            return ""
        counts = f"in {join.left_duplicates:,} and {join.right_duplicates:,} rows the key occurs again"
        if rows > max(rows_in):
            return f"the join multiplies rows, for its key is unique on neither side; {counts}"
        if query is not None and query.aggregates and join.matched:
            return (
                f"the join multiplies rows, so the aggregate counts them more than once: its key is unique on neither side; "
                f"{counts}"
            )
        return ""
    if rows <= _most_rows(rows_in, query) or (query is not None and query.reduces):
        return ""
    return "the join multiplies rows, for its key is unique on neither side, or it has none"


def _most_rows(rows_in: Sequence[int], query: QueryText | None) -> int:
    """Return the most rows that a join can return if its key is unique on one side."""
    if query is None or query.has_outer_join:
        return sum(rows_in) * (2 if len(rows_in) == 1 else 1)
    return max(rows_in)
