"""A line above the header of a CSV file was read as the header.

What it finds:
    A step whose frame has values in columns that pandas had to name itself, `Unnamed: 1` and so on, and these are at
    least half of all columns.

Why it matters:
    The file begins with a title. The real header is a row of data, all columns became text, and no later step finds a
    column by its name.

How to fix:
    Set `skip_rows` to the number of lines above the header.

Example:
    The columns are `Sales report 11/2026`, `Unnamed: 1`, `Unnamed: 2` and `Unnamed: 3`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "set skip_rows of the step to the number of lines above the header",
)
_UNNAMED = LazyRegex(r"Unnamed: \d{1,5}(?:_level_\d{1,2})?")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find sources most of whose columns have no name."""
    for step, frame in run.successful_frames():
        if step.inputs and not step.is_source:
            continue
        unnamed = _unnamed(frame)
        if unnamed and 2 * len(unnamed) >= len(frame.columns):
            named = next((c.name for c in frame.columns if not _UNNAMED.fullmatch(c.name)), "")
            title = f", the first is {named!r}" if named else ""
            yield TEMPLATE.finding(
                f"{len(unnamed)} of {len(frame.columns)} columns have no name ({unnamed[0]!r}){title}: a title line above the header was read as the header",
                frame_evidence(frame, unnamed[0]),
                step=step.id,
            )


def _unnamed(frame: FrameFacts) -> list[str]:
    """Return the columns without a name that have values; a first column without a name is an index."""
    return [
        column.name
        for column in frame.columns[1:]
        if _UNNAMED.fullmatch(column.name) and column.name not in frame.empty_columns
    ]
