"""The language of the filter box: words, and ``key=value``.

``timeout step=compute-stats`` keeps what holds the word and belongs to the step. All parts must hold.

| part | keeps rows where |
|---|---|
| ``word``, ``"two words"`` | the text holds it, in any case |
| ``-word`` | the text does not hold it |
| ``key=value`` | the field is that value; ``key=`` where it is there and empty, ``key=*`` where it is there |
| ``key!=value`` | the field is another value, or is not there |
| ``key~=value`` | the field holds that text |

A key may lead into an object: ``error.type=KeyError``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

_PART = re.compile(
    r'(?P<minus>-?)(?:(?P<key>[\w.\-]+?)(?P<sign>!=|~=|=))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S+))?'
)
Sign = Literal["=", "!=", "~="]


@dataclass(frozen=True, slots=True)
class Clause:
    """One ``key=value``."""

    key: str
    sign: Sign
    value: str

    def holds(self, fields: Mapping[str, object]) -> bool:
        """Whether a row with these fields passes."""
        found = _look_up(fields, self.key)
        if self.sign == "!=":
            return found is None or _text(found) != self.value
        if found is None:
            return False
        if self.sign == "~=":
            return self.value in _text(found)
        return self.value in ("*", _text(found))


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter. Words and values are in lower case; an empty one keeps everything."""

    words: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.absent or self.clauses)

    def keeps(self, text: str, fields: Mapping[str, object]) -> bool:
        """Whether a row of this text and these fields passes."""
        if not all(clause.holds(fields) for clause in self.clauses):
            return False
        if not (self.words or self.absent):
            return True
        folded = text.lower()
        return all(word in folded for word in self.words) and not any(word in folded for word in self.absent)


def parse(text: str) -> Query:
    """The filter in what was typed; anything can be typed, so nothing is an error."""
    words: list[str] = []
    absent: list[str] = []
    clauses: list[Clause] = []
    for match in _PART.finditer(text):
        value = (match["quoted"] if match["quoted"] is not None else match["bare"] or "").lower()
        if match["key"]:
            clauses.append(Clause(match["minus"] + match["key"], _sign(match["sign"]), value))
        elif value:
            (absent if match["minus"] else words).append(value)
    return Query(tuple(words), tuple(absent), tuple(clauses))


def _sign(text: str) -> Sign:
    return "!=" if text == "!=" else "~=" if text == "~=" else "="


def _look_up(fields: Mapping[str, object], key: str) -> object | None:
    if key in fields:
        return fields[key]
    found: object = fields
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).lower()
