"""A URL of a service does not exist.

What it finds:
    A response with status 404 from a web service.

Why it matters:
    The URL is wrong, or belongs to another version of the service.

How to fix:
    Correct the URL in the connection or in the step.

Example:
    `404 Client Error: Not Found for url: ...`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

SEARCHES = ("errors",)
REFINES = ("request-refused",)
IS_GENERAL = True


_OF_DATABASE = LazyRegex(r"SQLAlchemy|rfc1738|\b(?:dsn|DSN)\b|connection (?:option|info)")


def _fix(run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if _OF_DATABASE.search(text.text):
        return "write the complete address in the connection, as driver://user:password@host:port/database"
    step = run.step(text.step or "")
    if step is not None and (step.driver or "").startswith("supabase."):
        return "set url in the connection to the URL of the project, https://<ref>.supabase.co"
    return "write the complete address, beginning with https://, in the connection or the step"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\bInvalid URL(?! of the)\b[^\n]{0,200}|Request URL is missing an 'http://' or 'https://'[^\n]{0,40}"
            r"|\b(?:MissingSchema|InvalidSchema(?!: Missing dep)|InvalidURL|UnsupportedProtocol|LocationParseError)\b[^\n]{0,160}"
            r"|No connection adapters were found for [^\n]{1,160}|\bunknown url type: [^\n]{1,120}|nonnumeric port: [^\n]{1,80}"
            r"|(?i:supabase_url is required|invalid supabase url)|Could not parse (?:SQLAlchemy|rfc1738) URL[^\n]{0,120}"
        ),
        message="the address in the connection was not a complete URL",
        fix=_fix,
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:invalid (?:dsn|connection option))[^\n]{0,100}"
            r"|missing \"=\" after \"[^\"\n]{1,100}\" in connection info[^\n]{0,20}"
        ),
        message="the connection string was invalid",
        fix="correct the part of the connection string that the message names",
        domain="config",
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses that a URL was not found."""
    yield from status_findings(run, "endpoint-missing")
