"""Words of a query, without its strings and comments: enough to know which clauses it has."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

MAX_QUERY = 100_000
"""Characters of a query that are read."""
QUERY_KEYS = ("query", "sql", "statement")
LIMIT_KEYS = ("limit", "max_rows", "row_limit", "nrows", "max_records", "limit_rows")

_OTHER = LazyRegex(r"'[^']*'|--[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)")
_WORD = LazyRegex(r"\"[^\"]*\"|`[^`]*`|\w+|[(),;.<>]")
_SET_SIZES = {"union", "cross", "unnest", "generate_series", "generate_subscripts", "range", "lateral",
              "unpivot", "flatten", "explode", "recursive", "values", "asof", "positional", "regexp_split_to_table",
              "string_split_to_table", "repeat"}  # fmt: skip
_GROUPS = {"group", "distinct", "having", "qualify", "pivot", "limit", "top", "intersect", "except", "sample"}
_CLAUSES = ("where", "group", "order", "having", "join", "select", "from", "limit", "qualify")
_OUTER = {"left", "right", "full", "outer"}


SoughtRows = Literal["differences", "without partner", "duplicates"]


class RowLimit(NamedTuple):
    """The limit of the rows of a SELECT.

    Attributes:
        depth: number of parentheses around the SELECT.
        is_ordered: the SELECT has an ORDER BY of its own, so that the limit chooses rows.
    """

    rows: int
    depth: int
    is_ordered: bool


class QueryText:
    """A query as its words, in lower case and in order."""

    def __init__(self, query: str) -> None:
        text = _OTHER.sub(lambda _: " ", query[:MAX_QUERY])
        self.words = tuple(match[0].lower() for match in _WORD.finditer(text))
        self._present = frozenset(self.words)

    def has(self, *words: str) -> bool:
        """Return True if the query has one of these words."""
        return not self._present.isdisjoint(words)

    @property
    def multiplies(self) -> bool:
        """True if the query makes more rows on purpose: a cross join, a union, an unnesting, a join by a range."""
        return self.has(*_SET_SIZES) or self._joins_by_range()

    @property
    def repeats_rows(self) -> bool:
        """True if the query makes several rows of one on purpose; a union does not."""
        return self.has(*(_SET_SIZES - {"union", "values"})) or self._joins_by_range()

    def _joins_by_range(self) -> bool:
        is_condition = False
        for word in self.words:
            if word in ("on", *_CLAUSES):
                is_condition = word == "on"
            elif is_condition and word in ("<", ">", "between", "or", "like"):
                return True
        return False

    @property
    def keeps_rows_without_partner(self) -> bool:
        """True if the query has rows even if one of its inputs has none."""
        pairs = zip(self.words, self.words[1:], strict=False)
        excludes = any(word == "not" and after in ("in", "exists") for word, after in pairs)
        return excludes or self.has(*_SET_SIZES, *_OUTER, "except", "anti")

    @property
    def sought_rows(self) -> SoughtRows | None:
        """Which rows the query seeks, if good data has none of them; None for another query."""
        for number, word in enumerate(self.words):
            after = [text for text in self.words[number + 1 : number + 4] if text != "("]
            if word == "except" and after[:1] in (["select"], ["all"], ["from"]):
                return "differences"
            if word == "anti" or (
                word == "not" and (after[:1] == ["exists"] or after[:2] == ["in", "select"])
            ):
                return "without partner"
        if self._keeps_empty_side():
            return "without partner"
        return "duplicates" if self._keeps_duplicates() else None

    def _keeps_empty_side(self) -> bool:
        """Return True if WHERE keeps the rows for which a left join found no partner: ``WHERE r.id IS NULL``."""
        sides: set[str] = set()
        is_condition = is_outer = False
        for number, word in enumerate(self.words):
            if word == "join":
                is_outer = self.words[number - 1] in _OUTER
            elif word in ("on", "using") and is_outer:
                sides.add(self.words[number - 1])
            elif word in _CLAUSES:
                is_condition = word == "where"
            elif is_condition and sides and self.words[number + 1 : number + 3] == ("is", "null"):
                qualifier = self.words[number - 2] if self.words[number - 1] == "." else None
                if qualifier is None or qualifier in sides:
                    return True
        return False

    def _keeps_duplicates(self) -> bool:
        """Return True for ``HAVING count(*) > 1``."""
        after = self.words[self.words.index("having") + 1 :] if self.has("having") else ()
        end = after.index(")") if ")" in after else 0
        return after[:2] == ("count", "(") and after[end + 1 : end + 3] == (">", "1")

    @property
    def reduces(self) -> bool:
        """True if the query makes fewer rows on purpose: groups, a limit, a difference."""
        return self.has(*_GROUPS) or self.aggregates

    @property
    def aggregates(self) -> bool:
        """True if a sum, a count or an average depends on how often a row occurs."""
        calls = zip(self.words, self.words[1:], self.words[2:], strict=False)
        return any(
            word in ("sum", "count", "avg", "mean") and after == "(" and first != "distinct"
            for word, after, first in calls
        )

    @property
    def has_outer_join(self) -> bool:
        """True if a join keeps rows without a partner."""
        return self.has(*_OUTER)

    @property
    def describes(self) -> bool:
        """True if the query describes a table or a query instead of reading its rows."""
        return self.words[:1] in (
            ("describe",),
            ("desc",),
            ("show",),
            ("summarize",),
            ("explain",),
            ("pragma",),
        )

    @property
    def limit(self) -> RowLimit | None:
        """The limit of the whole query; None if it has no such limit."""
        return next((limit for limit in self.limits if not limit.depth), None)

    @property
    def limits(self) -> tuple[RowLimit, ...]:
        """The limit of each SELECT that has one: of the whole query, and of those in parentheses."""
        limits: list[RowLimit] = []
        open_selects: list[list[str]] = [[]]
        for word in (*self.words, ")"):
            if word == "(":
                open_selects.append([])
            elif word == ")":
                select = open_selects.pop()
                rows = _limit_of(select)
                if rows is not None:
                    limits.append(RowLimit(rows, len(open_selects), "order" in select))
                open_selects = open_selects or [[]]
            else:
                open_selects[-1].append(word)
        return tuple(limits)


def _limit_of(words: Sequence[str]) -> int | None:
    """Return the last limit in the words of a SELECT: LIMIT, FETCH FIRST or TOP; None if it has none."""
    last = None
    for number, word in enumerate(words):
        after = words[number + 1 : number + 4]
        if word == "limit" and after and after[0].isdigit():
            is_pair = after[1:2] == [","] and after[2:3] and after[2].isdigit()
            last = int(after[2] if is_pair else after[0])
        elif word in ("first", "next") and after and after[0].isdigit() and after[1:2] in (["rows"], ["row"]):
            last = int(after[0])
        elif word == "top" and words[number - 1 : number] == ["select"]:
            digits = [text for text in after[:2] if text.isdigit()]
            last = int(digits[0]) if digits else last
    return last


def query_of(config: Mapping[str, Any]) -> QueryText | None:
    """Return the query in the configuration of a step; None if it has none."""
    query = next((config[key] for key in QUERY_KEYS if isinstance(config.get(key), str)), None)
    return None if query is None else QueryText(query)


def query_key(config: Mapping[str, Any]) -> str:
    """Return the key of the query in the configuration of a step."""
    return next((key for key in QUERY_KEYS if isinstance(config.get(key), str)), QUERY_KEYS[0])


def select_item(query: str, name: str) -> str:
    """Return the expression that a query names ``AS name``, in lower case and without strings; empty if there is none."""
    code = _OTHER.sub(lambda _: " ", query[:MAX_QUERY]).lower()
    match = re.search(
        rf"\bas\s{{1,9}}[\"`]?{re.escape(name.lower())}[\"`]?\s{{0,9}}(?=,|\)|;|\bfrom\b|\Z)", code
    )
    if match is None:
        return ""
    depth = 0
    for start in range(match.start() - 1, -1, -1):
        character = code[start]
        depth += {")": 1, "(": -1}.get(character, 0)
        if depth < 0 or (not depth and (character == "," or code.startswith("select", start))):
            return code[start : match.start()].lstrip(",(").removeprefix("select").strip()
    return ""


def defines_null(query: str, column: str) -> bool:
    """Return True if a query defines a column as NULL or empty: ``NULL AS x``, ``CAST(NULL AS date) AS x``, ``'' AS x``."""
    name = re.escape(column)
    pattern = rf"(?:\bnull|'[ ]{{0,9}}')(?:\s{{0,9}}::\s{{0,9}}\w{{1,40}}|\s{{1,9}}as\s{{1,9}}\w{{1,40}}\s{{0,9}}\))?\s{{1,9}}(?:as\s{{1,9}})?[\"`]?{name}\b"
    return re.search(pattern, query[:MAX_QUERY], re.IGNORECASE) is not None


def renames(query: str, column: str, new_name: str) -> bool:
    """Return True if a query passes a column on under another name."""
    old, new = re.escape(column), re.escape(new_name)
    pattern = rf"\b{old}[\"`]?\s{{1,9}}(?:as\s{{1,9}})?[\"`]?{new}\b"
    return re.search(pattern, query[:MAX_QUERY], re.IGNORECASE) is not None


def compared_with_null(query: str) -> str | None:
    """Return a column that a SELECT compares with the constant NULL; None if there is none."""
    text = _OTHER.sub(lambda _: " ", query[:MAX_QUERY])
    if re.search(r"\b(?:update|set|call|declare)\b", text, re.IGNORECASE):
        return None
    match = re.search(r"\b(\w{1,100})[\"`]?\s{0,9}(?<![:<>=])(?:=|<>|!=)\s{0,9}null\b", text, re.IGNORECASE)
    return match[1] if match else None
