"""A sum counts rows several times, because a join repeats them.

What it finds:
    A sum, an average or a count of a column of one input, in a query that joins a second input with several rows for
    each row of the first; also if the join is in the step before.

Why it matters:
    The value of a row is added once for each of its partners, so the total is too high.

How to fix:
    Aggregate the second input by the join key before it is joined, or count distinct keys. A sum of the side with many
    rows, a largest or smallest value and a distinct count are not reported. If the value belongs to each partner, allow
    this rule for the step.

Example:
    `report` sums `amount` of `orders` after a join with `items`, and 40 orders have several items.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import (
    QueryText,
    query_key,
    query_of,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
TABLES = 2
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "aggregate the other input by the join key before the join; if the value belongs to each partner, allow this rule for the step",
    Confidence.MEDIUM,
)

_PER_UNIT = LazyRegex(r"price|rate|per_|_per|unit|quantity|qty|weight|factor", 2)
"""A sum of such a value over the rows of a join is meant: the price of each item sold."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find aggregates over rows that a join repeats."""
    yield from _over_earlier_joins(run)
    for aggregate in checks_named(run, "aggregate-repeats-rows"):
        yield TEMPLATE.finding(
            f"{aggregate.text('aggregate')} counts rows of {aggregate.text('table')!r} several times: "
            f"{aggregate.count('rows'):,} of them are repeated by the join with {aggregate.text('partner')!r}",
            aggregate.evidence,
            step=aggregate.step,
        )


def _over_earlier_joins(run: Run) -> Findings:
    """Find sums over a column of the first table of a join in the step before, which repeats its rows."""
    for step in run.steps:
        query = query_of(step.config)
        if step.status != "succeeded" or query is None or len(step.inputs) != 1:
            continue
        before = run.step(step.inputs[0].from_step or "")
        if before is None or query.has("join", "distinct", "qualify", "over"):
            continue
        repeated = _repeated_input(run, before)
        if repeated is None:
            continue
        left, right, frame = repeated
        for function, column in _sums(query):
            is_of_left = left.column(column) is not None and right.column(column) is None
            if is_of_left and not _PER_UNIT.search(column):
                yield TEMPLATE.finding(
                    f"{function}({column}) counts rows of {left.step!r} several times: the join with {right.step!r} in step "
                    f"{before.id!r} made {frame.rows or 0:,} rows of {left.rows or 0:,}",
                    config_evidence(step.id, query_key(step.config)),
                    frame_evidence(frame, "join"),
                    step=step.id,
                )
                break


def _repeated_input(run: Run, step: StepState) -> tuple[FrameFacts, FrameFacts, FrameFacts] | None:
    """Return the first table of a join, the one that repeats its rows, and the result; None if they are unclear."""
    frame, query = run.frames.get(step.id), query_of(step.config)
    join = frame.join if frame is not None else None
    inputs = [run.frames[name] for entry in step.inputs if (name := entry.from_step or "") in run.frames]
    if frame is None or join is None or query is None or len(inputs) != TABLES or join.is_filtered:
        return None
    if (
        join.left_duplicates
        or not join.right_duplicates
        or query.reduces
        or (frame.rows or 0) <= join.left_rows
    ):
        return None
    sizes = (join.left_rows, join.right_rows)
    for left, right in (inputs, inputs[::-1]):
        if (left.rows, right.rows) == sizes and sizes[0] != sizes[1]:
            return left, right, frame
    return None


def _sums(query: QueryText) -> Iterator[tuple[str, str]]:
    """Yield each sum and average of one column."""
    words = query.words
    for number, word in enumerate(words):
        end = words[number + 1 : number + 6]
        if word not in ("sum", "avg", "mean") or end[:1] != ("(",):
            continue
        if end[2:3] == (")",):
            yield word, end[1].strip('"`')
        elif end[2:3] == (".",) and end[4:5] == (")",):
            yield word, end[3].strip('"`')
