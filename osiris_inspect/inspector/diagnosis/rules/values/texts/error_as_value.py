"""A column has the error of a spreadsheet or of a program in place of a value.

What it finds:
    A column of text with `#DIV/0!`, `#REF!`, `#VALUE!`, `#NAME?`, `#NUM!`, `#N/A` or `[object Object]`. The first step with them is
    reported; in a long frame, its first rows are counted.

Why it matters:
    The cell had no result when the file was saved. The error makes a column of numbers text, and is counted as a value.

How to fix:
    Correct the formula in the source, or read the error as a missing value (`na_values` of a CSV file).

Example:
    `margin` has the text #DIV/0! in 8 of 240 rows.
"""

from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("odd_values",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "correct the formula in the source, or read the error as a missing value (na_values of a CSV file)",
    Confidence.MEDIUM,
)
_ERRORS: Final = frozenset({"#DIV/0!", "#REF!", "#VALUE!", "#N/A", "#NAME?", "#NUM!", "[object Object]"})


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the first steps whose texts are errors."""
    for step, frame in run.successful_frames():
        sources = run.input_frames(step)
        known = {word for source in sources for column in source.columns for word in column.odd_values}
        for column in frame.columns:
            word = next((word for word in column.odd_values if word in _ERRORS - known), "")
            if word:
                yield TEMPLATE.finding(
                    f"{column.name!r} has the text {word} in {column.odd_values[word]:,} rows",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break
