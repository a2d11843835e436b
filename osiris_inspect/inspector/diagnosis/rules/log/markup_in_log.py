"""An error text holds markup that a browser would run.

What it finds:
    A script, a handler of an event or an embedded frame in the text of an error.

Why it matters:
    Names of tables and files come from outside and end up in errors. A report that shows them as they are, like that of
    the original, runs them in the browser of whoever reads it.

How to fix:
    Show such a run only with a program that escapes what it shows; see where the name came from.

Example:
    `Table with name <img src=x onerror=alert(1)> does not exist`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

NEEDS = ("events",)
TEMPLATE = FindingTemplate(
    Severity.NOTE, "code", "show the run only where texts are escaped; see where the name came from"
)
_MARKUP = LazyRegex(
    r"<(?:script|iframe|object|embed)\b|<[a-z]{1,10}\s[^<>\n]{0,300}\bon[a-z]{3,20}\s*=|\bjavascript:",
    re.IGNORECASE,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find errors that contain markup."""
    for error, match in matching_errors(run, _MARKUP):
        message = "the error holds markup that a browser would run"
        yield TEMPLATE.finding(message, error.evidence(match[0]), step=error.step, stage=error.stage)
