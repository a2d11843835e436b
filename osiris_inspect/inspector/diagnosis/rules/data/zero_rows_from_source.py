"""A source produced 0 rows.

What it finds:
    A step without inputs that completed with 0 rows.

Why it matters:
    The run succeeds with an empty result, and a writer that replaces has emptied its target.

How to fix:
    Check the query or the file: a filter, a date, an empty export. If empty is normal, suppress this rule for
    the step.

Example:
    `extract-movies` completes, and `inputs_resolved` of the next step reports `rows: 0`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", "check the query or file that the step reads")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps without inputs that completed with 0 rows."""
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or step.rows_out != 0 or lineage.upstream(step.id):
            continue
        evidence = row_count_evidence(run, step, 0)
        if evidence and not step.needs and not resolved_inputs(step):
            message = "produced 0 rows, so everything downstream was empty"
            yield TEMPLATE.finding(message, *evidence, step=step.id)
