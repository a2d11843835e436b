"""A file of a pattern has another form than the other files.

What it finds:
    A step that read at least three CSV files, one of which has numbers in another format, such as `1,50` for `1.50`, or
    its columns in another order, although their names are the same or there is no header.

Why it matters:
    The column of all files becomes text, or values are in the wrong column, without an error.

How to fix:
    Have the file written like the others, or read it in a step with settings of its own.

Example:
    `in/store-7.csv` has numbers with a decimal comma in `amount`; the other 11 files have a point.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
SEARCHES = ("other_format",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "have the file written like the others, or read it in a step with settings of its own",
)
_HOW = {
    "number format": "has numbers in another format, so the column became text in all files",
    "order": "has text where the other files have numbers, and numbers where they have text: its columns are in another order",
}


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find files that differ from the other files of a step."""
    for step, frame in run.successful_frames():
        known = [entry for entry in frame.source_entries("other_format") if entry.get("how") in _HOW]
        if not known:
            continue
        more = f"; so do {len(known) - 1} more files" if len(known) > 1 else ""
        yield TEMPLATE.finding(
            f"column {str(known[0].get('column'))!r} of {str(known[0].get('path'))!r} {_HOW[str(known[0]['how'])]}{more}",
            frame_evidence(frame, "other_format"),
            step=step.id,
        )
