"""A required configuration value is missing.

What it finds:
    An error in which a driver does not find a key in its configuration.

Why it matters:
    The step cannot start.

How to fix:
    Add the key that the message names.

Example:
    `Step extract: 'query' is required in config`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

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
        message="a required configuration value was missing",
        fix="add the missing key to the step or its connection",
        domain="config",
    ),
)
