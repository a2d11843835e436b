"""Dates with the day first were read with the month first.

What it finds:
    A column in `parse_dates` with at least 20 different dates such as `05/04/2026`, which were read with the month
    first, and of which none has a day above 12. Dates of one day or two of the month are not reported.

Why it matters:
    Dates of a whole month have days above 12. With none, the file has the day first, and 5 April is read as 4 May.

How to fix:
    Remove the column from `parse_dates`, and convert its text in the next query: `strptime(day, '%d/%m/%Y')`.

Example:
    `order_date` was read with the month first; its 36 different dates have no day above 12.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)
MAX_TEXT = 80


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find dates read with the month first that have no day above 12."""
    for step, frame in run.successful_frames():
        for entry in frame.source_entries("days_read_as_months"):
            column, form = (excerpt(str(entry.get(key) or ""), MAX_TEXT) for key in ("column", "format"))
            dates = as_int(entry.get("dates")) or 0
            if not column or not form.startswith("%m") or not dates:
                continue
            day_first = f"%d{form[2:].replace('%d', '%m', 1)}"
            yield TEMPLATE.finding(
                f"{column!r} was read with the month first ({form}), but none of its {dates:,} different dates has a day above 12: the file probably has the day first",
                frame_evidence(frame, "days_read_as_months"),
                step=step.id,
                fix=f"remove {column!r} from parse_dates, and convert its text in the next query: strptime(\"{column}\", '{day_first}')",
            )
