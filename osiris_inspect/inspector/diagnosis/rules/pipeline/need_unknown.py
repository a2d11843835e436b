"""A step needs a step that does not exist.

What it finds:
    A need in the manifest that is not the id of a step.

Why it matters:
    The original compiles it without an error; at run time the step has no input.

How to fix:
    Correct the spelling in the pipeline.

Example:
    `write-agg` needs `agg-ordres`, and the step is called `agg-orders`.
"""

from osiris_inspect.base.near_names import MAX_SUGGESTIONS, Suggestions
from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("manifest",)
EXPLAINS = ("input-not-found",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "use the id of a step of the pipeline")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find needs that are not the id of a step."""
    planned = run.manifest.steps if run.manifest else ()
    ids = [step.id for step in planned]
    known, suggestions = set(ids), Suggestions()
    unknown = [(step.id, need) for step in planned for need in step.needs if need not in known]
    for number, (step_id, need) in enumerate(unknown[:MAX_SUGGESTIONS], start=1):
        state = run.step(step_id)
        more = len(unknown) - MAX_SUGGESTIONS if number == MAX_SUGGESTIONS else 0
        similar = suggestions.near_names(need, ids)
        yield TEMPLATE.finding(
            f"needs step {need!r}, which does not exist{f'; neither do those of {more:,} more needs' if more > 0 else ''}",
            manifest_evidence(run, need),
            step=step_id,
            severity=Severity.ERROR if state is not None and state.status == "failed" else None,
            fix=f"use {similar[0]!r}" if similar else None,
        )
