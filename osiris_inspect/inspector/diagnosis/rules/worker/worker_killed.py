"""The worker went away while it ran a step.

What it finds:
    A step that failed because its worker ended: by a signal, or with an exit code.

Why it matters:
    The step is not at fault by what it computed but by what it used: memory above all. What it wrote may be half done.

How to fix:
    For SIGKILL, which is also told as code -9 or 137, look at memory first. For another signal or code look at the end of the worker's log.

Example:
    `the worker is gone: killed by SIGKILL`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 45
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"the worker is gone(?:: (?P<how>[^\n]{1,120}))?"
            r"|[Ww]orker (?:was )?(?:killed|lost|died|exited)[^\n]{0,100}"
            r"|killed by SIG[A-Z]{2,8}"
            r"|exit(?:ed)?(?: with)?(?: exit)? (?:code|status):? (?:-9|-15|-11|-6|137|143|139|134)\b[^\n]{0,40}"
        ),
        message="the worker ended while it ran the step: {error_line}",
        fix="for SIGKILL (-9, 137) look at memory; else at the end of the worker's log",
        domain="infra",
    ),
)
