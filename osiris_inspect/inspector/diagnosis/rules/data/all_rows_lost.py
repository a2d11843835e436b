"""A step received rows and produced none.

What it finds:
    A step that received rows and completed with 0: a step in the middle of a pipeline, or a writer that
    counted 0 rows itself. As a note: a query for the rows without a partner, or for duplicates. The original logs 0 for every writer in a sandbox, so those are ignored.

Why it matters:
    The run succeeds with an empty result.

How to fix:
    Check the conditions of the query: a filter that matches no row, or a join without matching keys. For a
    writer, check the target.

Example:
    `join-orders` receives 500 and 40 rows and returns 0.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import has_own_row_count, row_count_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", "check the filter or the join of the step")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that received rows and completed with 0."""
    for step in run.steps:
        rows_in = step.rows_in or sum(edge.rows_out or 0 for edge in lineage.edges_to(step.id))
        if step.status != "succeeded" or step.rows_out != 0 or not rows_in:
            continue
        if step.is_writer and not has_own_row_count(run):
            continue
        evidence = row_count_evidence(run, step, 0)
        if evidence:
            message = f"received {rows_in:,} rows and {'wrote' if step.is_writer else 'produced'} 0"
            query = query_of(step.config)
            if query is not None and query.seeks_differences:
                yield TEMPLATE.finding(
                    f"{message}: the query returns only rows that differ, and there were none",
                    *evidence,
                    step=step.id,
                    severity=Severity.NOTE,
                    fix="nothing, if the rows are meant to agree; otherwise check the keys of both sides",
                )
                continue
            fix = "check the target, then the driver" if step.is_writer else None
            yield TEMPLATE.finding(message, *evidence, step=step.id, fix=fix)
