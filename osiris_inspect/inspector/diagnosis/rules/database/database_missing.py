"""The database of a connection does not exist.

What it finds:
    An error in which a server does not know the database that was asked for.

Why it matters:
    The server answers and the credentials are right, so only the name is wrong, or the wrong server was asked.

How to fix:
    Correct the name of the database in the connection, or create it.

Example:
    `(1049, "Unknown database 'movies'")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=r"Unknown database '(?P<d1>[^'\n]{1,120})'|database \"(?P<d2>[^\"\n]{1,120})\" does not exist",
        message="database {name} does not exist",
        fix="correct the name of the database in the connection, or create it",
        domain="config",
        search_text_logs=True,
        error_class="no database",
    ),
    ErrorPattern(
        pattern=(
            r"schema \"(?P<s1>[^\"\n]{1,120})\" does not exist"
            r"|The schema must be one of the following: [^\n]{1,120}"
        ),
        message="the schema is not there, or not open to this connection",
        fix="correct the name of the schema, create it, or add it to those the service shows",
        domain="config",
        error_class="no schema",
    ),
)
