"""Dates with the day first were read with the month first.

What it finds:
    A column in `parse_dates`, or of `strptime` with `%m` first, with at least 20 different dates such as `05/04/2026`, of
    which none has a day above 12. Dates of one day or two of the month are reported only if they are the same day of at
    least five months, that day is the number of the month of the run or of the month before, and with the day first
    they are days of it, in which only weekends are missing.

Why it matters:
    Dates of a whole month have days above 12. With none, the file has the day first, and 5 April is read as 4 May.

How to fix:
    Remove the column from `parse_dates`, and convert its text in the next query: `strptime(day, '%d/%m/%Y')`.

Example:
    `order_date` was read with the month first; its 36 different dates have no day above 12.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NEEDS = ("output_stored",)
SEARCHES = ("days_read_as_months", "days-read-as-months")
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)
MAX_TEXT = 80
DAY = timedelta(days=1)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find dates read with the month first that seem to have the day first."""
    for step, frame in run.successful_frames():
        of_query = [one for one in frame.checks if one.get("check") == "days-read-as-months"]
        for entry in (*frame.source_entries("days_read_as_months"), *of_query):
            column, form = (excerpt(str(entry.get(key) or ""), MAX_TEXT) for key in ("column", "format"))
            if not column or not form.startswith(("%m", "%-m")):
                continue
            reason = _reason(run, entry)
            if not reason:
                continue
            is_query = entry in of_query
            converts = f"strptime(\"{column}\", '{_day_first(form)}')"
            yield TEMPLATE.finding(
                f"{column!r} was read with the month first ({form}), but {reason}: the file probably has the day first",
                frame_evidence(frame, "days-read-as-months" if is_query else "days_read_as_months"),
                step=step.id,
                fix=f"convert the text with the day first: {converts}"
                if is_query
                else f"remove {column!r} from parse_dates, and convert its text in the next query: {converts}",
            )


def _day_first(form: str) -> str:
    """Return a format that begins with the month with the day first."""
    month, day = ("%-m", "%-d") if form.startswith("%-m") else ("%m", "%d")
    return day + form.removeprefix(month).replace(day, month, 1)


def _reason(run: Run, entry: Mapping[str, Any]) -> str:
    """Return what shows that dates have the day first; empty if nothing does."""
    dates, day, first, last, year = (
        as_int(entry.get(key)) or 0 for key in ("dates", "day", "first", "last", "year")
    )
    started = layout.parse_start_ms(run.id)
    if not day:
        return f"none of its {dates:,} different dates has a day above 12" if dates else ""
    if started is None:
        return ""
    today = datetime.fromtimestamp(started / 1000, UTC).date()
    before = today.replace(day=1) - DAY
    if (year, day) not in ((today.year, today.month), (before.year, before.month)):
        return ""
    return f"its {dates:,} different dates are day {day} of the months {first} to {last}, and with the day first they are {first} to {last} {MONTHS[day - 1]} {year}"
