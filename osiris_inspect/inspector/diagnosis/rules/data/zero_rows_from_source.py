"""A source produced 0 rows.

What it finds:
    A source that completed with 0 rows, unless a later step has rows nevertheless: then the input was optional.

Why it matters:
    The run succeeds with an empty result, and a writer that replaces has emptied its target.

How to fix:
    Check the query or the file: a filter, a date, an empty export. If empty is normal, suppress this rule for
    the step.

Example:
    `extract-movies` completes, and `inputs_resolved` of the next step reports `rows: 0`.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.evidence.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the query or file that the step reads; if it may be empty, allow this rule for the step",
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps without inputs that completed with 0 rows."""
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or step.rows_out != 0:
            continue
        if not step.is_source and (lineage.upstream(step.id) or step.needs or resolved_inputs(step)):
            continue
        evidence = row_count_evidence(run, step, 0)
        after = _steps_after(step, run, lineage)
        if not evidence or _have_other_rows(step, after):
            continue  # a later step has rows, so this input was optional
        empty = [repr(other.id) for other in after if other.rows_out == 0]
        message = "produced 0 rows" + (f", and so did {_join(empty)} after it" if empty else "")
        yield TEMPLATE.finding(message, *evidence, step=step.id)


def _steps_after(step: StepState, run: Run, lineage: Lineage) -> list[StepState]:
    """Return the steps that took the rows, directly or not; a source takes none, whatever its needs say."""
    after: list[str] = [step.id]
    for other in run.steps:
        takes = {edge.producer for edge in lineage.edges if edge.consumer == other.id}
        if not other.is_source and takes & set(after):
            after.append(other.id)
    return [other for other in run.steps if other.id in after[1:]]


def _have_other_rows(source: StepState, after: Sequence[StepState]) -> bool:
    """Return True if a later step has rows that are more than an aggregate of nothing, such as a count of 0."""
    hollow = {source.id}
    for step in after:
        is_only_input = {entry.from_step for entry in step.inputs} <= hollow
        query = query_of(step.config)
        is_aggregate = step.rows_out == 1 and query is not None and query.reduces and not query.multiplies
        if not step.rows_out or (is_only_input and (step.is_writer or is_aggregate)):
            hollow.add(step.id)
        else:
            return True
    return False


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
