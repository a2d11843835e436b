"""A spilled DataFrame was kept in memory.

What it finds:
    A run card in which a step has its DataFrame both spilled and in memory.

Why it matters:
    A spill is meant to free memory. A DataFrame in both places uses disk space and frees nothing.

How to fix:
    Release the DataFrame once the spill is complete. The inputs of a failed step are an exception: they are
    spilled for a replay.

Example:
    `"has_df_in_memory": true, "spill_used": true`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import run_card_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("run card",)
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "release the DataFrame once its spill is complete")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find DataFrames spilled and in memory, except those kept for another run or for a replay of a failed step.

    A retry also has a failed step. Newer logs report each spill of a frame that is to stay in memory.
    """
    kept = {event.step for event in run.events_named("spill_write") if event.fields.get("in_memory")}
    failed = {step.id for step in run.steps if step.status == "failed" or step.retries}
    for step in run.steps:
        card = run.card.for_step(step.id) if run.card is not None else None
        for_replay = any(edge.consumer in failed for edge in lineage.edges_from(step.id))
        if (
            card is not None
            and step.id not in kept
            and not for_replay
            and card.has_df_in_memory
            and card.spill_used
        ):
            yield TEMPLATE.finding(
                "the DataFrame was spilled but kept in memory, so the spill freed nothing",
                *run_card_evidence(run, step, "spill_used"),
                *run_card_evidence(run, step, "has_df_in_memory"),
                step=step.id,
            )
