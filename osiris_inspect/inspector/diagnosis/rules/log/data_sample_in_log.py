"""An error message contains row values.

What it finds:
    An error in which a database repeats a rejected row, or that contains an e-mail address.

Why it matters:
    Logs are kept longer and read by more people than the data, and a row may contain personal data.

How to fix:
    Shorten such errors before logging them, and protect the log like the data.

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
SEARCHES = ("errors",)
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "data",
    "shorten such errors before logging them, and protect the log like the data",
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
            "the error contained values of a row" if row else "the error contained an e-mail address",
            error.evidence(row or error.text[: max(12, match.start())][:40]),
            step=error.step,
            stage=error.stage,
        )
