"""A file that a step reads is not there.

What it finds:
    An error in which a file could not be found.

Why it matters:
    The step has nothing to read. Paths of your machine mean nothing inside a sandbox.

How to fix:
    Correct the path, or bring the file to where the step runs.

Example:
    `CSV file not found: /srv/data/orders.csv`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 46
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"CSV file not found: (?P<f1>[^\n]{1,200})"
            r"|No files found that match the pattern \\?\"(?P<f2>[^\"\n\\]{1,200})"
            r"|\[Errno 2\] No such file or directory: '(?P<f3>[^'\n]{1,200})'"
            r"|Config file not found: (?P<f4>[^\n]{1,200})"
            r"|(?:CSV|Input|Source) file (?:does not exist|is missing):? (?P<f5>[^\n]{1,200})"
            r"|cannot (?:read|open) '?(?P<f6>[^'\n]{1,200}?)'?: no such file"
            r"|(?<!on socket )['\"](?P<f7>[^'\"\n]{1,200})['\"]: (?i:no such file or directory)"
            r"|(?i:no such file or directory)(?: \(os error 2\))?: ?'?(?P<f8>[^'\n]{1,200})"
        ),
        message="file {name} does not exist",
        fix="correct the path; a relative path is looked up where the step runs, not where the pipeline lies",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"^FileNotFoundError\b[^\n'\"]{0,200}$"
            r"|^(?![^\n]*(?:socket|Can't connect))[^\n]{0,200}(?i:no such file or directory)(?: \(os error 2\))?\.?$"
        ),
        message="a file does not exist",
        fix="correct the path; a relative path is looked up where the step runs, not where the pipeline lies",
        domain="config",
    ),
)
