"""A step was given rows and gave none.

What it finds:
    A step in the middle of a pipeline that got rows and completed with 0.

Why it matters:
    The run is a success with an empty result.

How to fix:
    Look at the conditions of the query: a filter that nothing passes, a join whose keys do not meet.

Example:
    `join-orders` gets 500 and 40 rows and gives 0.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.cite import saying_rows
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("steps",)


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps with rows in and none out."""
    for step in run.steps:
        given = step.rows_in or sum(edge.rows_out or 0 for edge in lineage.edges if edge.consumer == step.id)
        if step.status != "succeeded" or step.is_writer or step.rows_out != 0 or not given:
            continue
        evidence = saying_rows(run, step, 0)
        if evidence:
            yield Finding(
                rule="all-rows-lost",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="data",
                message=f"the step got {given:,} rows and gave none",
                evidence=evidence,
                step=step.id,
                fix="check the filter or the join of the step",
            )
