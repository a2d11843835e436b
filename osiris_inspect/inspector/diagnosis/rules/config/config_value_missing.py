"""A step lacks a value that its driver needs.

What it finds:
    An error in which a driver misses a key of its configuration.

Why it matters:
    The step cannot begin.

How to fix:
    Add the key the message names.

Example:
    `Step extract: 'query' is required in config`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 42
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?:Missing '(?P<k1>\w+)'|'(?P<k2>\w+)' is required) (?:in|for) [^\n]{0,80}"
            r"|Missing resolved_connection in config"
            r"|'resolved_connection' is required"
            r"|requires 'primary_key'[^\n]{0,60}"
            r"|'primary_key' (?:is required|must be provided)[^\n]{0,60}"
            r"|Missing [\w' ]{1,60} in (?:resolved_connection|config(?:uration)?|connection)\b"
            r"|(?:\w+ )?provided but \w+ not provided|but \w+ not provided"
            r"|Compilation failed: '\w{1,60}'\s*$"
            r"|(?:[Mm]issing required|lacks required) (?:config|configuration|key|option|setting)[^\n]{0,100}"
        ),
        message="the configuration of the step lacks a value",
        fix="add the missing key to the step, or to its connection",
        domain="config",
    ),
)
