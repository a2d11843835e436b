"""A spreadsheet saved long numbers without their last digits.

What it finds:
    A column of a CSV file with whole numbers of ten digits or more, some or all of which are written as spreadsheets
    show them: `1.23457E+12`. Measures of very different sizes are not reported.

Why it matters:
    The file has six digits of the number at most; the others became zeros. Different bar codes, account numbers or ids
    are one value now, and joins on them find no partner or the wrong one.

How to fix:
    Export the file again from its source, with the column formatted as text. The file does not have the lost digits.

Example:
    12 of 12 values of `ean` are numbers in scientific notation with few digits, such as `1.23457E+12`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("scientific",)
EXPLAINS = ("join-keys-differ-in-form", "join-hardly-matches")
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "export the file again from its source with this column formatted as text: a spreadsheet dropped the digits",
    Confidence.MEDIUM,
)
MAX_TEXT = 80


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns of long numbers in scientific notation."""
    for step, frame in run.successful_frames():
        for entry in frame.source_entries("scientific"):
            column, value = (excerpt(str(entry.get(key) or ""), MAX_TEXT) for key in ("column", "value"))
            count, values, different = (
                as_int(entry.get(key)) or 0 for key in ("count", "values", "different")
            )
            if not column or not 0 < count <= values:
                continue
            are = "is a number" if count == 1 else "are numbers"
            shown = f", such as {value}" if count > 1 else f", {value}"
            only = f"; they have only {different:,} different value{'s' if different > 1 else ''}"
            yield TEMPLATE.finding(
                f"{count:,} of {values:,} values of {column!r} {are} in scientific notation with few digits{shown if value else ''}{only if 0 < different < count else ''}",
                frame_evidence(frame, "scientific"),
                step=step.id,
            )
