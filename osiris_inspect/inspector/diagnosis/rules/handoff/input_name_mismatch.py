"""A step got its input and looked for it under another name.

What it finds:
    A step that failed because a table or an input is missing, although its input had been resolved.

Why it matters:
    Everything looks healthy: the rows are there, from memory or spill. Only the name the step uses is not the name it
    was given: `input_df`, `df` and `df_<step>` belong to different versions, locally and in a sandbox.

How to fix:
    Use the name under which the input was bound. In this project one input is known by all three names.

Example:
    `inputs_resolved` says 14 rows for the key `df`, then
    `Catalog Error: Table with name df_extract_movies does not exist!`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import requested_input_name, requested_step
from osiris_inspect.inspector.run.error_phrases import reports_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("inputs_resolved",)
RANK = 28

_FIX = "use in the query the name under which the input is bound"


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps that had an input and did not find it; one that looked for another step's frame was not given that."""
    for step in run.steps:
        got = [entry for entry in step.inputs if entry.location != "unresolved"]
        if step.failure is None or not got or not reports_missing_input(step.failure.message):
            continue
        sought = requested_step(step, run)
        if sought is not None and sought.id in step.needs:
            continue
        wanted = requested_input_name(step)
        names = ", ".join(f"{entry.name!r} ({entry.from_step}, {entry.location})" for entry in got)
        looked_for = f"{wanted!r}" if wanted else "another name"
        yield Finding(
            rule="input-name-mismatch",
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            domain="code",
            message=f"the step looks for {looked_for} and was given {names}",
            evidence=(
                *error_evidence(step),
                *(Evidence("events.jsonl", entry.line, "rows") for entry in got if entry.line),
            ),
            step=step.id,
            fix=_fix(got, wanted, sought),
        )


def _fix(got: list[InputState], wanted: str | None, sought: StepState | None) -> str:
    if sought is not None:
        return f"let the step need {sought.id!r}, whose frame its query names"
    return f"use {got[0].name!r} in place of {wanted!r}" if wanted and len(got) == 1 else _FIX
