"""A writer that was to replace a table only added to it.

What it finds:
    A Supabase write with mode `replace` that succeeded without deleting what is not in the frame.

Why it matters:
    Without a SQL channel the original falls back to an upsert: rows that are gone at the source stay in the target.

How to fix:
    Give the connection a SQL channel (`pg_dsn`), or empty the table before.

Example:
    `write.start` with `mode: replace`, and no event that deletes.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Replacing writes that deleted nothing."""
    for event in run.events_named("write.start"):
        step = run.step(event.step or "")
        if event.fields.get("mode") != "replace" or step is None or step.status != "succeeded":
            continue
        deletions = run.events_named("ddl_attempt", "ddl_succeeded", "table.ddl_executed", step=step.id)
        if not deletions:
            yield _finding(step.id, "rows were written and none was deleted", event_evidence(event, "mode"))
    for step in run.steps:
        if _replaces_unseen(run, step):
            cited = Evidence(layout.config_path(step.id), 0, '"write_mode"')
            yield _finding(step.id, "its connection has no channel to delete what was there", cited)


def _replaces_unseen(run: Run, step: StepState) -> bool:
    """Whether a writer inside a sandbox, where the original logs no write, was to replace rows it cannot delete."""
    if step.driver != "supabase.writer" or step.status != "succeeded" or run.dialect == "native":
        return False
    connection = step.config.get("resolved_connection")
    if run.mode not in ("e2b", "worker") or not isinstance(connection, dict):
        return False
    channel = any(connection.get(key) for key in ("pg_dsn", "sql_url", "dsn", "sql_dsn"))
    return step.config.get("write_mode") == "replace" and not channel and layout.is_safe_name(step.id)


def _finding(step: str, what: str, evidence: Evidence) -> Finding:
    return Finding(
        rule="stale-rows-kept",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        domain="config",
        message=f"the table was to be replaced; {what}",
        evidence=(evidence,),
        step=step,
        fix="give the connection a SQL channel (pg_dsn or sql_url)",
    )
