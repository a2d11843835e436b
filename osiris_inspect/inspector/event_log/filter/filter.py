"""The language of filters: ``step=compute-* event=inputs_resolved rows>1000 text~"NoneType" since=-5m``.

Parts that stand beside each other must all hold; ``or``, ``not`` and parentheses say otherwise.

| part | keeps events where |
|---|---|
| ``word``, ``"two words"`` | the text holds it, in any case |
| ``-part``, ``not part`` | the part does not hold |
| ``key=value`` | the field is that value, in any case; ``*`` and ``?`` stand for any characters; ``key=`` means empty |
| ``key!=value`` | the field is another value, or is not there |
| ``key~value``, ``key~=value`` | the field holds that text; ``!~`` the opposite |
| ``key>1``, ``<``, ``>=``, ``<=`` | the field is a number on that side |
| ``since=-5m``, ``until=2026-01-31T10:00`` | it happened then; relative times count from the end of the log |

A key may lead into an object: ``error.type=KeyError``. ``text`` is all of an event.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from osiris_inspect.inspector.event_log.filter.expressions import (
    And,
    Expression,
    FieldComparison,
    Not,
    Or,
    TextContains,
    TimeBound,
    as_text,
    highlight_terms,
    parse_number,
)
from osiris_inspect.model.event import Event, parse_timestamp

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<minus>-)(?=[^\s)])"
    r"|(?P<key>[A-Za-z_][\w.\-]*?)(?P<sign>!~|!=|~=|>=|<=|=|~|>|<)(?:\"(?P<quoted_value>[^\"]*)\"?|(?P<value>[^\s)]*))"
    r"|\"(?P<quoted>[^\"]*)\"?|(?P<word>[^\s()]+))"
)
__all__ = [
    "And",
    "EventFilter",
    "FieldComparison",
    "FilterSyntaxError",
    "Not",
    "Or",
    "TextContains",
    "TimeBound",
    "event_field",
    "parse",
    "parse_time",
    "parse_tolerant",
    "searchable_text",
]

_EVERYTHING: Final = And()
_AGO = re.compile(r"-?(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DEEPEST = 50
_TIME_KEYS = ("since", "until")


class FilterSyntaxError(ValueError):
    """A filter that cannot be understood; the message says where and why."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter; an empty one keeps everything."""

    root: Expression = _EVERYTHING

    def __bool__(self) -> bool:
        return self.root != _EVERYTHING

    @property
    def highlight_terms(self) -> tuple[str, ...]:
        """The texts that what is kept may show, in lower case: what to mark in it."""
        return tuple(highlight_terms(self.root))

    def matches_row(self, text: str, fields: Mapping[str, object]) -> bool:
        """Whether a row of this text and these fields is kept. Its time is the field ``ts``."""
        return self.root.matches(_TextRow(text, fields))

    def matches(self, event: Event) -> bool:
        """Whether an event is kept."""
        return self.root.matches(_FilterableEvent(event))


def parse(text: str, *, now: float | None = None) -> EventFilter:
    """The filter that was written. Relative times count from ``now``, in seconds since 1970.

    Raises:
        FilterSyntaxError: it cannot be understood.
    """
    return EventFilter(_Parser(text, now).whole())


def parse_tolerant(text: str, *, now: float | None = None) -> EventFilter:
    """The filter in what is being typed: what is no filter yet counts as words, so nothing is an error."""
    try:
        return parse(text, now=now)
    except FilterSyntaxError:
        return EventFilter(And(tuple(TextContains(word.lower()) for word in re.findall(r'[^\s()"]+', text))))


def parse_time(text: str, now: float | None) -> float:
    """The time, in seconds since 1970, of ``-3h``, ``90m`` (so long before ``now``) or an ISO date or time.

    Raises:
        FilterSyntaxError: it is no time, or a relative one and nothing tells what it is relative to.
    """
    ago = _AGO.fullmatch(text)
    if ago is None:
        moment = parse_timestamp(text.upper())
        if moment is None:
            raise FilterSyntaxError(
                f"{text!r} is no time: write -5m, -3h, -2d, 2026-01-31 or 2026-01-31T10:00"
            )
        return moment
    if now is None:
        raise FilterSyntaxError(f"{text!r} is relative, and nothing here has a time")
    return now - float(ago[1]) * _SECONDS[ago[2]]


def searchable_text(event: Event) -> str:
    """All of an event as one text: name, step, fields."""
    fields = " ".join(f"{key}={as_text(value)}" for key, value in event.fields.items())
    names = event.name if event.original_name in ("", event.name) else f"{event.name} {event.original_name}"
    return f"{names} {event.step or ''} {fields}"


class _TextRow:
    """A row that is a text and fields."""

    def __init__(self, text: str, fields: Mapping[str, object]) -> None:
        self.text = text.lower()
        self._fields = fields

    def field(self, key: str) -> object | None:
        return _look_up(self._fields, key)

    @property
    def ts(self) -> float | None:
        found = self._fields.get("ts")
        return float(found) if isinstance(found, int | float) else None


