"""The database of a connection does not exist.

What it finds:
    An error in which a server does not know the requested database.

Why it matters:
    The server responds and the credentials are valid, so the name or the server is wrong.

How to fix:
    Correct the database name in the connection, or create the database.

Example:
    `(1049, "Unknown database 'movies'")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.python_values import is_numpy_value

REFINES = ("connection-failed", "query-failed")
PATTERNS = (
    ErrorPattern(
        pattern=r"Unknown database '(?P<d1>[^'\n]{1,120})'|database \"(?P<d2>[^\"\n]{1,120})\" does not exist",
        message="database {name} was not found",
        fix="correct the database name in the connection or create the database",
        domain="config",
        search_text_logs=True,
        error_class="no database",
    ),
    ErrorPattern(
        pattern=(
            r"schema \"(?!(?:np|numpy)\")(?P<s1>[^\"\n]{1,120})\" does not exist"
            r"|The schema must be one of the following: [^\n]{1,120}"
        ),
        message="the schema was missing or not exposed to this connection",
        unless=is_numpy_value,
        fix="correct the schema name, create the schema, or expose it in the service",
        domain="config",
        error_class="no schema",
    ),
)
