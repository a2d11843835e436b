"""The filter language: ``step=compute-* event=inputs_resolved rows>1000 text~"NoneType" since=-5m``.

Parts side by side must all match; ``or``, ``not`` and parentheses combine them otherwise.

| part | matches events |
|---|---|
| ``word``, ``"two words"`` | whose text contains it, ignoring case |
| ``-part``, ``not part`` | that the part does not match |
| ``key=value`` | whose field equals the value, ignoring case; ``*`` and ``?`` are wildcards; ``key=`` means empty |
| ``key!=value`` | whose field has another value or is missing |
| ``key~value``, ``key~=value`` | whose field contains the text; ``!~`` is the opposite |
| ``key>1``, ``<``, ``>=``, ``<=`` | whose field is a number in that range |
| ``since=-5m``, ``until=2026-01-31T10:00`` | of that period; relative times count from the end of the log |

A key may name a nested field: ``error.type=KeyError``. ``text`` is the whole event.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
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
from osiris_inspect.model import event as events
from osiris_inspect.model.event import Event, parse_timestamp

_TOKEN = re.compile(
    r"(?:(?P<open>\()|(?P<close>\))|(?P<minus>-)(?=[^\s)])"
    r"|(?P<key>[A-Za-z_][\w.\-]*?)(?P<sign>!~|!=|~=|>=|<=|=|~|>|<)(?:\"(?P<quoted_value>[^\"]*)\"?|(?P<value>[^\s)]*))"
    r"|\"(?P<quoted>[^\"]*)\"?|(?P<word>[^\s()]+))"
)
_EVERYTHING: Final = And()
_AGO = re.compile(r"-?(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_MAX_DEPTH = 50


class FilterSyntaxError(ValueError):
    """An invalid filter; the message says where and why."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter; an empty one matches everything."""

    root: Expression = _EVERYTHING

    def __bool__(self) -> bool:
        return self.root != _EVERYTHING

    def __str__(self) -> str:
        """The filter in its own language, in lower case and with the times that it compares with."""
        return str(self.root)

    @property
    def highlight_terms(self) -> tuple[str, ...]:
        """The texts to highlight in matching events, in lower case."""
        return tuple(highlight_terms(self.root))

    def matches_row(self, text: str, fields: Mapping[str, object]) -> bool:
        """Return True if a row with this text and these fields matches; its time is the field ``ts``."""
        return self.root.matches(_TextRow(text, fields))

    def matches(self, event: Event) -> bool:
        """Return True if an event matches."""
        return self.root.matches(_FilterableEvent(event))

    def matching_event(
        self, line: bytes, *, line_number: int = 0, file: str = "events.jsonl"
    ) -> Event | None:
        """Return the event in a line if it matches; None if it does not.

        Only the fields that the filter names are looked at, so that most lines become no event.

        Raises:
            InvalidLine: as ``decode`` of the module ``event``.
        """
        row = _FilterableLine(line, line_number, file)
        return row.event if self.root.matches(row) else None


def parse(text: str, *, now: float | None = None) -> EventFilter:
    """Return the parsed filter. Relative times count from ``now``, in seconds since 1970.

    Raises:
        FilterSyntaxError: the filter is invalid.
    """
    return EventFilter(_Parser(text, now).parse())


def parse_tolerant(text: str, *, now: float | None = None) -> EventFilter:
    """Return the filter that is being typed; while it is invalid, its words are searched."""
    try:
        return parse(text, now=now)
    except FilterSyntaxError:
        return EventFilter(And(tuple(TextContains(word.lower()) for word in re.findall(r'[^\s()"]+', text))))


def parse_time(text: str, now: float | None) -> float:
    """Return ``-3h`` or ``90m`` (so long before ``now``), or an ISO date or time, in seconds since 1970.

    Raises:
        FilterSyntaxError: the text is not a time, or it is relative and ``now`` is None.
    """
    ago = _AGO.fullmatch(text)
    if ago is None:
        timestamp = parse_timestamp(text.upper())
        if timestamp is None:
            raise FilterSyntaxError(
                f"{text!r} is not a time; write -5m, -3h, -2d, 2026-01-31 or 2026-01-31T10:00"
            )
        return timestamp
    if now is None:
        raise FilterSyntaxError(f"{text!r} is a relative time, but no event has a time; write a date")
    return now - float(ago[1]) * _SECONDS[ago[2]]


def searchable_text(event: Event) -> str:
    """Return the text of an event: name, step, fields."""
    fields = " ".join(f"{key}={as_text(value)}" for key, value in event.fields.items())
    names = event.name if event.original_name in ("", event.name) else f"{event.name} {event.original_name}"
    return f"{names} {event.step or ''} {fields}"


class _TextRow:
    """A row with a text and fields."""

    def __init__(self, text: str, fields: Mapping[str, object]) -> None:
        self.text = text.lower()
        self._fields = fields

    def field(self, key: str) -> object | None:
        return _look_up(self._fields, key)

    @property
    def ts(self) -> float | None:
        ts = self._fields.get("ts")
        return float(ts) if isinstance(ts, int | float) else None


