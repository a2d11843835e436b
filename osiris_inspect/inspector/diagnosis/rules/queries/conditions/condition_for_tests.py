"""A comment in a query says that a part of it was meant for a test.

What it finds:
    A comment such as `-- only for testing`, `-- TODO remove` or `-- debug` on a line of a query that chooses rows: with
    WHERE, AND, OR, LIMIT, HAVING or a comparison.

Why it matters:
    A condition that made a test fast stays in the query, and the result has only a part of the rows.

How to fix:
    Remove the condition, or the comment if the condition is meant.

Example:
    `WHERE customer_id < 20 -- TODO remove, only for testing`
"""

from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import MAX_QUERY, query_key
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "remove the condition, or the comment if the condition is meant",
    Confidence.MEDIUM,
)
_CHOOSES: Final = LazyRegex(r"(?i:\b(?:where|and|or|limit|having|top|sample|qualify|on)\b)|[<>=]")
_LEFTOVER: Final = LazyRegex(
    r"(?i:\bfor (?:a |the |local |my |quick )?(?:tests?|testing|debug|debugging|dev|development)\b"
    r"|\b(?:debug|debugging|fixme|hack|temporary|temporarily|wip|testing only|test only|remove me|dev only)\b"
    r"|\btodo\b.{0,20}\b(?:remove|delete|drop|revert|undo)\b"
    r"|\b(?:remove|delete|revert|undo) (?:this|it|before|after|later|when|once|in prod)\b)"
)
_TEXT: Final = LazyRegex(r"'[^']*'")
MAX_LINE: Final = 500


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find conditions whose comment says that they are for a test."""
    for step in run.steps:
        key = query_key(step.config)
        query = step.config.get(key)
        if step.status != "succeeded" or not isinstance(query, str) or not is_safe_name(step.id):
            continue
        comment = next(
            (text for line in query[:MAX_QUERY].splitlines() if (text := _leftover(line[:MAX_LINE]))), ""
        )
        if comment:
            yield TEMPLATE.finding(
                f"the query has a condition with the comment {comment!r}",
                config_evidence(step.id, key),
                step=step.id,
            )


def _leftover(line: str) -> str:
    """Return the comment of a line that chooses rows if it says that it is for a test; else an empty text."""
    masked = _TEXT.sub(lambda match: "'" + "." * (len(match[0]) - 2) + "'", line)
    start = min((at for at in (masked.find("--"), masked.find("/*")) if at >= 0), default=-1)
    if start < 0 or not _CHOOSES.search(masked[:start]):
        return ""
    comment = line[start:].strip("-/* \t")
    return comment[:80] if _LEFTOVER.search(comment) else ""
