"""A query removes the decimal comma or point of numbers, which become ten or a hundred times as large.

What it finds:
    A conversion to numbers with fractions of a column of text, such as `CAST(replace(price, ',', '') AS DOUBLE)`, where at least
    three values are like `12,50`: the comma before one or two digits at the end is a decimal comma, and the result is 1250.
    The same for points. A query that multiplies or divides by a constant is not reported, nor a conversion to whole numbers.

Why it matters:
    The query removes separators of thousands, and the source now writes a decimal comma: `12,50` becomes 1250.

How to fix:
    Convert the form that the source has: `replace(replace(price, '.', ''), ',', '.')` for `1.234,50`.

Example:
    310 of 310 values of `price` have a decimal comma, which the query removes.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("separator-removed",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)
COMMA = ","


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find conversions that remove the decimal separator."""
    for found in checks_named(run, "separator-removed"):
        column, is_comma = found.text("column"), found.text("separator") == COMMA
        example = "12,50" if is_comma else "12.50"
        yield TEMPLATE.finding(
            f"{found.count('changed'):,} of {found.count('values'):,} values of {column!r} have a decimal {'comma' if is_comma else 'point'}, "
            f"as in {example}, which the query removes: {example} becomes 1250, a hundred times too large",
            found.evidence,
            step=found.step,
            fix=f"replace the decimal comma of {column!r} by a point instead of removing it, or read the file with decimal: ','"
            if is_comma
            else f"convert {column!r} without removing its decimal point",
        )
