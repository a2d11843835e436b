"""No event confirms that rows were written.

What it finds:
    A Supabase writer in a sandbox that may create its table, has no SQL channel, and succeeded.

Why it matters:
    The original logs no writes inside a sandbox. If the table was missing, it only planned to create it,
    wrote nothing, and reported all rows as processed.

How to fix:
    Check the table. Configure a SQL channel for the connection, or create the table first.

Example:
    `write-stats` completes with 5 rows, `create_if_missing` is true, and no `write.complete` exists.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import completion_evidence, config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import unlogged_supabase_writes
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "check the table; configure a SQL channel for the connection or create the table first",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writes in a sandbox that may only have planned their table."""
    for step in unlogged_supabase_writes(run):
        confirmed = run.events_named("write.complete", step=step.id)
        if step.config.get("create_if_missing") is True and not confirmed:
            yield TEMPLATE.finding(
                "may have only planned its table: no event confirms the write",
                config_evidence(step.id, "create_if_missing"),
                *completion_evidence(run, step),
                step=step.id,
            )
