"""A Python package is missing where a step ran.

What it finds:
    An error of an import.

Why it matters:
    The driver cannot work without it.

How to fix:
    Install the package; in a sandbox let the run install its dependencies.

Example:
    `Missing required dependencies: psycopg2`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.cite import at
from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("events",)
RANK: Final = 48

SIGNATURE: Final = Signature(
    rule="dependency-missing",
    pattern=Pattern(
        r"Missing required dependencies(?: after installation)?: (?P<what>[^\n.]{1,160})"
        r"|No module named '(?P<m>[\w.]{1,80})'"
        r"|(?P<p>psycopg2) (?:not installed|channel not configured)"
        r"|ImportError: [^\n]{1,120}"
        r"|pip command failed[^\n]{0,120}"
    ),
    message="a Python package is missing",
    fix="install the package where the step runs (--e2b-install-deps for a sandbox)",
    domain="infra",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so, and packages that a check before the first step missed."""
    yield from SIGNATURE.findings(run)
    for event in run.named("dependency_check"):
        missing = event.fields.get("missing")
        if not isinstance(missing, list) or not missing:
            continue
        blocked = run.status == "failed" and run.failed_stage == "prepare"
        yield Finding(
            rule="dependency-missing",
            severity=Severity.ERROR if blocked else Severity.NOTE,
            confidence=Confidence.HIGH,
            domain="infra",
            message=f"packages are missing where the steps run: {', '.join(map(str, missing[:8]))}",
            evidence=(at(event, "missing"),),
            stage="prepare",
            fix=SIGNATURE.fix,
        )
