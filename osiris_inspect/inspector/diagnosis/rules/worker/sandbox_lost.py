"""The sandbox ended during the run.

What it finds:
    An error in which a sandbox that was in use was not found, was terminated, or did not respond any more.

Why it matters:
    Everything the worker stored is lost with it. Work outside the sandbox, such as rows in a table, is not.

How to fix:
    Check the time limit and the memory of the sandbox, then run again; the host keeps the events it had
    received.

Example:
    `the sandbox is gone: it was ended at its time limit`
"""

from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

SEARCHES = ("errors",)
REFINES = ("network", "step-timeout", "worker-killed")
EXPLAINS = ("run-truncated", "step-never-ended")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:(?:the )?sandbox (?:is|was|has been|got)? ?(?:gone|lost|killed|terminated|paused|ended|shut down|not running))"
            r"|(?i:sandbox (?:timed out|timeout (?:was )?(?:reached|exceeded)|expired|has expired))"
            r"|(?i:sandbox \S{1,60} (?:does not|doesn't) exist)"
            r"|(?i:sandbox (?:is running but envd inside it )?could not be reached)"
            r"|(?i:sandbox is probably not running)"
            r"|\bSandbox(?:Timeout|NotRunning|Unreachable|Closed)Exception\b"
        ),
        message="the sandbox ended during the run",
        fix="check the time limit and memory of the sandbox, raise the limit that was reached, then run again",
        domain="infra",
    ),
)
_NOT_FOUND = replace(
    PATTERNS[0],
    pattern=r"(?i:sandbox (?:[^\s:]{1,80} )?(?:was )?not found)|\bSandboxNotFoundException\b",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Search for a sandbox that is not found; before the first step it was not available at all."""
    if any(step.status != "not_started" for step in run.steps):
        yield from _NOT_FOUND.find_all(run)
