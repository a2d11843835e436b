"""A pipeline file holds a secret in clear.

What it finds:
    A compile error about a secret in the pipeline file.

Why it matters:
    A secret in a file under version control is no secret.

How to fix:
    Put it into the environment, and rotate it.

Example:
    `Inline secret detected at steps[0].config.password`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=r"Inline secrets? (?:detected|at|found)[^\n]{0,120}",
        message="the pipeline holds a secret in clear and was refused",
        fix="move the secret to a connection and refer to it by the name of an environment variable",
        domain="config",
    ),
)
