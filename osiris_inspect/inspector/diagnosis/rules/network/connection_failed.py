"""A connection failed, and the log hides the reason.

What it finds:
    A driver that reports a failed connection without a reason.

Why it matters:
    Since 0.5 the original drops the reason on purpose, so the log cannot tell a wrong password from a closed
    port.

How to fix:
    Run again with `--verbose`, or test the connection with the database client.

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

SEARCHES = ("errors",)
REFINES = ("table-creation-failed", "write-failed")
IS_GENERAL = True
_NO_REASON = ErrorPattern(
    pattern=(
        r"MySQL connection failed(?: for (?:step )?[^\s:]{1,100})?(?=\.?\s{0,20}$)"
        r"|(?:Database|PostgreSQL|Postgres|Supabase|HTTP) connection failed(?=\.?\s{0,20}$)"
    ),
    message="the database connection failed; this driver version hides the reason",
    fix='run again with --verbose and look for "Connection error details" in debug.log',
    domain="infra",
)
_TRIED = LazyRegex(
    r"connection for step (?P<step>[^\s:]{1,200}): [^\n@]{0,80}@(?P<server>[\w.\-]{1,200}:\d{1,5})"
)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"received invalid response to SSL negotiation[^\n]{0,20}"
            r"|expected authentication request from server, but received[^\n]{0,20}"
            r"|Packet sequence number wrong - got (?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]) expected 0"
            r"|illegal status line: [^\n]{0,80}|\bBadStatusLine\((?!['\"]{2})[^\n]{0,80}"
        ),
        message="another kind of server answered at this address than the client expects",
        fix="correct host and port of the connection, or use the client of the server that listens there",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"connection to server (?:at|on) [^\n]{1,200} failed: FATAL: {1,4}[^\n]{1,160}",
        message="the server rejected the connection",
        fix="check user, password, database and the address rules of the server",
        domain="config",
        confidence=Confidence.MEDIUM,
        error_class="connection rejected",
    ),
    ErrorPattern(
        pattern=r"(?:MySQL|Database|PostgreSQL|Postgres|Supabase|HTTP) connection failed[^\n:]{0,120}: ?[^\n]{1,160}",
        message="the database driver reported it as a failed connection",
        fix="correct what the error names",
        domain="infra",
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
            message = f"{finding.message}; it was attempted at {match['server']}"
            yield replace(finding, message=message, evidence=(*finding.evidence, line.evidence(match[0])))
        else:
            yield finding
