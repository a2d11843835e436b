"""A condition joined by AND holds for one alternative of an OR only, because parentheses are missing.

What it finds:
    `a = 1 OR a = 2 AND b > 3` in a query: two values of one column, and a further condition that AND joins with only one
    of them, without parentheses around either part. With parentheses of any kind, the query is not reported.

Why it matters:
    AND is evaluated before OR: rows with the other value are in the result whatever the further condition says.

How to fix:
    Write `(a = 1 OR a = 2) AND b > 3`, or `a IN (1, 2) AND b > 3`. If the condition belongs to one value, write
    parentheses around both.

Example:
    `WHERE status = 'paid' OR status = 'open' AND amount > 100` returns paid orders of any amount.
"""

from collections.abc import Iterator
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
    "write parentheses around the alternatives: (a = 1 OR a = 2) AND b > 3",
    Confidence.MEDIUM,
)
_TOKEN: Final = LazyRegex(
    r"--[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)|'[^']*'|\"[^\"]*\"|`[^`]*`|\w+|<>|!=|[<>]=?|=|[(),;.]"
)
_ENDS: Final = frozenset(
    {
        "select",
        "from",
        "join",
        "where",
        "on",
        "having",
        "qualify",
        "group",
        "order",
        "limit",
        "union",
        "intersect",
    }
    | {
        "except",
        "when",
        "then",
        "else",
        "end",
        "left",
        "right",
        "inner",
        "full",
        "cross",
        "filter",
        "window",
        ",",
    }
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find conditions without the parentheses that they need."""
    for step in run.steps:
        key = query_key(step.config)
        query = step.config.get(key)
        if step.status != "succeeded" or not isinstance(query, str) or not is_safe_name(step.id):
            continue
        found = next(_ungrouped(query), None)
        if found is not None:
            column, condition = found
            yield TEMPLATE.finding(
                f"the query has alternatives of {column!r} joined by OR, and AND {condition!r} holds for one of them only",
                config_evidence(step.id, key),
                step=step.id,
            )


def _ungrouped(query: str) -> Iterator[tuple[str, str]]:
    """Yield the column of the alternatives, and the further condition of one of them."""
    for words in _conditions(query):
        branches = [_split(branch, "and") for branch in _split(words, "or")]
        alone = [_compared_column(branch[0]) for branch in branches if len(branch) == 1]
        column = alone[0] if alone else None
        if column is None or set(alone) != {column} or len(branches) != len(alone) + 1:
            continue
        joined = next(branch for branch in branches if len(branch) > 1)
        others = [term for term in joined if _compared_column(term) != column]
        if len(others) == len(joined) - 1:
            yield column, " ".join(others[-1])


def _conditions(query: str) -> Iterator[list[str]]:
    """Yield the words of each condition; a part in parentheses is one word, and its conditions are yielded too."""
    open_groups: list[list[str]] = [[]]
    for match in _TOKEN.finditer(query[:MAX_QUERY]):
        word = match[0]
        if word.startswith(("--", "/*")):
            continue
        if word == "(":
            open_groups.append([])
        elif word == ")" and len(open_groups) > 1:
            yield open_groups.pop()
            open_groups[-1].append("(…)")
        elif word.lower() in _ENDS or word == ";":
            yield open_groups[-1]
            open_groups[-1] = []
        else:
            open_groups[-1].append(word)
    yield from open_groups


def _split(words: list[str], separator: str) -> list[list[str]]:
    """Split words at AND or OR; the AND of BETWEEN does not separate."""
    parts: list[list[str]] = [[]]
    is_between = False
    for word in words:
        lower = word.lower()
        if lower == separator and not (is_between and lower == "and"):
            parts.append([])
            continue
        is_between = lower == "between" or (is_between and lower != "and")
        parts[-1].append(word)
    return parts


def _compared_column(term: list[str]) -> str | None:
    """Return the column of ``column = constant``; None for another condition."""
    column, *rest = (term[2:] if term[1:2] == ["."] else term) or [""]
    is_constant = len(rest) == 2 and (rest[1][:1] in "'" or rest[1].isdigit())
    return column.strip('"`').lower() if is_constant and rest[0] == "=" else None
