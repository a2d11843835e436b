"""A step was given rows and gave none.

What it finds:
    A step that got rows and completed with 0: one in the middle of a pipeline, or a writer whose own count is 0. In a
    sandbox the original says 0 of every writer, so there it tells nothing.

Why it matters:
    The run is a success with an empty result.

How to fix:
    Look at the conditions of the query: a filter that nothing passes, a join whose keys do not meet. Of a writer look
    at its target before anybody relies on it.

Example:
    `join-orders` gets 500 and 40 rows and gives 0.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import has_own_row_count, row_count_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", "check the filter or the join of the step")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that received rows and completed with 0."""
    for step in run.steps:
        rows_in = step.rows_in or sum(
            edge.rows_out or 0 for edge in lineage.edges if edge.consumer == step.id
        )
        if step.status != "succeeded" or step.rows_out != 0 or not rows_in:
            continue
        if step.is_writer and not has_own_row_count(run):
            continue
        evidence = row_count_evidence(run, step, 0)
        if evidence:
            message = f"the step got {rows_in:,} rows and {'wrote' if step.is_writer else 'gave'} none"
            fix = "look into its target, then at the driver" if step.is_writer else None
            yield TEMPLATE.finding(message, *evidence, step=step.id, fix=fix)
