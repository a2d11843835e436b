"""Long ids are kept as floating-point numbers, which round them.

What it finds:
    A column that is named like an id, has a floating-point type and a largest value above 9,007,199,254,740,992 (2 to the
    power of 53).

Why it matters:
    One row without an id makes the column a float, and floats have 15 to 16 digits: different ids become equal, and a join
    with the exact ids finds no partner.

How to fix:
    Read the column as text or as Int64, which allows missing values. If it is not an id, allow this rule for the step.

Example:
    `tweets` has `post_id` as float64, up to 1.79e+18.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
EXPLAINS = ("join-hardly-matches",)
MAX_EXACT = 2**53
_ID = LazyRegex(r"(?i:(?:.{0,40}_)?(?:id|no|nr|number|key|ean|gtin|imei|iban))|.{0,40}(?:Id|ID|No)")
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "read the column as text or as Int64, which allows missing values; if it is not an id, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find ids that a floating-point type rounds, at the first step that has them."""
    found: set[str] = set()
    for step, frame in run.successful_frames():
        for column in frame.columns:
            if column.name not in found and _ID.fullmatch(column.name[:60]) and _is_rounded(column):
                found.add(column.name)
                missing = f", because {column.nulls:,} rows have none" if column.nulls else ""
                yield TEMPLATE.finding(
                    f"{column.name!r} has ids up to {float(column.high or 0):.3g} as {column.dtype}{missing}: "
                    "they are rounded to 15 or 16 digits",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )


def _is_rounded(column: ColumnFacts) -> bool:
    if kind_of(column.dtype) != "float" or column.high is None or column.distinct != "many":
        return False
    try:
        return MAX_EXACT < float(column.high) < float("inf")
    except ValueError:
        return False
