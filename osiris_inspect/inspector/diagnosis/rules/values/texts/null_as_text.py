"""Missing values became words such as nan or None.

What it finds:
    A column of text with the words nan, NaT or <NA>, or with None or null where the step's input had rows without a
    value in the same column and the result has fewer. The first step with them is reported.

Why it matters:
    The rows count as rows with a value: filters for missing values, joins and groups treat the word as a name.

How to fix:
    Convert only the rows with a value: `astype("string")` keeps missing values in pandas, `astype(str)` and `map(str)` do
    not. If the word is a value, allow this rule for the step.

Example:
    `city` has the text nan in 60 of 240 rows, and its input has no value in them.
"""

from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("odd_values",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    'convert only rows with a value (astype("string") in pandas keeps missing ones); if the word is a value, allow this rule for the step',
    Confidence.MEDIUM,
)
_NEVER_VALUES: Final = frozenset({"nan", "NaN", "NaT", "<NA>"})
_MAYBE_VALUES: Final = frozenset({"None", "null", "NULL", "undefined"})


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the first steps whose texts have a word for a missing value."""
    for step, frame in run.successful_frames():
        sources = run.input_frames(step)
        for column in frame.columns:
            before = [one for source in sources if (one := source.column(column.name)) is not None]
            word = _word(column, before)
            if word:
                yield TEMPLATE.finding(
                    f"{column.name!r} has the text {word!r} in {column.odd_values[word]:,} rows; it stands for a missing value",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break


def _word(column: ColumnFacts, before: list[ColumnFacts]) -> str:
    """Return the word for a missing value that the step made; empty if there is none."""
    had_nulls = any((one.nulls or 0) > (column.nulls or 0) for one in before)
    for word in column.odd_values:
        is_new = not any(word in one.odd_values for one in before)
        if is_new and (word in _NEVER_VALUES or (word in _MAYBE_VALUES and had_nulls)):
            return word
    return ""
