"""Files that a step reads together contain the rows of each other.

What it finds:
    A step that read several files of growing size, if as many rows repeat another one as all files but the largest have.

Why it matters:
    Each file holds all rows so far, of a day or a year. Read together, the first rows come once for each file.

How to fix:
    Read the newest file, or remove the repeated rows. If the rows belong there several times, allow this rule for the step.

Example:
    `hourly` reads 4 files of 60, 120, 180 and 240 rows, and 360 of its 600 rows repeat another one.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("files",)
MIN_FILES = 2
MIN_ROWS = 5
TOLERANCE = 0.02
"""Part of the rows by which the repeated ones may differ, which may be counted in a sample."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "read the newest file or remove the repeated rows; if they belong there several times, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that read files of which the largest has all rows of the others."""
    for step, frame in run.successful_frames():
        if not frame.rows or frame.repeated is None:
            continue
        sizes = sorted(as_int(entry.get("rows")) or 0 for entry in frame.source_entries("files"))
        is_growing = len(sizes) >= MIN_FILES and sizes[0] >= MIN_ROWS and len({*sizes}) == len(sizes)
        if not is_growing or sum(sizes) != frame.rows:
            continue
        others = frame.rows - sizes[-1]
        if abs(frame.repeated * frame.rows - others) <= TOLERANCE * frame.rows:
            yield TEMPLATE.finding(
                f"{round(frame.repeated * frame.rows):,} of {frame.rows:,} rows repeat another one, as many as the "
                f"{len(sizes) - 1} smaller of its {len(sizes)} files have: the largest, of {sizes[-1]:,} rows, seems to contain them",
                frame_evidence(frame, "repeated"),
                step=step.id,
            )
