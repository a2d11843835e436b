"""An error message contains markup that a browser would execute.

What it finds:
    A script, an event handler or an embedded frame in an error message.

Why it matters:
    Names of tables and files come from outside and end up in errors. A report that does not escape them, such
    as the original's, executes them in the reader's browser.

How to fix:
    Show such a run only in a tool that escapes text, and check the source of the markup.

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
SEARCHES = ("errors",)
TEMPLATE = FindingTemplate(
    Severity.NOTE, "code", "show the run only in tools that escape text, and check the source of the markup"
)
_MARKUP = LazyRegex(
    r"<(?:script|iframe|object|embed)\b|<[a-z]{1,10}\s[^<>\n]{0,300}\bon[a-z]{3,20}\s*=|\bjavascript:",
    re.IGNORECASE,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find errors that contain markup."""
    for error, match in matching_errors(run, _MARKUP):
        message = "the error contained markup that a browser would execute"
        yield TEMPLATE.finding(message, error.evidence(match[0]), step=error.step, stage=error.stage)
