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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import completion_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("configuration",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Writes of a sandbox that nobody saw."""
    for step in run.steps:
        if (
            step.driver != "supabase.writer"
            or step.status != "succeeded"
            or run.mode not in ("e2b", "worker")
        ):
            continue
        if (
            run.dialect == "native"
            or not _may_have_planned_only(step)
            or run.events_named("write.complete", step=step.id)
        ):
            continue
        yield Finding(
            rule="write-unconfirmed",
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
            domain="config",
            message="the step may have planned its table and written nothing: no event confirms the write",
            evidence=(
                Evidence(layout.config_path(step.id), 0, '"create_if_missing"'),
                *completion_evidence(run, step),
            ),
            step=step.id,
            fix="look into the table; give the connection a SQL channel or create the table first",
        )


def _may_have_planned_only(step: StepState) -> bool:
    connection = step.config.get("resolved_connection")
    channel = isinstance(connection, dict) and any(
        connection.get(key) for key in ("pg_dsn", "sql_url", "dsn")
    )
    return step.config.get("create_if_missing") is True and not channel
