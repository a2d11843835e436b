"""A step returned more rows than it received, or the same row several times.

What it finds:
    A step with one input and without a query that returns at least half as many rows again. A step whose result has rows
    that repeat another one as a whole, with a column that has a different value in each row of its input: a join with
    several partners for a row of which no column is selected, a union of inputs that share rows. A cross join, an
    unnesting and a join that the next step aggregates are not reported.

Why it matters:
    A merge inside the driver, or an append to its own input, multiplies rows; sums count them twice. A target receives
    the same row several times.

How to fix:
    Count the rows per key before and after the step. If the step is meant to make several rows of one (it explodes a
    list, or unpivots columns), allow this rule for the step.

Example:
    `enrich` receives 200 rows and returns 5,716. In `all-orders` 20 of 120 rows repeat another one as a whole, although
    `order_no` is different in each row of `january` and of `february`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    frame_evidence,
    input_evidence,
    rows_out_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts, JoinFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("inputs_resolved",)
MIN_FACTOR = 1.5
MIN_NEW_ROWS = 10
MIN_REPEATED = 3
MIN_SHARE = 0.01
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the step for a merge with a key that is not unique; if it splits rows on purpose, allow this rule for it",
    Confidence.MEDIUM,
)
_ON_PURPOSE = LazyRegex(r"sampl|bootstrap|augment|repeat|replicat|expand|explode|upsampl", 2)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that returned more rows than they received, or rows that repeat another one."""
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or step.is_source or not step.inputs:
            continue
        repeated = _repeated_key(run, step)
        if repeated is not None:
            yield _repeated_rows(step, *repeated)
            continue
        inputs = resolved_inputs(step)
        rows_in, rows = inputs[0].rows if len(inputs) == 1 else None, step.rows_out
        has_query = query_of(step.config) is not None or (step.driver or "").startswith("duckdb.")
        if not rows_in or rows is None or len(step.inputs) != 1 or has_query:
            continue
        if rows >= MIN_FACTOR * rows_in and rows - rows_in >= MIN_NEW_ROWS:
            yield TEMPLATE.finding(
                f"received {rows_in:,} rows and produced {rows:,}, {rows / rows_in:.1f} times as many",
                *rows_out_evidence(run, step),
                *input_evidence(inputs[0]),
                step=step.id,
            )


def _repeated_rows(step: StepState, frame: FrameFacts, key: str, sources: list[FrameFacts]) -> Finding:
    rows = frame.rows or 0
    names = " and ".join(repr(source.step) for source in sources)
    query = query_of(step.config)
    if query is not None and query.has("join"):
        fix = "aggregate the other input by the join key before the join, or select a column that tells its rows apart"
    elif query is not None or len(sources) > 1:
        fix = "restrict the inputs so that they do not share rows, or remove the repeated rows"
    else:
        fix = "check the step for a concat or a merge that adds rows twice"
    return TEMPLATE.finding(
        f"{round((frame.repeated or 0) * rows):,} of {rows:,} rows repeat another row as a whole, although {key!r} is different in each row of {names}",
        frame_evidence(frame, "repeated"),
        *(frame_evidence(source, "unique") for source in sources[:2]),
        step=step.id,
        fix=f"{fix}; if rows repeat on purpose, allow this rule for the step",
    )


def _repeated_key(run: Run, step: StepState) -> tuple[FrameFacts, str, list[FrameFacts]] | None:
    """Return the frame with repeated rows, a column of it that was unique, and the inputs that have it."""
    frame = run.frames.get(step.id)
    share, rows = (frame.repeated or 0, frame.rows or 0) if frame is not None else (0, 0)
    if frame is None or share < MIN_SHARE or share * rows < MIN_REPEATED or _is_meant(run, step, frame):
        return None
    sources = [run.frames[name] for entry in step.inputs if (name := entry.from_step or "") in run.frames]
    fingerprints = [source.fingerprint for source in sources if source.fingerprint]
    if len(set(fingerprints)) < len(fingerprints):
        return None  # another rule reports equal inputs
    query = query_of(step.config)
    is_join = query is not None and query.has("join")
    for column in frame.columns:
        having = [source for source in sources if source.column(column.name) is not None]
        unique = [source for source in having if column.name in source.unique]
        if unique and (is_join or len(unique) == len(having)):
            return frame, column.name, unique
    return None


def _is_meant(run: Run, step: StepState, frame: FrameFacts) -> bool:
    """Return True if rows are repeated on purpose, or for a reason that another rule reports."""
    query = query_of(step.config)
    if _ON_PURPOSE.search(step.id) or (query is not None and query.repeats_rows):
        return True
    is_join = query is not None and query.has("join")
    if is_join and not _selects_left_only(frame.join):
        return True
    after = [other for other in run.steps if any(entry.from_step == step.id for entry in other.inputs)]
    queries = [query_of(other.config) for other in after]
    return is_join and any(
        one is not None and (one.aggregates or one.has("distinct", "group")) for one in queries
    )


def _selects_left_only(join: JoinFacts | None) -> bool:
    """Return True if a join has several partners for rows of its first table, and no column of the second is used."""
    if join is None or join.uses != "left":
        return False
    return not join.left_duplicates and bool(join.right_duplicates)
