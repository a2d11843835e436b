"""A query keeps the rows that the name of its step excludes.

What it finds:
    A step named `latest-…`, `newest-…` or `most-recent-…` whose query keeps the first row of each group in ascending order
    of a time or a version; a step named `without-cancelled` that keeps the rows with this value, and a step named
    `cancelled-orders` that leaves them out.

Why it matters:
    The result is the opposite of what the next steps expect, with the right columns and a plausible number of rows.

How to fix:
    Turn the order or the condition round. If the query is right, rename the step, or allow this rule for it.

Example:
    `latest-prices` keeps `row_number() OVER (PARTITION BY sku ORDER BY updated_at) = 1`, the oldest price.
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import MAX_QUERY, query_key
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "turn the order or the condition round; if the query is right, rename the step or allow this rule for it",
    Confidence.MEDIUM,
)
_LATEST = LazyRegex(r"(?:^|[-_ ])(?:latest|newest|most[-_ ]?recent)(?:[-_ ]|$)", 2)
_RANK = LazyRegex(
    r"\brow_number\s{0,9}\(\s{0,9}\)\s{0,9}over\s{0,9}\(([^()]{0,400})\)\s{0,9}(?:as\s{1,9})?(=|<=|\w{1,60})",
    2,
)
_ORDER = LazyRegex(r"\border\s{1,9}by\s{1,9}(?:\w{1,60}\.)?\"?(\w{1,60})\"?(?:\s{1,9}(asc|desc)\b)?", 2)
_TIME = LazyRegex(
    r"(?:.{0,50}_)?(?:at|on|ts|date|day|time|timestamp|datetime|version|updated|modified|created|changed|loaded)|.{1,50}(?:At|Date|Time)",
    0,
)
_COUNTDOWN = LazyRegex(r"since|age|ago|diff|delta|rank|left|remaining", 2)
_KEPT = LazyRegex(r"\bwhere\s{1,9}(?:\w{1,60}\.)?\w{1,60}\s{0,9}(=|<>|!=)\s{0,9}'([\w -]{3,40})'", 2)
_REVERSES = LazyRegex(r"\bnot\b|\bexcept\b|\banti\b|\bcase\b|\bunion\b|\bor\b|\bjoin\b|\bif\s{0,9}\(", 2)
_WITHOUT = LazyRegex(
    r"(?:^|[-_ ])(?:without|excluding|exclude|except|non|no|not|drop|remove|hide|skip)[-_ ]", 2
)
_AMBIGUOUS = LazyRegex(
    r"(?:^|[-_ ])(?:filter|clean|check|fix|handle|split|flag|mark|before|after|vs|and|or|to)(?:[-_ ]|$)", 2
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find queries that keep the opposite of what the step is named after."""
    for step in run.steps:
        key = query_key(step.config)
        query = step.config.get(key)
        if step.status != "succeeded" or not isinstance(query, str) or not is_safe_name(step.id):
            continue
        text = query[:MAX_QUERY]
        reason = _oldest(step.id, text) or _opposite(step.id, text)
        if reason:
            yield TEMPLATE.finding(
                f"the query keeps {reason}, but the step is named {step.id!r}",
                config_evidence(step.id, key),
                step=step.id,
            )


def _oldest(name: str, query: str) -> str:
    """Return which row is kept if the name says the latest one and the order is ascending; else nothing."""
    rank = _RANK.search(query) if _LATEST.search(name) else None
    order = _ORDER.search(rank[1]) if rank is not None else None
    if rank is None or order is None or (order[2] or "").lower() == "desc":
        return ""
    column, follows = order[1], rank[2]
    if follows in ("=", "<="):
        keeps_first = re.match(r"\s{0,9}1\b", query[rank.end() : rank.end() + 20]) is not None
    else:
        keeps_first = (
            re.search(rf"\b{re.escape(follows)}\s{{0,9}}<?=\s{{0,9}}1\b", query, re.IGNORECASE) is not None
        )
    if not keeps_first or not _TIME.fullmatch(column) or _COUNTDOWN.search(column):
        return ""
    return f"the row with the smallest {column!r} of each group"


def _opposite(name: str, query: str) -> str:
    """Return which rows are kept if the name says the others; else nothing."""
    kept = _KEPT.search(query)
    if kept is None or _REVERSES.search(query) or _AMBIGUOUS.search(name):
        return ""
    value = kept[2].strip().lower()
    parts = re.split(r"[-_ ]", name.lower())
    words = re.split(r"[-_ ]", value)
    is_named = any(parts[start : start + len(words)] == words for start in range(len(parts)))
    if not is_named or (kept[1] == "=") == (_WITHOUT.search(name) is None):
        return ""
    shown = repr(excerpt(kept[2], 40))
    return f"the rows with {shown}" if kept[1] == "=" else f"the rows without {shown}"
