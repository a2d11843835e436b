"""A step's result goes nowhere, and the rows that it received are written as they were.

What it finds:
    A step that transforms a frame and whose result no step takes, beside a writer that takes the same frame.

Why it matters:
    The writer writes the rows before they were cleaned, filtered or enriched, because its `needs` names the wrong step.

How to fix:
    Name the transforming step in the `needs` of the writer. If the step only checks the rows, allow this rule for it.

Example:
    `clean` receives the 200 rows of `src` and returns 193; `save` writes the 200 rows of `src`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, input_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config", confidence=Confidence.MEDIUM)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find results without a consumer, beside a writer of the step's input."""
    producers = {edge.producer for edge in lineage.edges}
    writers = [step for step in run.steps if step.is_writer and step.status == "succeeded"]
    for step in run.steps:
        inputs = resolved_inputs(step)
        is_transform = step.status == "succeeded" and not step.is_writer and not step.is_source and inputs
        if not is_transform or step.id in producers or step.rows_out is None:
            continue
        sources = {entry.from_step for entry in inputs}
        for writer in writers:
            taken = next((entry for entry in resolved_inputs(writer) if entry.from_step in sources), None)
            if taken is None:
                continue
            yield TEMPLATE.finding(
                f"no step takes its {step.rows_out:,} rows; {writer.id!r} writes those of {taken.from_step!r} instead",
                *input_evidence(taken),
                *any_evidence(run, step),
                step=step.id,
                fix=f"name {step.id!r} in the needs of {writer.id!r}; if the step only checks rows, allow this rule for it",
            )
            break
