"""A writer with several inputs wrote only the first.

What it finds:
    A writer that received several inputs and wrote as many rows as the first one has.

Why it matters:
    The other inputs are lost, and the run succeeds.

How to fix:
    Use one writer per input, or concatenate the inputs in an earlier step.

Example:
    `write-both` receives 500 and 40 rows and writes 500.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import input_evidence, row_count_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("inputs_resolved",)
TEMPLATE = FindingTemplate(
    Severity.WARNING, "data", "use one writer per input or concatenate the inputs first"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writers with several inputs that wrote as many rows as the first one has."""
    for step in run.steps:
        inputs = [entry for entry in resolved_inputs(step) if entry.rows is not None]
        if not step.is_writer or step.status != "succeeded" or len(inputs) < 2 or step.rows_out is None:
            continue
        total = sum(entry.rows or 0 for entry in inputs)
        if step.rows_out == inputs[0].rows and step.rows_out != total:
            dropped = ", ".join(repr(entry.from_step) for entry in inputs[1:])
            yield TEMPLATE.finding(
                f"wrote {step.rows_out:,} of {total:,} rows: those of {dropped} were dropped",
                *row_count_evidence(run, step, step.rows_out),
                *input_evidence(*inputs),
                step=step.id,
            )
