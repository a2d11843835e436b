"""A step returned more rows than it received.

What it finds:
    A step with one input and without a query that returns at least half as many rows again.

Why it matters:
    A merge inside the driver, or an append to its own input, multiplies rows; sums count them twice.

How to fix:
    Count the rows per key before and after the step. If the step is meant to make several rows of one (it explodes a
    list, or unpivots columns), allow this rule for the step.

Example:
    `enrich` receives 200 rows and returns 5,716.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import input_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
MIN_FACTOR = 1.5
MIN_NEW_ROWS = 10
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the step for a merge with a key that is not unique; if it splits rows on purpose, allow this rule for it",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps with one input that returned more rows than they received."""
    for step in run.steps:
        inputs = resolved_inputs(step)
        if step.status != "succeeded" or step.is_writer or step.is_source or len(inputs) != 1:
            continue
        rows_in, rows = inputs[0].rows, step.rows_out
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
