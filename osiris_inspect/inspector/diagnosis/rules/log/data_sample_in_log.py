"""An error text shows rows of data.

What it finds:
    An error in which a database repeats the row it refused, or in which an address of e-mail stands.

Why it matters:
    Logs are kept longer and read by more people than the data; what is in a row may be about a person.

How to fix:
    Shorten such errors where they are logged, and treat the log as the data it shows.

Example:
    `DETAIL: Failing row contains (7, Ada, ada@example.org)`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("events",)
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "data",
    "shorten such errors where they are logged, and treat the log as data",
    Confidence.MEDIUM,
)
_SAMPLE = LazyRegex(
    r"(?P<row>Failing row contains|Key \([^)\n]{1,120}\)=(?=\()|Duplicate entry(?= '))"
    r"|(?<![\w:/.+-])(?=[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[a-z]{2,12}\b(?!:))"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find errors that contain a row or an e-mail address."""
    for error, match in matching_errors(run, _SAMPLE):
        row = match["row"]
        yield TEMPLATE.finding(
            "the error repeats values of a row" if row else "the error shows an address of e-mail",
            error.evidence(row or error.text[: max(12, match.start())][:40]),
            step=error.step,
            stage=error.stage,
        )
