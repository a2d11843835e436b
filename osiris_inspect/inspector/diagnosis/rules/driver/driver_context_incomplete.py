"""A driver and the runner that calls it do not fit together.

What it finds:
    An error about the interface between a driver and its runner: the context object, or the arguments of `run`.

Why it matters:
    Every step with that driver fails, regardless of the data.

How to fix:
    Use a version in which driver and runner fit: both can come from one version and still differ. Report the error to the
    author of the driver.

Example:
    `Context must provide get_db_connection() method`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

EXPLAINS = ("driver-raised",)
_FIX = "use a version in which driver and runner fit, or report it to the author of the driver; the pipeline is not the cause"
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Context must provide [^\n]{1,100}"
            r"|'(?:Simple|Runner|Driver|Execution|Step|Run|Worker)?Context' object has no attribute '[^'\n]{1,80}'"
            r"|\b(?:Simple|Runner|Driver|Execution|Step|Run|Worker)?Context\.\w{1,60}\(\) (?:got an unexpected|got multiple|missing \d{1,2} |takes )[^\n]{1,120}"
            r"|'NoneType' object has no attribute '(?:log_metric|log_event|get_db_connection)'"
            r"|'\w{0,40}Namespace' object has no attribute '(?:log_metric|log_event|get_db_connection|output_dir|base_path"
            r"|artifacts_dir)'"
            r"|\d{1,4} validation errors? for \w{0,40}(?:Message|Command|Context)\b[^\n]{0,60}"
            r"|\brun\(\) got an unexpected keyword argument '(?:step_id|config|inputs|ctx|context)'"
            r"|\brun\(\) missing \d{1,2} required (?:keyword-only|positional) arguments?: '(?:step_id|config|inputs|ctx|context)'[^\n]{0,100}"
        ),
        message="the driver and the runner do not have the same interface",
        fix=_FIX,
        domain="code",
    ),
    ErrorPattern(
        pattern=(
            r"\b\w{0,60}[Dd]river\.run\(\) (?:got|takes) [^\n]{1,100}"
            r"|Can't instantiate abstract class \w{1,60}[Dd]river\b[^\n]{0,100}"
        ),
        message="the driver and the runner do not have the same interface",
        fix=_FIX,
        domain="code",
        confidence=Confidence.MEDIUM,
    ),
)
