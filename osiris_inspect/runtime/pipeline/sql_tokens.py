"""The words of SQL, as DuckDB divides it, and the stretches of a statement that are a query in themselves.

DuckDB shows only a SELECT as a tree. What stands in an INSERT, a MERGE or under a PIVOT is found by its words, and whether
it is a query is asked of DuckDB's parser. Places are offsets in bytes, as DuckDB counts them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BEGINS: Final = frozenset({b"select", b"with", b"from", b"values", b"using"})
_CUTS: Final = frozenset({b"on", b"returning", b"when"})
"""What may follow a query inside a larger statement."""
_PIVOT_CLAUSES: Final = frozenset({b"on", b"using", b"group", b"order", b"limit"})
_PIVOTS: Final = frozenset({b"pivot", b"pivot_wider"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word of SQL in lower case, where it stands, and in how many brackets."""

    text: bytes
    start: int
    depth: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


def sql_tokens(sql: bytes) -> list[Token]:
    """The words of SQL that is no comment; a text in quotes is a word."""
    import duckdb

    tokens = duckdb.tokenize(sql.decode())
    ends = [*(place for place, _ in tokens[1:]), len(sql)]
    found: list[Token] = []
    depth = 0
    for (place, kind), end in zip(tokens, ends, strict=True):
        text = sql[place:end].rstrip()
        if kind == duckdb.token_type.comment:
            continue
        if kind != duckdb.token_type.operator:
            found.append(Token(text.lower(), place, depth))
            continue
        for offset, sign in enumerate(text):
            depth -= sign == ord(")")
            found.append(Token(bytes([sign]), place + offset, depth))
            depth += sign == ord("(")
    return found


def candidate_queries(sql: bytes, words: list[Token]) -> Iterator[tuple[int, list[bytes]]]:
    """Where a query may begin, and what it may be, the longest first; padded so that offsets hold."""
    for number, word in enumerate(words):
        if word.text in _BEGINS:
            last = _limit(sql, words, number)
            cuts = [
                other.start
                for other in words[number + 1 :]
                if other.depth == word.depth and other.start < last and other.text in _CUTS
            ]
            # rows that USING names are read as those that FROM names
            head = b" FROM" if word.text == b"using" else sql[word.start : word.end]
            yield word.start, [head + sql[word.end : end] for end in (last, *reversed(cuts))]


def rewrite_pivots(sql: bytes, words: list[Token]) -> bytes:
    """The SQL with each PIVOT statement in it made a FROM of what it pivots, every other word where it was."""
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
    """What a WITH names: each name before AS and a bracket."""
    begin = next((number for number, word in enumerate(words) if word.text == b"with"), len(words))
    names = set()
    for number in range(begin + 1, len(words)):
        if words[number].text == b"as" and _opens(words, number + 1):
            names.add(words[_before_columns(words, number - 1)].text.decode().strip('"').replace('""', '"'))
    return names


def _begins_statement(words: list[Token], number: int) -> bool:
    """Whether a PIVOT is a statement of its own, and not one that follows a table: that takes a bracket of values."""
    after = [word.text for word in words[number + 1 : number + 3]]
    return after[:1] != [b"("] or after[1:] in ([b"select"], [b"from"], [b"with"], [b"pivot"])


def _limit(sql: bytes, words: list[Token], number: int) -> int:
    """Where the bracket closes that a word stands in; the end where it stands in none."""
    depth = words[number].depth
    closing = (other.start for other in words[number + 1 :] if other.depth < depth)
    last = next(closing, len(sql))
    return last - 1 if sql[last - 1 : last] == b";" else last


def _opens(words: list[Token], number: int) -> bool:
    rest = [word.text for word in words[number : number + 3] if word.text not in (b"not", b"materialized")]
    return rest[:1] == [b"("]


def _before_columns(words: list[Token], number: int) -> int:
    """The place of the name before ``(a, b)``, or of the word itself where there are no brackets."""
    if words[number].text != b")":
        return number
    depth = words[number].depth
    opening = next(
        place
        for place in range(number - 1, -1, -1)
        if words[place].text == b"(" and words[place].depth == depth
    )
    return opening - 1