_EVENT_ATTRIBUTES: Final[Mapping[str, Callable[[Event], object | None]]] = {
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
BUILTIN_FIELDS: Final = frozenset({*_EVENT_ATTRIBUTES, *_NORMALIZED_FIELDS, "text"})
"""Keys that may match an event without a field with this name."""


class _FilterableEvent:
    """A row for an event; its text is computed on demand."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self.ts = event.ts

    @property
    def text(self) -> str:
        return searchable_text(self._event).lower()

    def field(self, key: str) -> object | None:
        return event_field(self._event, key)


class _FilterableLine:
    """A row for the event in a line; the event is decoded on demand."""

    def __init__(self, line: bytes, line_number: int, file: str) -> None:
        self._line, self._line_number, self._file = line, line_number, file
        self._value, self._damage = events.decode_line(line)
        events.check_name(self._value)
        self._fields, self._hidden = events.own_fields(self._value)

    @cached_property
    def event(self) -> Event:
        """The event."""
        event = events.from_object(self._value, self._line, line_number=self._line_number, file=self._file)
        return replace(event, damage=self._damage) if self._damage else event

    @property
    def text(self) -> str:
        return searchable_text(self.event).lower()

    @property
    def ts(self) -> float | None:
        return self.event.ts

    def field(self, key: str) -> object | None:
        if key in _EVENT_ATTRIBUTES:
            return _EVENT_ATTRIBUTES[key](self.event)
        value = _look_up(self._fields, key, self._hidden)
        if value is None and key in _NORMALIZED_FIELDS:
            return _NORMALIZED_FIELDS[key](self.event)
        return value


def event_field(event: Event, key: str) -> object | None:
    """Return the value of a filter key for an event; None if it has no such field."""
    if key in _EVENT_ATTRIBUTES:
        return _EVENT_ATTRIBUTES[key](event)
    value = _look_up(event.fields, key)
    if value is None and key in _NORMALIZED_FIELDS:
        return _NORMALIZED_FIELDS[key](event)  # named differently by each dialect
    return value


class _Parser:
    """Recursive descent parser of one filter."""

    def __init__(self, text: str, now: float | None) -> None:
        self._tokens = list(_TOKEN.finditer(text.rstrip()))
        self._position = 0
        self._depth = 0
        self._now = now

    def parse(self) -> Expression:
        if not self._tokens:
            return And()
        root = self._parse_or()
        if self._position < len(self._tokens):
            self._fail("unmatched ')'")
        return root

    def _parse_or(self) -> Expression:
        parts = [self._parse_and()]
        while self._is_word("or"):
            self._position += 1
            parts.append(self._parse_and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _parse_and(self) -> Expression:
        parts: list[Expression] = []
        while (token := self._peek()) is not None and not token["close"] and not self._is_word("or"):
            if self._is_word("and"):
                if not parts:
                    self._fail("nothing before 'and'")
                self._position += 1
            parts.append(self._parse_part())
        if not parts:
            self._fail("missing operand")
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _parse_part(self) -> Expression:
        token = self._peek()
        if token is None or token["close"] or self._is_word("or") or self._is_word("and"):
            self._fail("missing operand")
        self._position += 1
        if token["minus"]:
            return Not(self._operator_as_word() or self._nested(self._parse_part))
        if (token["word"] or "").lower() == "not":
            return Not(self._nested(self._parse_part))
        if token["open"]:
            inner = self._nested(self._parse_or)
            if self._peek() is None:
                self._fail("unclosed '('")
            self._position += 1
            return inner
        return self._parse_leaf(token)

    def _operator_as_word(self) -> Expression | None:
        """Return a search for the word after ``-`` if it is an operator: ``-or``."""
        token = self._peek()
        word = (token["word"] or "").lower() if token is not None else ""
        if word not in ("and", "or", "not"):
            return None
        self._position += 1
        return TextContains(word)

    def _parse_leaf(self, token: re.Match[str]) -> Expression:
        if not token["key"]:
            return TextContains((token["quoted"] if token["quoted"] is not None else token["word"]).lower())
        value = (token["quoted_value"] if token["quoted_value"] is not None else token["value"]).lower()
        sign = "~" if token["sign"] == "~=" else token["sign"]
        key = token["key"]
        if key in ("since", "until"):
            if sign != "=":
                self._fail(f"{key!r} requires '='")
            return TimeBound(key, parse_time(value, self._now))  # type: ignore[arg-type]  # one of the two
        if sign in (">", "<", ">=", "<=") and parse_number(value) is None:
            self._fail(f"{value!r} is not a number")
        return FieldComparison(key, sign, value)  # type: ignore[arg-type]  # the pattern knows only these signs

    def _nested(self, inner: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail(f"nested deeper than {_MAX_DEPTH}")
        node = inner()
        self._depth -= 1
        return node

    def _peek(self) -> re.Match[str] | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token is not None and (token["word"] or "").lower() == word

    def _fail(self, problem: str) -> NoReturn:
        token = self._peek()
        position = (
            f"at {token[0].strip()!r}, character {token.start() + 1}" if token is not None else "at the end"
        )
        raise FilterSyntaxError(f"invalid filter {position}: {problem}")


def _look_up(fields: Mapping[str, object], key: str, hidden: frozenset[str] = frozenset()) -> object | None:
    """Return the value of a field or of one nested in it; ``hidden`` are keys that are not fields."""
    if key in fields and key not in hidden:
        return fields[key]
    if "." not in key:
        return None
    first, *inner = key.split(".")
    value = fields.get(first) if first not in hidden else None
    for part in inner:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
