"""A file that a step reads does not exist.

What it finds:
    An error that reports a missing file.

Why it matters:
    The step has no input. Paths of the host do not exist inside a sandbox.

How to fix:
    Correct the path, or copy the file to where the step runs.

Example:
    `CSV file not found: /srv/data/orders.csv`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=r"(?i:stale (?:nfs )?file handle)|\[Errno 116\][^\n]{0,80}",
        message="a file on a network share was replaced or removed while it was open",
        fix="mount the share again and run again; keep the files of a run on a local disk",
        domain="infra",
    ),
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
        message="file {name} was not found",
        fix="correct the path; a relative path is resolved where the step runs, not next to the pipeline file",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"^FileNotFoundError\b[^\n'\"]{0,200}$"
            r"|^(?![^\n]*(?:socket|Can't connect))[^\n]{0,200}(?i:no such file or directory)(?: \(os error 2\))?\.?$"
        ),
        message="a file was not found",
        fix="correct the path; a relative path is resolved where the step runs, not next to the pipeline file",
        domain="config",
    ),
)
