"""A frame lies on disk and still takes its memory.

What it finds:
    A run card that says of one step both that its frame was spilled and that it is in memory.

Why it matters:
    A spill is there to free memory. A frame kept in both places costs disk and frees nothing.

How to fix:
    Drop the frame from memory once the spill is complete. The inputs of a step that failed are an exception: they are
    written for a replay and stay.

Example:
    `"has_df_in_memory": true, "spill_used": true`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import run_card_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("run card",)
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "drop the frame from memory once its spill is complete")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find frames that are spilled and in memory, except the inputs of a failed step, which a replay needs."""
    failed = {step.id for step in run.steps if step.status == "failed"}
    for step in run.steps:
        card = run.card.for_step(step.id) if run.card is not None else None
        for_replay = any(edge.producer == step.id and edge.consumer in failed for edge in lineage.edges)
        if card is not None and not for_replay and card.has_df_in_memory and card.spill_used:
            yield TEMPLATE.finding(
                "the frame was spilled and is still in memory, so the spill freed nothing",
                *run_card_evidence(run, step, "spill_used"),
                *run_card_evidence(run, step, "has_df_in_memory"),
                step=step.id,
            )
