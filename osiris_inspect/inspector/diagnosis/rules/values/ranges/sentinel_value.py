"""A number that usually stands for no value is the smallest or the largest of a column.

What it finds:
    A column of whole numbers that begins with -999, -9999 or -99999, or ends with 999999999 or 2147483647, and has no
    row without a value. Ids, codes and phone numbers are not reported.

Why it matters:
    Sums and averages count the number as a value.

How to fix:
    Turn the number into NULL where it is read, for example with `na_values` of a CSV file. If it is a value, allow this
    rule for the step.

Example:
    `temperature` has values from -9999 to 41, and no row without a value.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
LOWEST = frozenset({"-999", "-9999", "-99999", "-999999", "-2147483648"})
HIGHEST = frozenset({"999999999", "2147483647"})
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "data",
    "turn the number into NULL where it is read (na_values of a CSV file); if it is a value, allow this rule for the step",
    Confidence.LOW,
)
_IDENTIFIER = LazyRegex(
    r"(?:^|_)(?:id|key|code|no|nr|num|number|phone|mobile|fax|zip|postal|account|hash|seed|ean|isbn|sku|ref)(?:_|$)|[a-z]Id$|id$|key$|code$|number$",
    2,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns of sources that begin or end with a number for no value."""
    for step, frame in run.successful_frames():
        if step.inputs and not step.is_source:
            continue
        for column in frame.columns:
            value = _sentinel(column)
            if value and (frame.rows or 0) > 1:
                yield TEMPLATE.finding(
                    f"{column.name!r} has values from {column.low} to {column.high} and no row without one; {value} usually stands for no value",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break


def _sentinel(column: ColumnFacts) -> str:
    """Return the number that stands for no value; empty if there is none."""
    if column.nulls or column.low == column.high or _IDENTIFIER.search(column.name[:100]):
        return ""
    if column.low in LOWEST:
        return column.low or ""
    return column.high or "" if column.high in HIGHEST else ""
