"""A comment character ended lines inside a value.

What it finds:
    A step with `comment` whose file has the character inside a value or before the last column, as in `C# developer`,
    `#ff0000` or `Room #5`. A whole line or a note after the last value is not reported.

Why it matters:
    All of the line after the character is lost: a part of the value, and the columns after it.

How to fix:
    Remove `comment`, or quote such values in the file. Skip a header of comments with `skip_rows`.

Example:
    `src` has `comment: '#'`, and 12 lines of its file have a `#` inside a value.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
SEARCHES = ("lines_cut",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "remove comment from the step, or quote such values in the file; to skip comments at the start, set skip_rows",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find files with lines that a comment character cut."""
    for step, frame in run.successful_frames():
        lines = as_int(frame.source.get("lines_cut"))
        if lines:
            configured = step.config.get("comment")
            comment = repr(str(configured)[:40]) if configured else "the comment character"
            yield TEMPLATE.finding(
                f"values after {comment} are lost in {lines:,} line{'s' if lines > 1 else ''}, which have it inside a value",
                frame_evidence(frame, "lines_cut"),
                step=step.id,
            )
