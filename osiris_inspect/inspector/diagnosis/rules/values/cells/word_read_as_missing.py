"""A code such as `NA` was read as a missing value.

What it finds:
    A column of a CSV file whose values are codes of one length in one case, such as `DE` and `ZA`, and in which `NA`,
    `NULL`, `null`, `nan` or `None` has the same form and was read as missing. A column of a few words, such as `Basic`
    and `None`, is a note. A word that also stands among numbers marks missing values, and is not reported.

Why it matters:
    Namibia, North America or the choice *None* disappears: joins, filters and groups leave these rows out.

How to fix:
    Set `keep_default_na: false`, so that only empty fields are missing. If the word means a missing value, name it in
    `na_values`.

Example:
    5 of 20 values of `country` are `NA` and were read as missing; the others are codes of the same form.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("words_as_missing",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)
MAX_TEXT = 80


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find words read as missing values among others of their form."""
    for step, frame in run.successful_frames():
        for entry in frame.source_entries("words_as_missing"):
            column, word = (excerpt(str(entry.get(key) or ""), MAX_TEXT) for key in ("column", "value"))
            count, values = as_int(entry.get("count")) or 0, as_int(entry.get("values")) or 0
            if not column or not word or not 0 < count < values:
                continue
            is_code = entry.get("form") == "code"
            are = f"is {word!r} and was" if count == 1 else f"are {word!r} and were"
            others = "codes of the same form" if is_code else "a few words"
            yield TEMPLATE.finding(
                f"{count:,} of {values:,} values of {column!r} {are} read as missing; the others are {others}",
                frame_evidence(frame, "words_as_missing"),
                step=step.id,
                fix=f"set keep_default_na: false to read {word!r} as text; if it means a missing value, set na_values: [{word}]",
                severity=None if is_code else Severity.NOTE,
                confidence=None if is_code else Confidence.LOW,
            )
