"""Texts have HTML entities such as &amp; in place of characters.

What it finds:
    A column of text with `&amp;`, `&nbsp;`, `&#39;` and the like in a source, or in a step whose inputs have none. Columns whose
    name says that they hold HTML, XML, a description or an address of the web are not reported.

Why it matters:
    Names with an entity match no other spelling of the name, and reports show the entity.

How to fix:
    Decode the texts where they are read, for example with `html.unescape`. If they are to stay HTML, allow this rule for
    the step.

Example:
    `company` has values such as 'Tom &amp; Co'.
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
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "decode the texts where they are read (html.unescape); if they are to stay HTML, allow this rule for the step",
    Confidence.LOW,
)
FORM: Final = "&amp;"
_MARKUP: Final = LazyRegex(
    r"(?i:html|xml|body|content|desc|markup|url|uri|link|href|query|text|message|comment|raw|payload|snippet|template)"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the first steps whose texts have HTML entities."""
    for step, frame in run.successful_frames():
        sources = run.input_frames(step)
        if any(FORM in column.odd_values for source in sources for column in source.columns):
            continue
        for column in frame.columns:
            if FORM in column.odd_values and not _MARKUP.search(column.name[:100]):
                yield TEMPLATE.finding(
                    f"{column.name!r} has HTML entities such as &amp; in {column.odd_values[FORM]:,} of its first values",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break
