"""An error in the log contains a secret in plain text.

What it finds:
    Error messages and tracebacks that contain a URL with a password, a token or a key.

Why it matters:
    Logs are shared after failures. The original's redaction does not mask most connection URLs.

How to fix:
    Rotate the secret, and mask it before logging.

Example:
    `mysql+pymysql://reader:...@127.0.0.1/movies`
"""

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Severity
from osiris_inspect.model.redaction import mask_by_pattern

NEEDS = ("events",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "rotate the secret, and mask it before logging",
    Confidence.MEDIUM,
)
MAX_TEXT = 20_000
"""Characters of a text that are searched."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find failure events and lines of text logs that contain a secret."""
    message = "an error contained text that looks like a secret"
    for event in run.key_events:
        is_failure = "error" in event.name or "fail" in event.name
        if is_failure and any(_has_secret(text) for text in (event.error, event.traceback) if text):
            evidence = Evidence(event.file, event.line, event.original_name)
            yield TEMPLATE.finding(message, evidence, step=event.step)
    for line in run.log_lines:
        if _has_secret(line.text):
            yield TEMPLATE.finding(message, Evidence(line.file, line.line, line.text[:40]))


def _has_secret(text: str) -> bool:
    return mask_by_pattern(text[:MAX_TEXT]) != text[:MAX_TEXT]
