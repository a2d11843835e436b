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

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

REFINES = ("request-refused",)
IS_GENERAL = True
PATTERNS = (
    ErrorPattern(
        pattern=r"\b404 (?:Client Error|Not Found)[^\n]{0,160}|not found \(404\)|\(HTTP 404\)",
        message="the URL was not found on the service",
        fix="correct the URL in the connection or the step",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"Invalid URL '[^'\n]{0,160}': No scheme supplied|Request URL is missing an 'http://' or 'https://'",
        message="the address of the service was not a URL",
        fix="add https:// to the address",
        domain="config",
    ),
)
