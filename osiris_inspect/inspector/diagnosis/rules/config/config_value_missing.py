"""A required configuration value is missing.

What it finds:
    An error in which a driver does not find a key in its configuration, or a `KeyError` of a mapping with the name of
    a configuration, for a key that the configuration of the step does not have.

Why it matters:
    The step cannot start.

How to fix:
    Add the key that the message names.

Example:
    `Step extract: 'query' is required in config`
"""

import re
from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.traceback_frames import raising_frame, subscripted_mapping
from osiris_inspect.model.finding import Confidence, Severity

SEARCHES = ("errors",)
EXPLAINS = ("column-missing",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?:Missing '(?P<k1>\w{1,80})'|'(?P<k2>\w{1,80})' is required) (?:in|for) [^\n]{0,80}"
            r"|Missing resolved_connection in config"
            r"|'resolved_connection' is required"
            r"|requires 'primary_key'[^\n]{0,60}"
            r"|'primary_key' (?:is required|must be provided)[^\n]{0,60}"
            r"|Missing [\w' ]{1,60} in (?:resolved_connection|config(?:uration)?|connection)\b"
            r"|\bbut \w{1,60} not provided"
            r"|Compilation failed: '\w{1,60}'\s*$"
            r"|'(?P<k3>[\w.\-]{1,80})' is a required property|required key '?(?P<k4>[\w.\-]{1,80})'? not provided"
            r"|(?:[Mm]issing required|lacks required) (?:config|configuration|key|option|setting)[^\n]{0,100}"
        ),
        message="a required configuration value was missing",
        fix="add the missing key to the step or its connection",
        domain="config",
    ),
)
_KEY_ERROR = FindingTemplate(Severity.ERROR, "config")
_KEY = LazyRegex(r"\bKeyError: ['\"](?P<key>[^'\"\n]{1,200})['\"]$", re.MULTILINE)
_CONFIGURATION = LazyRegex(
    r"(?i)(?:^|[._])(?:config\w{0,40}|cfg|conf|settings?|options?|opts|params?|parameters)$"
)
_SHORT = LazyRegex(r"(?:^|\.)_?(?:c|cf|cnf|args|kwargs)$")
"""Names that may be short for a configuration; any other mapping is a response, a lookup or another thing."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also a KeyError of a configuration, as far as the name of the mapping tells."""
    for error, match in matching_errors(run, _KEY):
        step, key = run.step(error.step or ""), match["key"]
        name = _mapping(error, key)
        if step is None or name is None or _has_key(step, key):
            continue
        is_section = isinstance(step.config.get(name.rpartition(".")[2]), Mapping)
        is_configuration = is_section or _CONFIGURATION.search(name) is not None
        if not is_configuration and not _SHORT.search(name):
            continue
        origin = f"the driver read key {key!r} of {name!r}"
        yield _KEY_ERROR.finding(
            error.headline(match[0])
            + SEPARATOR
            + (origin if is_configuration else f"{origin}, which is not a DataFrame")
            + (", and the configuration of the step has no such key" if step.config else ""),
            error.evidence(match[0]),
            step=step.id,
            confidence=Confidence.HIGH if is_configuration else Confidence.MEDIUM,
            fix=f"add {key!r} to the config of the step"
            + (
                "" if is_configuration else f" if {name!r} is the configuration; otherwise correct the driver"
            ),
        )


def _mapping(error: ErrorText, key: str) -> str | None:
    """Return the mapping that lacked a key; None if pandas raised it, or the traceback does not show it."""
    frame = raising_frame(error.traceback, "KeyError: ")
    if frame is None or frame.package:
        return None  # pandas raises a missing column in its own code
    return subscripted_mapping(frame, key)


def _has_key(step: StepState, key: str) -> bool:
    """Return True if the configuration of a step contains a key, at any depth of mappings."""
    pending: list[object] = [step.config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if key in value:
                return True
            pending += value.values()
    return False
