"""A step needs a step that does not exist.

What it finds:
    A need in the manifest that is the id of no step.

Why it matters:
    The original compiles it without a word; at run time the step simply has no input.

How to fix:
    Correct the spelling in the pipeline.

Example:
    `write-agg` needs `agg-ordres`, and the step is called `agg-orders`.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.base.near_names import near_names
from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("manifest",)
RANK: Final = 15


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Needs without a step."""
    planned = run.manifest.steps if run.manifest else ()
    ids = [step.id for step in planned]
    for step in planned:
        state = run.step(step.id)
        for need in step.needs:
            if need not in ids:
                near = near_names(need, ids)
                hint = f"write {near[0]!r}" if near else "name a step of the pipeline"
                failed = state is not None and state.status == "failed"
                yield Finding(
                    rule="need-unknown",
                    severity=Severity.ERROR if failed else Severity.WARNING,
                    confidence=Confidence.HIGH,
                    domain="config",
                    message=f"the step needs {need!r}, and there is no such step",
                    evidence=(manifest_evidence(run, need),),
                    step=step.id,
                    fix=hint,
                )
