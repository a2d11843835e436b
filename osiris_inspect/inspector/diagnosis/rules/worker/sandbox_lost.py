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

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 39

SIGNATURE: Final = ErrorPattern(
    rule="sandbox-lost",
    pattern=LazyRegex(
        r"(?i:(?:the )?sandbox (?:is|was|has been|got)? ?(?:gone|lost|killed|terminated|paused|ended|shut down|not running))"
        r"|(?i:sandbox (?:timed out|timeout|expired|has expired))"
        r"|(?i:sandbox \S{1,60} (?:does not|doesn't) exist)"
        r"|(?i:sandbox (?:is running but envd inside it )?could not be reached)"
        r"|\bSandbox(?:Timeout|NotRunning|Unreachable|Closed)Exception\b"
    ),
    message="the sandbox went away during the run",
    fix="look at the time limit and the memory of the sandbox, raise what was reached, then run again",
    domain="infra",
)
_NOT_FOUND: Final = replace(
    SIGNATURE,
    pattern=LazyRegex(r"(?i:sandbox (?:[^\s:]{1,80} )?(?:was )?not found)|\bSandboxNotFoundException\b"),
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so. What is not found has gone away only where a step had begun in it."""
    yield from SIGNATURE.find_all(run)
    if any(step.status != "not_started" for step in run.steps):
        yield from _NOT_FOUND.find_all(run)
