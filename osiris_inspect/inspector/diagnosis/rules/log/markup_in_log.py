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
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("events",)

_MARKUP = LazyRegex(
    r"<(?:script|iframe|object|embed)\b|<[a-z]{1,10}\s[^<>\n]{0,300}\bon[a-z]{3,20}\s*=|\bjavascript:",
    re.IGNORECASE,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Errors with such a text."""
    for told, match in matching_errors(run, _MARKUP):
        yield Finding(
            rule="markup-in-log",
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            domain="code",
            message="the error holds markup that a browser would run",
            evidence=(told.evidence(match[0]),),
            step=told.step,
            stage=told.stage,
            fix="show the run only where texts are escaped; see where the name came from",
        )