_OF_EVENT: Final[Mapping[str, Callable[[Event], object | None]]] = {
    "event": lambda event: (event.name, event.original_name) if event.original_name else event.name,
    "step": lambda event: event.step,
    "step_id": lambda event: event.step,
    "side": lambda event: event.side,
    "session": lambda event: event.session,
    "seq": lambda event: event.seq,
    "line": lambda event: event.line,
    "dialect": lambda event: event.dialect,
    "ts": lambda event: event.ts,
    "place": lambda event: event.location,
}
_NORMALIZED_FIELDS: Final[Mapping[str, Callable[[Event], object | None]]] = {
    "rows": lambda event: event.row_count,
    "error": lambda event: event.error,
    "error_type": lambda event: event.error_type,
    "duration": lambda event: event.duration_s,
    "duration_s": lambda event: event.duration_s,
    "from_step": lambda event: event.upstream_steps or None,
}
BUILTIN_FIELDS: Final = frozenset({*_OF_EVENT, *_NORMALIZED_FIELDS, "text"})
"""Keys that an event may answer to without a field of that name."""


class _FilterableEvent:
    """A row that is an event; its text is only made where it is asked for."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self.ts = event.ts

    @property
    def text(self) -> str:
        return searchable_text(self._event).lower()

    def field(self, key: str) -> object | None:
        return event_field(self._event, key)


def event_field(event: Event, key: str) -> object | None:
    """What an event answers to a key of a filter; None where it has no such field."""
    if key in _OF_EVENT:
        return _OF_EVENT[key](event)
    found = _look_up(event.fields, key)
    if found is None and key in _NORMALIZED_FIELDS:
        return _NORMALIZED_FIELDS[key](event)  # what the dialects say in other words
    return found


class _Parser:
    """One filter while it is read."""

    def __init__(self, text: str, now: float | None) -> None:
        self._tokens = list(_TOKEN.finditer(text.rstrip()))
        self._at = 0
        self._depth = 0
        self._now = now

    def whole(self) -> Expression:
        if not self._tokens:
            return And()
        root = self._either()
        if self._at < len(self._tokens):
            self._fail("a ')' that nothing opened")
        return root

    def _either(self) -> Expression:
        parts = [self._all()]
        while self._is_word("or"):
            self._at += 1
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Expression:
        parts: list[Expression] = []
        while (token := self._peek()) is not None and not token["close"] and not self._is_word("or"):
            if self._is_word("and"):
                if not parts:
                    self._fail("nothing stands before 'and'")
                self._at += 1
                parts.append(self._part())
            else:
                parts.append(self._part())
        if not parts:
            self._fail("a part is missing")
        return And(tuple(parts))

    def _part(self) -> Expression:
        token = self._peek()
        if token is None or token["close"] or self._is_word("or") or self._is_word("and"):
            self._fail("a part is missing")
        self._at += 1
        if token["minus"]:
            return Not(self._operator_as_word() or self._deeper(self._part))
        if (token["word"] or "").lower() == "not":
            return Not(self._deeper(self._part))
        if token["open"]:
            inner = self._deeper(self._either)
            closing = self._peek()
            if closing is None:
                self._fail("a '(' is not closed")
            self._at += 1
            return inner
        return self._leaf(token)

    def _operator_as_word(self) -> Expression | None:
        """``-or`` can only mean the word."""
        token = self._peek()
        word = (token["word"] or "").lower() if token is not None else ""
        if word not in ("and", "or", "not"):
            return None
        self._at += 1
        return TextContains(word)

    def _leaf(self, token: re.Match[str]) -> Expression:
        if not token["key"]:
            return TextContains((token["quoted"] if token["quoted"] is not None else token["word"]).lower())
        value = (token["quoted_value"] if token["quoted_value"] is not None else token["value"]).lower()
        sign = "~" if token["sign"] == "~=" else token["sign"]
        key = token["key"]
        if key == "since" and sign == "=":
            return TimeBound("since", parse_time(value, self._now))
        if key == "until" and sign == "=":
            return TimeBound("until", parse_time(value, self._now))
        if key in _TIME_KEYS:
            self._fail(f"{key!r} takes '='")
        if sign in (">", "<", ">=", "<=") and parse_number(value) is None:
            self._fail(f"{value!r} is no number")
        return FieldComparison(key, sign, value)  # type: ignore[arg-type]  # the pattern knows only these signs

    def _deeper(self, inner: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"nested deeper than {_DEEPEST}")
        node = inner()
        self._depth -= 1
        return node

    def _peek(self) -> re.Match[str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token is not None and (token["word"] or "").lower() == word

    def _fail(self, what: str) -> NoReturn:
        token = self._peek()
        place = (
            f"at {token[0].strip()!r}, character {token.start() + 1}" if token is not None else "at the end"
        )
        raise FilterSyntaxError(f"the filter cannot be understood {place}: {what}")


def _look_up(fields: Mapping[str, object], key: str) -> object | None:
    if key in fields:
        return fields[key]
    found: object = fields
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
