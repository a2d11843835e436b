"""A connection that a step refers to is not configured.

What it finds:
    A reference to a connection that does not exist, belongs to another family, or is written wrongly.

Why it matters:
    The step cannot know where to connect.

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

RANK = 40
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
    message="the connection of the step could not be resolved",
    fix="correct the reference @family.alias, or add the connection to osiris_connections.yaml",
    domain="config",
)
_MISMATCH = LazyRegex(r"step uses '?(?P<family>[\w\-]{1,60})'?, ref is '?(?P<other>[\w\-]{1,60})")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Failures whose text says so, at the step that refers to the connection also where the host says it beforehand."""
    for finding in _PATTERN.find_all(run):
        step = finding.step or _step_of(run, finding.message)
        yield replace(finding, step=step, stage="step" if step else finding.stage)


def _step_of(run: Run, text: str) -> str | None:
    """The first step whose reference is the one a text speaks of."""
    for _, match in matching_log_lines(run, CONNECTION_OF):
        if match["why"] in text:
            return match["step"]
    mismatch = _MISMATCH.search(text)
    for step in run.steps:
        reference = step.config.get("connection")
        if not isinstance(reference, str) or not reference.startswith("@"):
            continue
        family, _, alias = reference[1:].partition(".")
        if mismatch:
            meant = family == mismatch["other"] and (step.driver or "").startswith(mismatch["family"])
        else:
            meant = reference in text or _names(text, family, alias)
        if meant:
            return step.id
    return None


def _names(text: str, family: str, alias: str) -> bool:
    """Whether a text names the family and, where it speaks of an alias, that one."""
    own = f"alias '{alias}'" in text or "alias '" not in text
    return own and re.search(rf"family '?{re.escape(family)}\b", text) is not None
