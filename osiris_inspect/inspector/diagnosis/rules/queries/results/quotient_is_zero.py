"""A division of whole numbers is 0 in all rows.

What it finds:
    A column of at least 20 rows that a query makes with `//` and that is 0 in all of them, although the columns that it
    divides have several values. Also a column of whole numbers that a query of a database makes by a division of other
    columns, and that is 0 in all rows; a rate or a share, if it is 0 or 1. A division by a constant is not reported.

Why it matters:
    The division of whole numbers drops the fraction, so a rate or a share is always 0.

How to fix:
    Divide with `/`, or multiply before dividing. Where `/` drops the fraction, convert one side: `orders::numeric / visits`.

Example:
    `orders // visits AS rate` is 0 in all rows.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_key, select_item
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_ROWS = 20
MIN_RATES = 3
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "divide with / in the query, or multiply before dividing; // drops the fraction",
    Confidence.MEDIUM,
)
_DIVIDES = LazyRegex(r"(?:(?<!/)//?|\bdiv\b)\s{0,9}\(?\s{0,9}(?=[a-z_\"`])")
"""A division, and not by a constant."""
_CONVERTS = LazyRegex(
    r"\b\d{1,12}\.|(?<!\w)\.\d|\b(?:numeric|decimal|float\d?|double|real|floor|trunc|truncate|extract|epoch|interval)\b"
)
_RATE = LazyRegex(
    r"rate|ratio|share|pct|percent|quota|avg|average|mean|(?:^|_)per_|conversion|margin|podil|anteil"
)
_NUMERATOR = LazyRegex(r"([a-z_]\w{0,60})[\"`)]{0,3}\s{0,9}(?:/|\bdiv\b)")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find quotients that are always 0."""
    for found in checks_named(run, "quotient-is-zero"):
        yield TEMPLATE.finding(
            f"the division of whole numbers that makes {found.text('column')!r} is 0 in all of {found.count('rows'):,} rows",
            found.evidence,
            step=found.step,
        )
    for step, frame in run.successful_frames():
        query = step.config.get(query_key(step.config))
        is_counted = any(one.get("check") == "quotient-is-zero" for one in frame.checks)
        for column in () if is_counted or not isinstance(query, str) else _quotients(frame, query):
            values = "0" if column.high == "0" else "0 or 1"
            yield TEMPLATE.finding(
                f"{column.name!r} is {values} in all of {frame.rows:,} rows: the query divides whole numbers, and an integer division drops the fraction",
                frame_evidence(frame, column.name),
                step=step.id,
                fix=f"convert one side of the division that makes {column.name!r} to a number with fractions, or multiply before dividing",
            )


def _quotients(frame: FrameFacts, query: str) -> Iterator[ColumnFacts]:
    """Yield the columns of whole numbers, 0 in all rows, that a query makes by a division."""
    rows = frame.rows or 0
    for column in frame.columns if rows >= MIN_RATES else ():
        is_zero, is_rate = (column.low, column.high) == ("0", "0"), _RATE.search(column.name[:100].lower())
        if kind_of(column.dtype) != "integer" or column.low != "0" or column.high not in ("0", "1"):
            continue
        if not is_rate and not (is_zero and rows >= MIN_ROWS):
            continue
        item = select_item(query, column.name)
        if _DIVIDES.search(item) and not _CONVERTS.search(item) and not _divides_zeros(frame, item):
            yield column


def _divides_zeros(frame: FrameFacts, item: str) -> bool:
    """Return True if a column that is divided is 0 in all rows itself."""
    names = {match[1] for match in _NUMERATOR.finditer(item)}
    return any(one.low == one.high == "0" for one in frame.columns if one.name.lower() in names)
