"""The columns of the parts of a union, as far as the text of the query and the frames of its inputs show them."""

from collections.abc import Callable, Iterator, Sequence

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import QueryText

Columns = Sequence[str]
_ENDS = {"where", "group", "order", "limit", "having", "qualify", "offset", "fetch", "using", "sample"}


def swapped_columns(query: QueryText, columns_of: Callable[[str], Columns]) -> list[tuple[str, str]]:
    """Return the pairs of columns whose values a union mixes: the column, and the one that is put into it.

    A union of the same columns in another order mixes them. ``columns_of`` returns the columns of a table; nothing if
    they are unknown. Only unions outside of parentheses are read.
    """
    parts = [_columns(part, columns_of) for part in _parts(query.words)]
    if len(parts) < 2 or not parts[0]:
        return []
    for names in parts[1:]:
        swapped = [(one, other) for one, other in zip(parts[0], names, strict=False) if one != other]
        if swapped and sorted(parts[0]) == sorted(names):
            return swapped
    return []


def _parts(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the words of each part of a union; nothing if the query has WITH, or unites by name."""
    if "with" in words:
        return
    depth, start = 0, 0
    for number, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == "union" and depth == 0:
            after = [one for one in words[number + 1 : number + 4] if one not in ("all", "distinct")]
            if after[:1] == ["by"]:
                return
            yield words[start:number]
            start = number + 1
    yield words[start:]


def _columns(words: Sequence[str], columns_of: Callable[[str], Columns]) -> Columns:
    """Return the columns of ``select … from …`` in lower case; nothing if they are not clear."""
    words = [word for word in words if word != ";"]
    words = words[1:] if words[:1] in (["all"], ["distinct"]) else words
    if words[:1] != ["select"] or words[1:2] == ["distinct"] or "from" not in words:
        return ()
    end = _index(words, "from")
    listed = words[1:end]
    if not listed:
        after = words[end + 1 :]
        is_alone = after and (len(after) < 4 or after[1] in _ENDS or after[2] in _ENDS)
        return (
            [name.lower() for name in columns_of(_plain(after[0]))]
            if is_alone and "join" not in after
            else ()
        )
    names = [_name(item) for item in _items(listed)]
    return () if "" in names else names


def _index(words: Sequence[str], keyword: str) -> int:
    depth = 0
    for number, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == keyword and depth == 0:
            return number
    return len(words)


def _items(words: Sequence[str]) -> Iterator[Sequence[str]]:
    depth, start = 0, 0
    for number, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == "," and depth == 0:
            yield words[start:number]
            start = number + 1
    yield words[start:]


def _name(item: Sequence[str]) -> str:
    """Return the name of a column of the result; empty if it is not clear."""
    if len(item) > 1 and item[-2] == "as":
        return _plain(item[-1])
    is_column = len(item) == 1 or (len(item) == 3 and item[1] == ".")
    return _plain(item[-1]) if is_column and not item[-1].isdigit() else ""


def _plain(word: str) -> str:
    return word.strip('"`')
