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
from osiris_inspect.inspector.diagnosis.evidence.table_check import table_check
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("table.ddl_planned",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "create the table from ddl_plan.sql or configure a SQL channel for the connection",
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
        checked = table_check(run, step, str(event.fields.get("table")))
        if checked is None or checked.confirms:
            yield TEMPLATE.finding(message, event_evidence(event, "executed"), step=step.id)
            continue
        answer = (
            f"the service answered {checked.subject}" if checked.subject else "the service did not respond"
        )
        message += f"; {answer} when the driver checked the table, so the table may exist"
        cited = (event_evidence(event, "executed"), *checked.evidence)
        yield TEMPLATE.finding(message, *cited, step=step.id, fix=f"{checked.meaning.fix}; then run again")
