"""A source gave no row at all.

What it finds:
    A step without inputs that completed with 0 rows.

Why it matters:
    The run is a success and its result is empty: nobody is told, and a writer that replaces has emptied its target.

How to fix:
    Look at the query or the file: a filter, a date, an empty export. If empty is normal, ignore this rule for the step.

Example:
    `extract-movies` completes, and `inputs_resolved` of the next step says `rows: 0`.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps at the start of the pipeline that gave 0 rows."""
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or step.rows_out != 0 or lineage.upstream(step.id):
            continue
        if step.needs or any(entry.location != "unresolved" for entry in step.inputs):
            continue
        evidence = row_count_evidence(run, step, 0)
        if evidence:
            yield Finding(
                rule="zero-rows-from-source",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="data",
                message="the source gave 0 rows, and everything downstream of it is empty",
                evidence=evidence,
                step=step.id,
                fix="check the query or the file the step reads",
            )
