"""A connection that a step refers to is not configured.

What it finds:
    A connection reference that does not exist, belongs to another family, or has an invalid format.

Why it matters:
    The driver does not know where to connect.

How to fix:
    Compare the reference in the pipeline with the connections file.

Example:
    `Connection alias 'nope' not found in family 'mysql'. Available aliases: main`
"""

import re
from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.files.log_phrases import CONNECTION_OF
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

SEARCHES = ("errors",)
_PATTERN = ErrorPattern(
    pattern=(
        r"Connection alias '(?P<a1>[^'\n]{0,80})' not found in family '(?P<f1>[^'\n]{0,80})'[^\n]{0,120}"
        r"|Connection family '[^'\n]{0,80}' not found"
        r"|No connections? (?:configured|defined)[^\n]{0,80}"
        r"|Connection family mismatch: [^\n]{1,120}"
        r"|Invalid connection reference format: [^\n]{1,120}"
        r"|(?i:unknown connection) [^\n]{1,80}"
        r"|connection '?@[\w.\-]{1,120}'? (?:is )?not (?:found|configured|defined)"
        r"|(?:no default connection|No default connection)[^\n]{0,80}"
        r"|Invalid connection format: [^\n]{1,120}"
        r"|Connection family must be [^\n]{1,80}"
        r"|Failed to resolve connection (?!for )[^\n]{1,120}"
    ),
    message="the connection could not be resolved",
    fix="correct the reference @family.alias or add the connection to osiris_connections.yaml",
    domain="config",
)
_MISMATCH = LazyRegex(r"step uses '?(?P<family>[\w\-]{1,60})'?, ref is '?(?P<other>[\w\-]{1,60})")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find unresolved connections; an error before the run is assigned to the step with the reference."""
    for finding in _PATTERN.find_all(run):
        step = finding.step or _step_with_reference(run, finding.message)
        yield replace(finding, step=step, stage="step" if step else finding.stage)


def _step_with_reference(run: Run, error: str) -> str | None:
    """Return the first step whose connection reference an error mentions."""
    for _, match in matching_log_lines(run, CONNECTION_OF):
        if match["why"] in error:
            return match["step"]
    for step in run.steps:
        reference = step.config.get("connection")
        if isinstance(reference, str) and _mentions(error, reference, step.driver or ""):
            return step.id
    return None


def _mentions(error: str, reference: str, driver: str) -> bool:
    """Return True if an error mentions a reference, or its family and its alias if it names an alias."""
    family, _, alias = reference.removeprefix("@").partition(".")
    mismatch = _MISMATCH.search(error)
    if not reference.startswith("@"):
        return False
    if mismatch:
        return family == mismatch["other"] and driver.startswith(mismatch["family"])
    same_alias = f"alias '{alias}'" in error or "alias '" not in error
    return reference in error or (same_alias and bool(re.search(rf"family '?{re.escape(family)}\b", error)))
