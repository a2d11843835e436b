"""Rows of a source have no value in any column.

What it finds:
    A source of at least three columns that all lack a value in the same number of rows, a tenth of the rows or more.

Why it matters:
    Sheets are exported with their empty rows. They are counted, and an average or a row number includes them.

How to fix:
    Leave the empty rows out of the export, or remove them in the next step. If they are meant, allow this rule for the step.

Example:
    `plan` returned 1,000 rows, and 700 of them have no value in `project`, `owner` and `budget`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_COLUMNS = 3
MIN_ROWS = 5
MIN_SHARE = 0.1
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "leave the empty rows out of the export or remove them in the next step; if they are meant, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find sources whose columns all lack values in equally many rows."""
    for step, frame in run.successful_frames():
        if not step.is_source or not frame.rows:
            continue
        nulls = {column.nulls for column in frame.columns}
        empty = next(iter(nulls)) if len(nulls) == 1 and len(frame.columns) >= MIN_COLUMNS else None
        if empty and max(MIN_ROWS, MIN_SHARE * frame.rows) <= empty < frame.rows:
            yield TEMPLATE.finding(
                f"each of its {len(frame.columns)} columns has no value in {empty:,} of {frame.rows:,} rows, "
                "so these rows are probably empty",
                frame_evidence(frame, "nulls"),
                step=step.id,
            )
