"""A pipeline file contains a secret in plain text.

What it finds:
    A compile error about a secret in the pipeline file.

Why it matters:
    A secret under version control is exposed.

How to fix:
    Move it to an environment variable and rotate it.

Example:
    `Inline secret detected at steps[0].config.password`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=r"Inline secrets? (?:detected|at|found)[^\n]{0,120}",
        message="the pipeline was rejected because it contained a secret in plain text",
        fix="move the secret to a connection that reads it from an environment variable",
        domain="config",
    ),
)
