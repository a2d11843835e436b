"""A step received its input and requested it under another name.

What it finds:
    A step that failed because a table or an input is missing, although its input was resolved.

Why it matters:
    The rows exist, in memory or spill, but the step uses another name: `input_df`, `df` and `df_<step>`
    belong to different versions, locally and in a sandbox.

How to fix:
    Use the bound name of the input. In this project an only input has all three names.

Example:
    `inputs_resolved` reports 14 rows for the key `df`, then
    `Catalog Error: Table with name df_extract_movies does not exist!`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, input_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import (
    error_reports_missing_input,
    requested_input_name,
    requested_step,
    resolved_inputs,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("inputs_resolved",)
TEMPLATE = FindingTemplate(Severity.ERROR, "code", "use the bound input name in the query")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that received an input and requested another name, except the frame of another need."""
    for step in run.steps:
        inputs = resolved_inputs(step)
        if not inputs or not error_reports_missing_input(step):
            continue
        name, other = requested_input_name(step), requested_step(step, run)
        if other is not None and other.id in step.needs:
            continue
        fix = f"use {inputs[0].name!r} instead of {name!r}" if name and len(inputs) == 1 else None
        names = ", ".join(f"{entry.name!r} ({entry.from_step}, {entry.location})" for entry in inputs)
        yield TEMPLATE.finding(
            f"requested {repr(name) if name else 'another name'} but received {names}",
            *error_evidence(step),
            *input_evidence(*inputs),
            step=step.id,
            fix=f"add {other.id!r} to the needs of the step" if other is not None else fix,
        )
