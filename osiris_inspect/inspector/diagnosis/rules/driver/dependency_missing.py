"""A Python package is missing where a step ran.

What it finds:
    An import error, or a package that the check before the first step reported as missing.

Why it matters:
    The driver cannot work without it.

How to fix:
    Install the package; in a sandbox, let the run install its dependencies.

Example:
    `Missing required dependencies: psycopg2`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

_FIX = "install the package where the step runs (--e2b-install-deps for a sandbox)"
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Missing required dependencies(?: after installation)?: (?P<what>[^\n.]{1,160})"
            r"|No module named '(?P<m>[\w.]{1,80})'"
            r"|\bModuleNotFoundError\b[^\n]{0,120}"
            r"|(?P<p>psycopg2) not installed"
            r"|'(?P<c>[\w\-]{1,60})' package is required[^\n]{0,100}"
            r"|Missing optional dependency '(?P<o>[\w\-.]{1,60})'"
            r"|ImportError: (?!cannot import name|\S{0,200}/|DLL load|[^\n]{0,200}(?:undefined symbol|shared object|not found \(required by))[^\n]{1,120}"
            r"|pip command failed[^\n]{0,120}"
        ),
        message="a Python package was missing",
        fix=_FIX,
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"ImportError: (?:cannot import name|\S{0,200}/|DLL load|[^\n]{0,200}(?:undefined symbol|shared object|not found \(required by))"
            r"[^\n]{0,160}"
            r"|cannot import name '[^'\n]{1,80}' from [^\n]{1,100}"
            r"|version `\w{1,20}_[\d.]{1,20}' not found[^\n]{0,100}"
            r"|numpy\.dtype size changed, may indicate binary incompatibility[^\n]{0,100}"
        ),
        message="a Python package was installed but incompatible with another package or the system",
        fix="install compatible versions where the step runs",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"Failed to download extension [^\n]{1,120}"
            r"|automatically install(?:ing)? the required extension '[^\n]{1,60}"
            r"|Extension \"[^\"\n]{1,200}\" (?:not found|could not be loaded)[^\n]{0,80}"
        ),
        message="a DuckDB extension was missing and could not be downloaded",
        fix="install the extension where the step runs or allow access to the extension server",
        domain="infra",
    ),
)
_CHECKED = FindingTemplate(Severity.NOTE, "infra", _FIX, stage="prepare")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also packages that the check before the first step reported as missing."""
    for event in run.events_named("dependency_check"):
        missing = event.fields.get("missing")
        if isinstance(missing, list) and missing:
            blocked = run.status == "failed" and run.failed_stage == "prepare"
            yield _CHECKED.finding(
                f"packages were missing where the steps ran: {', '.join(map(str, missing[:8]))}",
                event_evidence(event, "missing"),
                severity=Severity.ERROR if blocked else None,
            )
