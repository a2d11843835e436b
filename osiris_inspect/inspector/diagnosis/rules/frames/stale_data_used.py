"""A driver logged that it used old data, or default values, in place of the source.

What it finds:
    Messages of a successful step about a fallback: `falling back to cached rates`, `using stale copy`, `using
    yesterday's file`, or `rates service unavailable, using default rates`. Cached tokens, connections and schemas, and
    another server of the same source are not reported.

Why it matters:
    The rows are those of an earlier day, or the values are made up, and the run succeeds.

How to fix:
    Run the step again when its source answers. Let the driver raise the error instead.

Example:
    `WARNING - rates API timed out, falling back to cached rates of 2026-11-02`.
"""

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import DriverMessage, messages_of_successful_steps
from osiris_inspect.inspector.files.unreached_sources import unreached_sources
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("text logs",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "run the step again when its source answers; if old data is acceptable, allow this rule for the step",
    Confidence.MEDIUM,
)
_OLD = r"(?:local |last |an |a |the )?(?:(?:locally )?cached?|stale|previous|last|old|older|outdated|yesterday'?s?|archived|bundled|backup|snapshot|local copy|saved|stored|sample|fixture|mock|static|hard-?coded)"
_FALLBACK = LazyRegex(
    rf"\b(?:fall(?:ing|s)?|fell|fallen) back (?:to|on) {_OLD}\b|\bfallback[^\n]{{0,20}}\b{_OLD} (?:data|copy|response|results?|rates?|file|rows|snapshot)\b"
    r"|\b(?:using|serving|returning|loaded|reading|reusing) (?:the |a |an )?(?:stale|outdated|yesterday'?s|last known|last good|previous day'?s) (?:\w{1,20} ?){1,2}"
    r"|\b(?:data|file|rates?|copy|cache|response|snapshot|extract|feed) (?:is|are|was|may be) (?:stale|outdated)\b",
    2,
)
_CACHED = LazyRegex(
    r"\b(?:using|serving|returning|loaded|reading|reusing) (?:the |a |an )?(?:cached|previous|old|last) (?:data|copy|results?|rates?|files?|rows|snapshot|response|extract|values?|prices?)\b",
    2,
)
_NOT_DATA = LazyRegex(
    r"\b(?:tokens?|credentials?|sessions?|connections?|schemas?|metadata|config\w{0,9}|settings|plans?|certificates?|dns|wheels?|packages?|cursor|checkpoint|watermark|bookmark|offset"
    r"|encoding|parser|engine|driver|protocol|http/1|endpoint|mirror|replica|defaults?|stale (?:lock|pid|connection|session|token|handle)|not stale|no stale)\b",
    2,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful steps that logged a fallback to old data."""
    for step, messages in messages_of_successful_steps(run).values():
        old = next(filter(_is_fallback, messages), None)
        replaced = next((one for one in unreached_sources(messages) if one.outcome == "substitute"), None)
        if old is not None:
            yield TEMPLATE.finding(
                f"its text log reports that old data was used: {old.quote}", old.evidence, step=step.id
            )
        elif replaced is not None:
            yield TEMPLATE.finding(
                f"its text log reports that a source was not reached and other values were used: {replaced.quote}",
                *(message.evidence for message in replaced.messages),
                step=step.id,
                fix="run the step again when its source answers; if the other values are acceptable, allow this rule for the step",
            )


def _is_fallback(message: DriverMessage) -> bool:
    is_fallback = _FALLBACK.search(message.claims) or (message.line.level and _CACHED.search(message.claims))
    return bool(is_fallback) and not _NOT_DATA.search(message.claims)
