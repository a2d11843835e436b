"""The sandbox went away while the run was going on.

What it finds:
    An error that says that a sandbox, which had been there, was not found, was ended, or did not answer any more.

Why it matters:
    What the worker kept is gone with it. Work that had been done outside, such as rows in a table, is not.

How to fix:
    Look at the time limit of the sandbox and at its memory. Run again; the host keeps what was told before.

Example:
    `the sandbox is gone: it was ended at its time limit`
"""

from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

RANK = 39
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:(?:the )?sandbox (?:is|was|has been|got)? ?(?:gone|lost|killed|terminated|paused|ended|shut down|not running))"
            r"|(?i:sandbox (?:timed out|timeout|expired|has expired))"
            r"|(?i:sandbox \S{1,60} (?:does not|doesn't) exist)"
            r"|(?i:sandbox (?:is running but envd inside it )?could not be reached)"
            r"|\bSandbox(?:Timeout|NotRunning|Unreachable|Closed)Exception\b"
        ),
        message="the sandbox went away during the run",
        fix="look at the time limit and the memory of the sandbox, raise what was reached, then run again",
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
