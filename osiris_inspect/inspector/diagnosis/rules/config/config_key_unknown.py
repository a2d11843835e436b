"""A configuration contains an unknown key.

What it finds:
    An error in which a component rejects a configuration key.

Why it matters:
    The key is usually misspelt, so the intended value is not set.

How to fix:
    Correct the spelling; the error lists the keys that the component accepts.

Example:
    `Unknown configuration key 'sqlx' for component 'mysql.extractor'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Unknown configuration keys?:? '?(?P<key>[^'\n]{1,120})'?[^\n]{0,80}"
            r"|Additional properties are not allowed \('(?P<key3>[^'\n]{1,80})'[^\n]{0,80}"
            r"|extra keys not allowed[^\n]{0,80}"
            r"|unknown (?:config )?key '(?P<key2>[^'\n]{1,80})'"
        ),
        message="the configuration contained an unknown key",
        fix="correct the spelling of the key or remove it",
        domain="config",
    ),
)
