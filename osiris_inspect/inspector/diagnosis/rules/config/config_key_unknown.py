"""A configuration has a key nobody knows.

What it finds:
    An error in which a component does not know a key it was given.

Why it matters:
    Mostly a misspelt key, so the value that was meant is not set.

How to fix:
    Correct the spelling; the component lists the keys it knows.

Example:
    `Unknown configuration key 'sqlx' for component 'mysql.extractor'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 42
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Unknown configuration keys?:? '?(?P<key>[^'\n]{1,120})'?[^\n]{0,80}"
            r"|unknown (?:config )?key '(?P<key2>[^'\n]{1,80})'"
        ),
        message="the configuration has an unknown key",
        fix="remove the key or correct its spelling",
        domain="config",
    ),
)
