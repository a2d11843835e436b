"""A connection failed and the log hides why.

What it finds:
    A driver that says that it could not connect, and nothing more.

Why it matters:
    Since 0.5 the original drops the reason on purpose, so the log alone cannot tell a wrong password from
    a closed port.

How to fix:
    Repeat the run verbosely, or try the connection with the client of the database.

Example:
    `MySQL connection failed for step extract-movies`
"""

from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

RANK = 60
_NO_REASON = ErrorPattern(
    pattern=(
        r"MySQL connection failed(?: for step [^\s:]{1,100})?(?=\s*$|\n|:)"
        r"|(?:Database|PostgreSQL|Postgres|Supabase|HTTP) connection failed[^\n]{0,80}"
    ),
    message="the connection to the database failed; this version of the driver hides the reason",
    fix='run again with --verbose and look for "Connection error details" in debug.log; then check host, port, user and password',
    domain="infra",
)
_TRIED = LazyRegex(
    r"connection for step (?P<step>[^\s:]{1,200}): [^\n@]{0,80}@(?P<server>[\w.\-]{1,200}:\d{1,5})"
)
PATTERNS = (
    ErrorPattern(
        pattern=r"connection to server (?:at|on) [^\n]{1,200} failed: FATAL: {1,4}[^\n]{1,160}",
        message="the server was reached and did not let the step in",
        fix="read what the server says: mostly it is user, password, database or a rule for the address",
        domain="config",
        confidence=Confidence.MEDIUM,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also failures without a reason, and add the server if a text log names it."""
    for finding in _NO_REASON.find_all(run):
        attempts = [
            (line, match) for line, match in matching_log_lines(run, _TRIED) if match["step"] == finding.step
        ]
        if attempts:
            line, match = attempts[-1]
            message = f"{finding.message}; it was tried at {match['server']}"
            yield replace(finding, message=message, evidence=(*finding.evidence, line.evidence(match[0])))
        else:
            yield finding
