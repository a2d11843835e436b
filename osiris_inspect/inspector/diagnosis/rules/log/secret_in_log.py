"""A secret stands in clear in an error of the log.

What it finds:
    Error texts and tracebacks with a password in a URL, a token or a key.

Why it matters:
    Logs are shared when something fails. The original's redaction misses most connection URLs.

How to fix:
    Rotate the secret; mask it where the text is written.

Example:
    `mysql+pymysql://reader:...@127.0.0.1/movies`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model import redaction as redact
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("events",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Events and lines of text logs that show a secret."""
    for event in run.key_events:
        if any(_shows_secret(text) for text in _texts(event)):
            yield _finding(Evidence(event.file, event.line, event.original_name), event.step)
    for line in run.log_lines:
        if _shows_secret(line.text):
            yield _finding(Evidence(line.file, line.line, line.text[:40]), None)


MAX_TEXT = 20_000
"""Characters of a text that are searched."""


def _texts(event: Event) -> Iterator[str]:
    if "error" in event.name or "fail" in event.name:
        yield from (value for value in (event.error, event.traceback) if value)


def _shows_secret(text: str) -> bool:
    return redact.mask_by_pattern(text[:MAX_TEXT]) != text[:MAX_TEXT]


def _finding(evidence: Evidence, step: str | None) -> Finding:
    return Finding(
        rule="secret-in-log",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        domain="config",
        message="an error text shows what looks like a secret",
        evidence=(evidence,),
        step=step,
        fix="rotate the secret, and mask it where the text is written",
    )
