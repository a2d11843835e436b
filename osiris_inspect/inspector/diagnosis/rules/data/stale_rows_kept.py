"""A writer with mode `replace` kept existing rows.

What it finds:
    A Supabase write with mode `replace` that succeeded without deleting the rows that are missing from its
    input.

Why it matters:
    Without a SQL channel the original falls back to an upsert: rows that were deleted at the source stay in
    the target.

How to fix:
    Configure a SQL channel for the connection (`pg_dsn`), or empty the table first.

Example:
    `write.start` with `mode: replace`, and no event that deletes.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, event_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import unlogged_supabase_writes
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "configure a SQL channel for the connection (pg_dsn or sql_url)",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writes with mode replace that deleted nothing."""
    for event in run.events_named("write.start"):
        step = run.step(event.step or "")
        if event.fields.get("mode") != "replace" or step is None or step.status != "succeeded":
            continue
        if not run.events_named("ddl_attempt", "ddl_succeeded", "table.ddl_executed", step=step.id):
            message = "the table was not replaced: rows were written and none were deleted"
            yield TEMPLATE.finding(message, event_evidence(event, "mode"), step=step.id)
    for step in unlogged_supabase_writes(run):
        has_connection = isinstance(step.config.get("resolved_connection"), dict)
        if step.config.get("write_mode") == "replace" and has_connection and is_safe_name(step.id):
            message = "the table was not replaced: its connection has no channel to delete existing rows"
            yield TEMPLATE.finding(message, config_evidence(step.id, "write_mode"), step=step.id)
