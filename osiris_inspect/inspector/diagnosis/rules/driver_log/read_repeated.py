"""A source read a part again, and its rows contain duplicates.

What it finds:
    A source whose text log reports a repeated read, as in `page 4: timed out, retrying`, and whose first column, or
    column with a key's name, has fewer possible values than there are rows.

Why it matters:
    The part had arrived before it was read again, so its rows are in the result twice.

How to fix:
    Keep one row per key, or let the driver discard what it had received before it repeats a read.

Example:
    `page 4: read timed out (30 s), retrying`, and 900 rows hold at most 800 values of `ticket`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.driver_messages import messages_of_successful_steps
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("text logs",)
MIN_ROWS = 20
MIN_SHARE = 0.5
"""Share of possible values per row from which a column is a key; a column of codes has far fewer."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "keep one row per key, and let the driver discard what it received before it repeats a read",
    Confidence.MEDIUM,
)
_REPEATED = LazyRegex(
    r"\bretry(?:ing)?\b|\bretried\b|\b(?:try|read|request|fetch|send|load|download)(?:ing)?\b[^\n]{0,20}\bagain\b|\bre-?(?:read|fetch|request)(?:ing|ed)?\b|\b(?:second|2nd) attempt\b|\battempt [2-9]\b",
    2,
)
_KEY = LazyRegex(r"(?:.{0,40}_)?(?:id|no|nr|number|key|num|code|uuid)", 2)
_INTEGER = LazyRegex(r"-?\d{1,18}")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find sources that repeated a read and have duplicates."""
    for step, messages in messages_of_successful_steps(run).values():
        frame = run.frames.get(step.id)
        repeated = next((message for message in messages if _REPEATED.search(message.text)), None)
        if repeated is None or frame is None or step.inputs or step.is_writer:
            continue
        for number, column in enumerate(frame.columns):
            distinct = _most_values(column)
            rows = (frame.rows or 0) - (column.nulls or 0)
            is_key = number == 0 or _KEY.fullmatch(column.name) is not None
            if is_key and distinct is not None and rows >= MIN_ROWS and MIN_SHARE * rows <= distinct < rows:
                yield TEMPLATE.finding(
                    f"a read was repeated ({repeated.quote}), and {rows:,} rows have at most {distinct:,} values of {column.name!r}: at least {rows - distinct:,} rows are there twice",
                    repeated.evidence,
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break


def _most_values(column: ColumnFacts) -> int | None:
    """Return the number of values that a column of whole numbers can have; None if unknown."""
    if column.low is None or column.high is None or "int" not in column.dtype.lower():
        return None
    if not (_INTEGER.fullmatch(column.low) and _INTEGER.fullmatch(column.high)):
        return None
    return int(column.high) - int(column.low) + 1
