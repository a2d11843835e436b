"""The worker process ended during a step.

What it finds:
    A step that failed because its worker ended with a signal or an exit code.

Why it matters:
    The resources of the step are the likely cause, above all memory. Its output may be incomplete.

How to fix:
    After SIGKILL, also logged as code -9 or 137, check the memory first. For another signal or code, check
    the end of the worker's log.

Example:
    `the worker is gone: killed by SIGKILL`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"the worker is gone(?:: (?P<how>[^\n]{1,120}))?"
            r"|[Ww]orker (?:was )?(?:killed|lost|died|exited)[^\n]{0,100}"
            r"|killed by SIG[A-Z]{2,8}"
            r"|exit(?:ed)?(?: with)?(?: exit)? (?:code|status):? (?:-9|-15|-11|-6|137|143|139|134)\b[^\n]{0,40}"
        ),
        message="the worker process ended during the step: {error_line}",
        fix="check the memory after SIGKILL (-9, 137), otherwise the end of the worker's log",
        domain="infra",
    ),
)
