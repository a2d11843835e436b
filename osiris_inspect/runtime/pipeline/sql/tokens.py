"""Tokens of SQL as DuckDB splits it, and the parts of a statement that are queries.

DuckDB returns a tree only for a SELECT. Queries inside an INSERT, a MERGE or a PIVOT are located by tokens,
and DuckDB's parser decides whether they are queries. Positions are byte offsets, as DuckDB counts them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_QUERY_STARTS: Final = frozenset({b"select", b"with", b"from", b"values", b"using"})
_QUERY_ENDS: Final = frozenset({b"on", b"returning", b"when"})
"""Tokens that may follow a query inside a larger statement."""
_PIVOT_CLAUSES: Final = frozenset({b"on", b"using", b"group", b"order", b"limit"})
_PIVOTS: Final = frozenset({b"pivot", b"pivot_wider"})


@dataclass(frozen=True, slots=True)
class Token:
    """Lower-case token of SQL with its position and its depth in parentheses."""

    text: bytes
    start: int
    depth: int

    @property
    def end(self) -> int:
        """Position after the token."""
        return self.start + len(self.text)


def sql_tokens(sql: bytes) -> list[Token]:
    """Return the tokens of SQL without comments; a quoted string is one token."""
    import duckdb

    tokens = duckdb.tokenize(sql.decode())
    ends = [*(start for start, _ in tokens[1:]), len(sql)]
    words: list[Token] = []
    depth = 0
    for (start, kind), end in zip(tokens, ends, strict=True):
        text = sql[start:end].rstrip()
        if kind == duckdb.token_type.comment:
            continue
        if kind != duckdb.token_type.operator:
            words.append(Token(text.lower(), start, depth))
            continue
        for offset, sign in enumerate(text):
            depth -= sign == ord(")")
            words.append(Token(bytes([sign]), start + offset, depth))
            depth += sign == ord("(")
    return words


def candidate_queries(sql: bytes, words: list[Token]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield each offset at which a query may start, with its candidates, longest first."""
    for number, word in enumerate(words):
        if word.text in _QUERY_STARTS:
            last = _limit(sql, words, number)
            cuts = [
                other.start
                for other in words[number + 1 :]
                if other.depth == word.depth and other.start < last and other.text in _QUERY_ENDS
            ]
            # USING reads tables like FROM
            head = b" FROM" if word.text == b"using" else sql[word.start : word.end]
            yield word.start, [head + sql[word.end : end] for end in (last, *reversed(cuts))]


def rewrite_pivots(sql: bytes, words: list[Token]) -> bytes:
    """Return the SQL with each PIVOT statement replaced by a FROM of its source; other offsets stay."""
    text = bytearray(sql)
    for number, word in enumerate(words):
        if word.text not in _PIVOTS or not _begins_statement(words, number):
            continue
        last = _limit(sql, words, number)
        after = (
            other.start
            for other in words[number + 1 :]
            if other.depth == word.depth and other.text in _PIVOT_CLAUSES
        )
        cut = min(next(after, last), last)
        text[word.start : word.end] = b"FROM".ljust(len(word.text))
        text[cut:last] = b" " * (last - cut)
    return bytes(text)


def cte_names(words: list[Token]) -> set[str]:
    """Return the names that a WITH defines."""
    begin = next((number for number, word in enumerate(words) if word.text == b"with"), len(words))
    names = set()
    for number in range(begin + 1, len(words)):
        if words[number].text == b"as" and _opens(words, number + 1):
            names.add(words[_before_columns(words, number - 1)].text.decode().strip('"').replace('""', '"'))
    return names


def _begins_statement(words: list[Token], number: int) -> bool:
    """Return True if a PIVOT is a statement; a PIVOT after a table is followed by parentheses with values."""
    after = [word.text for word in words[number + 1 : number + 3]]
    return after[:1] != [b"("] or after[1:] in ([b"select"], [b"from"], [b"with"], [b"pivot"])


def _limit(sql: bytes, words: list[Token], number: int) -> int:
    """Return the position at which the parentheses around a token close; the end if there are none."""
    depth = words[number].depth
    closing = (other.start for other in words[number + 1 :] if other.depth < depth)
    last = next(closing, len(sql))
    return last - 1 if sql[last - 1 : last] == b";" else last


def _opens(words: list[Token], number: int) -> bool:
    following = [word.text for word in words[number : number + 3]]
    return next((text for text in following if text not in (b"not", b"materialized")), b"") == b"("


def _before_columns(words: list[Token], number: int) -> int:
    """Return the index of the name before ``(a, b)``; ``number`` itself if there are no parentheses."""
    if words[number].text != b")":
        return number
    depth = words[number].depth
    opening = next(
        index
        for index in range(number - 1, -1, -1)
        if words[index].text == b"(" and words[index].depth == depth
    )
    return opening - 1
