"""Lines of a CSV file have fewer fields than its header.

What it finds:
    A step that reads a CSV file in which line breaks inside unquoted text cut rows into pieces, in which some lines
    have one field only, or which ends inside a line or with a footer. Other short lines are a note if the file has empty last fields
    elsewhere; many programs omit empty fields at the end of a line.

Why it matters:
    Each piece becomes a row: its values are in the wrong columns, and its last columns are null.

How to fix:
    Export the file again with quoted text, or with one delimiter in all lines. Wait until the file is complete.

Example:
    120 of 480 lines have fewer fields than the header.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("short_lines", "broken_lines", "padded_lines", "cut_lines", "footer_lines")
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "export the file again with its texts quoted and the same delimiter in all lines",
)
_FACTS = ("short_lines", "broken_lines", "padded_lines", "cut_lines", "footer_lines", "checked_lines")
_NULL = "their last columns are null"


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find CSV files with lines that have too few fields."""
    for step, frame in run.successful_frames():
        short, broken, padded, cut, footer, checked = (as_int(frame.source.get(name)) or 0 for name in _FACTS)
        lines = f"{short:,} of {checked:,} line{'s' if checked > 1 else ''}"
        evidence = frame_evidence(frame, "short_lines")
        if cut:
            yield TEMPLATE.finding(
                "the last line of the file has fewer fields than the header and no line end: the file was cut, or is still being written",
                evidence,
                step=step.id,
                fix="deliver the file again, and read it when it is complete",
                confidence=Confidence.MEDIUM,
            )
        elif footer:
            yield TEMPLATE.finding(
                "the last line of the file has one field only: a footer was read as a row",
                evidence,
                step=step.id,
                fix="export the file without its footer, or filter this row in the next step",
                confidence=Confidence.MEDIUM,
            )
        elif broken:
            yield TEMPLATE.finding(
                f"{lines} had fewer fields than the header: line breaks in unquoted text, or another delimiter, cut rows in pieces, and {_NULL}",
                evidence,
                step=step.id,
                confidence=Confidence.HIGH if broken > 2 else Confidence.MEDIUM,
            )
        elif short and padded:
            yield TEMPLATE.finding(
                f"{lines} had fewer fields than the header, so {_NULL}",
                evidence,
                step=step.id,
                severity=Severity.NOTE,
                confidence=Confidence.MEDIUM,
            )
