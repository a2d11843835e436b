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

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding

NEEDS: Final = ("failures",)
RANK: Final = 60

SIGNATURE: Final = ErrorPattern(
    rule="connection-failed",
    pattern=LazyRegex(
        r"MySQL connection failed(?: for step [^\s:]{1,100})?(?=\s*$|\n|:)"
        r"|(?:Database|PostgreSQL|Postgres|Supabase|HTTP) connection failed[^\n]{0,80}"
    ),
    message="the connection to the database failed; this version of the driver hides the reason",
    fix='run again with --verbose and look for "Connection error details" in debug.log; then check host, port, user and password',
    domain="infra",
)


_REFUSED: Final = ErrorPattern(
    rule="connection-failed",
    pattern=LazyRegex(r"connection to server (?:at|on) [^\n]{1,200} failed: FATAL: {1,4}[^\n]{1,160}"),
    message="the server was reached and did not let the step in",
    fix="read what the server says: mostly it is user, password, database or a rule for the address",
    domain="config",
    confidence=Confidence.MEDIUM,
)

_TRIED = LazyRegex(
    r"connection for step (?P<step>[^\s:]{1,200}): [^\n@]{0,80}@(?P<server>[\w.\-]{1,200}:\d{1,5})"
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so, with the server that was tried where a text log tells it."""
    yield from _REFUSED.find_all(run)
    for finding in SIGNATURE.find_all(run):
        tried = [
            (told, match) for told, match in matching_log_lines(run, _TRIED) if match["step"] == finding.step
        ]
        if not tried:
            yield finding
            continue
        told, match = tried[-1]
        yield replace(
            finding,
            message=f"{finding.message}; it was tried at {match['server']}",
            evidence=(*finding.evidence, told.evidence(match[0])),
        )
