"""Nothing in the log confirms that rows were written.

What it finds:
    A Supabase writer in a sandbox that may create its table, has no SQL channel to do so, and succeeded.

Why it matters:
    Inside a sandbox the original logs no write at all. If the table was missing it only planned to create it, wrote
    nothing, and reports all rows as processed.

How to fix:
    Look into the table. Give the connection a SQL channel, or create the table beforehand.

Example:
    `write-stats` completes with 5 rows, `create_if_missing` is true, and no `write.complete` exists.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import completion_evidence, config_evidence
from osiris_inspect.inspector.diagnosis.evidence.step_configs import unlogged_supabase_writes
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "look into the table; give the connection a SQL channel or create the table first",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writes in a sandbox that may only have planned their table."""
    for step in unlogged_supabase_writes(run):
        confirmed = run.events_named("write.complete", step=step.id)
        if step.config.get("create_if_missing") is True and not confirmed:
            yield TEMPLATE.finding(
                "the step may have planned its table and written nothing: no event confirms the write",
                config_evidence(step.id, "create_if_missing"),
                *completion_evidence(run, step),
                step=step.id,
            )
