"""The header of a file has a name twice, so that a column has another name than in the file.

What it finds:
    A CSV file whose header contains one name several times. The first column keeps it; the next ones are read as
    `amount.1`, `amount.2`.

Why it matters:
    A query that uses the name takes the first column, which may be the wrong one, such as that of a joined table.

How to fix:
    Rename one of the columns in the header, or read only the columns that are meant (`columns`).

Example:
    the header has 'amount' more than once: the second column is 'amount.1'
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
SEARCHES = ("repeated_name",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "rename one of the columns in the header of the file, or read only the columns that are meant (columns)",
)
MAX_TEXT = 80


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find files whose header has a name twice."""
    for step, frame in run.successful_frames():
        name = frame.source.get("repeated_name")
        if isinstance(name, str) and name:
            name = excerpt(name, MAX_TEXT)
            yield TEMPLATE.finding(
                f"the header has {name!r} more than once: the second column is {f'{name}.1'!r}",
                frame_evidence(frame, "repeated_name"),
                step=step.id,
            )
