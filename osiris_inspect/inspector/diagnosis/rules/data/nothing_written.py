"""A writer succeeded without writing.

What it finds:
    A write that only planned the creation of its table and is recorded as a success.

Why it matters:
    The run succeeds and the rows are lost.

How to fix:
    Create the table from the planned statement or configure a SQL channel for the connection, then run again.

Example:
    `table.ddl_planned` with `executed: false`, `write.start`, and no `write.complete`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

NEEDS = ("table.ddl_planned",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "create the table from ddl_plan.sql or configure a SQL channel for the connection",
)
_REFUSED = LazyRegex(
    r"HTTP/\d(?:\.\d)? (?:401 Unauthorized|403 Forbidden|429|50\d)[^\n\"]{0,30}|\bConnectError\b"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find planned tables without a write."""
    for event in run.events_named("table.ddl_planned"):
        step = run.step(event.step or "")
        written = run.events_named("write.complete", "table.ddl_executed", step=event.step)
        if event.fields.get("executed") or step is None or step.status != "succeeded" or written:
            continue
        rows = f"{step.rows_in:,} rows" if step.rows_in else "the rows"
        message = f"the table was only planned: {rows} of this step were not written"
        refused = [error.evidence(match[0]) for error, match in matching_log_lines(run, _REFUSED)][-1:]
        if refused:
            message += f"; the service responded {refused[0].quote!r}, so the table may exist"
        yield TEMPLATE.finding(message, event_evidence(event, "executed"), *refused, step=step.id)
