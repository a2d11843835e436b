"""Whole numbers became texts that end in .0.

What it finds:
    A column of text, all of whose first values are like `420777123.0`, in a step whose input has the column as numbers;
    and in a source, if its name says that it holds ids, codes or phone numbers.

Why it matters:
    A missing value makes whole numbers floating-point numbers, and their text has a decimal point: such a key matches no
    other one, and a phone number is wrong.

How to fix:
    Convert to whole numbers first: `astype("Int64").astype("string")` in pandas, `CAST(CAST(x AS BIGINT) AS VARCHAR)` in SQL.

Example:
    `phone` has texts such as 420777123.0, and its input has numbers.
"""

from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("odd_values",)
EXPLAINS = ("join-keys-differ-in-form", "join-hardly-matches")
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    'convert to whole numbers before text (astype("Int64").astype("string") in pandas)',
    Confidence.MEDIUM,
)
FORM: Final = ".0"
_NUMBERS: Final = ("float", "double", "int", "Int", "Float")
_CODE: Final = LazyRegex(
    r"(?i:(?:^|_)(?:id|key|code|phone|mobile|zip|postal|account|ean|sku|year)$)|[a-z]Id$"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the first steps whose texts are whole numbers with a decimal point."""
    for step, frame in run.successful_frames():
        sources = run.input_frames(step)
        for column in frame.columns:
            if FORM not in column.odd_values:
                continue
            before = [one for source in sources if (one := source.column(column.name)) is not None]
            is_code = not sources and _CODE.search(column.name[:100])
            if is_code or any(one.dtype.startswith(_NUMBERS) for one in before):
                yield TEMPLATE.finding(
                    f"{column.name!r} has whole numbers as texts that end in .0, such as 12.0",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break
