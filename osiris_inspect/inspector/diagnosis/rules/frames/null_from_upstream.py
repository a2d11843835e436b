"""A database rejected NULL in a column that lost all its values in an earlier step.

What it finds:
    A write that failed because a column must not be NULL, and a step before it whose output has no value in this column,
    although its input had some.

Why it matters:
    A cast or a join that matched nothing made the column empty; the write shows only the effect.

How to fix:
    Check the cast or the join of the step that lost the values.

Example:
    `null value in column "amount" of relation "orders"`, and `clean` casts every amount to NULL.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.diagnosis.evidence.headline import error_headline
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
SEARCHES = ("errors",)
EXPLAINS = ("constraint-violated", "null-keys", "write-failed", "column-all-null")
TEMPLATE = FindingTemplate(Severity.ERROR, "data")
_NOT_NULL = LazyRegex(
    r"null value in column \\{0,2}\"(?P<postgres>[^\"\n\\]{1,120})|Column '(?P<mysql>[^'\n]{1,120})' cannot be null"
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find failed writes whose column was emptied by an earlier step."""
    for error, match in matching_errors(run, _NOT_NULL):
        step = run.step(error.step or "")
        column = match["postgres"] or match["mysql"]
        if step is None or step.failure is None:
            continue
        for name in lineage.upstream(step.id):
            emptied = run.frames.get(name)
            sources = [
                run.frames[edge.producer] for edge in lineage.edges_to(name) if edge.producer in run.frames
            ]
            if emptied is None or column not in emptied.empty_columns:
                continue
            before = next((source for source in sources if _has_values(source, column)), None)
            if before is None:
                continue
            yield TEMPLATE.finding(
                f"{error_headline(step.failure.message)}{SEPARATOR}step {name!r} left no value in {column!r}, "
                "although its input had some",
                error.evidence(match[0]),
                *error_evidence(step),
                frame_evidence(emptied, column),
                step=name,
                fix=f"check the cast or the join that makes {column!r} in step {name!r}",
            )
            break


def _has_values(frame: FrameFacts, column: str) -> bool:
    found = frame.column(column)
    return (
        found is not None and found.nulls is not None and bool(frame.rows) and found.nulls < (frame.rows or 0)
    )
