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
from typing import Final

from osiris_inspect.inspector.cite import at
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("write.start",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Replacing writes that deleted nothing."""
    for event in run.named("write.start"):
        step = run.step(event.step or "")
        if event.fields.get("mode") != "replace" or step is None or step.status != "succeeded":
            continue
        deletions = run.named("ddl_attempt", "ddl_succeeded", "table.ddl_executed", step=step.id)
        if not deletions:
            yield Finding(
                rule="stale-rows-kept",
                severity=Severity.WARNING,
                confidence=Confidence.MEDIUM,
                domain="config",
                message="the table was to be replaced; rows were written and none was deleted",
                evidence=(at(event, "mode"),),
                step=step.id,
                fix="give the connection a SQL channel (pg_dsn or sql_url)",
            )
