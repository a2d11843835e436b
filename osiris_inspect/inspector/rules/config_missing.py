"""Configuration files of the compiled pipeline are not there.

What it finds:
    A check before the run, or a worker, that misses the configuration of a step.

Why it matters:
    The build directory is incomplete or was moved. The original's worker skips such a step without an event, so only
    what comes after it fails.

How to fix:
    Compile again, and run from the directory that was compiled.

Example:
    `Preflight validation failed: Missing required cfg files: cfg/agg-orders.json`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.failures import Told, complaints, matching
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity, Stage

NEEDS: Final = ("events",)
RANK: Final = 18

_BEFORE = re.compile(
    r"Missing required cfg files:[^\n]{0,160}"
    r"|Missing configuration files required by manifest[^\n]{0,120}"
    r"|Cannot find source location for cfg files[^\n]{0,120}"
)
_AT_STEP = re.compile(
    r"(?:[Cc]onfig(?:uration)? file not found|configuration is not there|[Cc]onfig(?:uration)? (?:file )?is missing): "
    r"\S{0,300}?(?P<step>[^/\s'\"]{1,200})\.json"
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Missing configurations, at the step they belong to where it is known."""
    for told, match in matching(run, _BEFORE):
        yield _finding(told, match[0], None, "prepare")
    for told, match in (*matching(run, _AT_STEP), *complaints(run, _AT_STEP)):
        yield _finding(told, match[0], match["step"], "step")


def _finding(told: Told, text: str, step: str | None, stage: Stage) -> Finding:
    return Finding(
        rule="config-missing",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="infra",
        message=f"the configuration of {_names(told, step)} is missing",
        evidence=(told.cite(text[:120]),),
        step=told.step if step is None else step,
        stage=stage,
        fix="compile the pipeline again, and run from the directory that was compiled",
    )


def _names(told: Told, step: str | None) -> str:
    """The steps whose configuration is named as missing."""
    named = re.findall(r"cfg/([^/\s'\"]{1,200})\.json", told.text) if step is None else [step]
    return ", ".join(map(repr, dict.fromkeys(named))) or "a step"
