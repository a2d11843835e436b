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

from osiris_inspect.base.near_names import near_names
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
    known = set(ids)
    for step in planned:
        state = run.step(step.id)
        failed = state is not None and state.status == "failed"
        for need in step.needs:
            if need not in known:
                similar = near_names(need, ids)
                yield TEMPLATE.finding(
                    f"needs step {need!r}, which does not exist",
                    manifest_evidence(run, need),
                    step=step.id,
                    severity=Severity.ERROR if failed else None,
                    fix=f"use {similar[0]!r}" if similar else None,
                )
