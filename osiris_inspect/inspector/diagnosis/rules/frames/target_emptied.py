"""A writer replaced the rows of its table by none.

What it finds:
    A successful writer of a table whose mode replaces existing rows and which received 0 rows.

Why it matters:
    Everything that was in the table is gone, and the run succeeds.

How to fix:
    Restore the table and check the source of the rows: a filter, a date, an empty export. Where an empty source is
    possible, write with `upsert` or `append`, or stop before the writer. If an empty table is right, allow this rule.

Example:
    `write-stats` has `write_mode: replace`, received 0 rows and succeeded.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    completion_evidence,
    config_evidence,
    input_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import replaces_target, write_mode
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check why the source has no rows and restore the table; if an empty table is right, allow this rule for the step",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writers that replaced a table by 0 rows."""
    for step in run.steps:
        rows = [entry.rows for entry in step.inputs]
        table = step.config.get("table") or step.config.get("table_name")
        if step.status != "succeeded" or not step.is_writer or not isinstance(table, str):
            continue
        if not rows or any(count != 0 for count in rows) or not replaces_target(step.config):
            continue
        cited = [key for key, value in step.config.items() if str(value).lower() == write_mode(step.config)]
        yield TEMPLATE.finding(
            f"replaced all rows of {table!r} by 0 rows",
            *(config_evidence(step.id, key) for key in cited[:1] if is_safe_name(step.id)),
            *input_evidence(*step.inputs),
            *completion_evidence(run, step),
            step=step.id,
        )
