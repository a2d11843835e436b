"""The last row of a CSV file is a total of the rows before it.

What it finds:
    A step that reads a CSV file whose last row has the sums of the rows before it: with a label such as `TOTAL`, or
    with an empty first column.

Why it matters:
    The row counts as data: each sum of the column is doubled, and each maximum is the total.

How to fix:
    Remove the line at the source, or filter the row before it is used.

Example:
    Line 122 is a total line, `TOTAL`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.next_queries import (
    is_value_expected,
    next_queries,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
SEARCHES = ("total_line", "total_row")
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "export the file without the total line, or filter this row in the next step",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find CSV files that end with a total line."""
    for step, frame in run.successful_frames():
        for unit in ("line", "row"):
            number = as_int(frame.source.get(f"total_{unit}"))
            label = str(frame.source.get("total_label") or "")
            if number and not _is_filtered(run, step, label):
                shown = f", {excerpt(label, 24)!r}" if label else ""
                yield TEMPLATE.finding(
                    f"the last row ({unit} {number:,}) is a total line{shown}: its numbers are the sums of the rows before it, so each sum is doubled",
                    frame_evidence(frame, f"total_{unit}"),
                    step=step.id,
                )


def _is_filtered(run: Run, step: StepState, label: str) -> bool:
    if label:
        return is_value_expected(run, step, "", label)
    return any("is not null" in query.lower() for query in next_queries(run, step))
