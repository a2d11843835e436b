"""A file of a pattern has no rows, and other files have.

What it finds:
    A step that read files by a pattern or a list, some of which had 0 rows. A warning if no file was empty in the last
    runs, at least three; a note without these runs. Not reported if a file was empty before.

Why it matters:
    An export that broke off after its header does not fail a step: the rows of that file are missing.

How to fix:
    Check the export that writes the file. If a file may be empty, allow this rule for the step.

Example:
    `in/store-7.csv` has 0 rows; the other 11 files have 80 to 4,100.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("files_without_rows",)
MIN_RUNS = 3
MAX_NAMED = 3
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the export that writes the file; if it may be empty, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find files without rows beside files with rows."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        if not _count_empty(frame):
            continue
        earlier = [each.frames.get(step.id) for each in comparable.for_step(step.id)]
        before = [other for other in earlier if other is not None and "files_read" in other.source]
        if any(map(_count_empty, before)):
            continue
        is_new = len(before) >= MIN_RUNS
        yield TEMPLATE.finding(
            _message(frame, before if is_new else ()),
            frame_evidence(frame, "files_without_rows"),
            step=step.id,
            severity=None if is_new else Severity.NOTE,
        )


def _count_empty(frame: FrameFacts) -> int:
    return as_int(frame.source.get("files_without_rows")) or 0


def _message(frame: FrameFacts, before: Sequence[FrameFacts]) -> str:
    files = as_int(frame.source.get("files_read")) or 0
    empty = [str(entry.get("path")) for entry in frame.source_entries("files") if entry.get("rows") == 0]
    named = f": {', '.join(map(repr, empty[:MAX_NAMED]))}" if empty else ""
    count = _count_empty(frame)
    history = f"; in the last {len(before)} runs no file was empty" if before else ""
    return f"{count:,} of {files:,} files {'has' if count == 1 else 'have'} no rows{named}{history}"
