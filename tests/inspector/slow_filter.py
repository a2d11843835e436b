"""Reference evaluator of filters: decodes each line to an event and shows each value as text.

The program answers the same questions from its index, from columns and from the bytes of a line.
"""

import json
import re
from collections.abc import Mapping

from osiris_inspect.inspector.event_log.filter.expressions import (
    And,
    Expression,
    FieldComparison,
    Not,
    Or,
    TextContains,
    TimeBound,
)
from osiris_inspect.inspector.event_log.filter.filter import EventFilter
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?", re.ASCII)


def matching_line_numbers(content: bytes, query: EventFilter) -> list[int]:
    """Return the numbers (from 1) of the lines whose events match."""
    lines = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            event = events.decode(raw, line_number=number)
        except InvalidLine:
            continue
        if _matches(query.root, event):
            lines.append(number)
    return lines


def _matches(node: Expression, event: Event) -> bool:  # noqa: PLR0911  a case for each kind of expression
    if isinstance(node, And):
        return all(_matches(part, event) for part in node.parts)
    if isinstance(node, Or):
        return any(_matches(part, event) for part in node.parts)
    if isinstance(node, Not):
        return not _matches(node.part, event)
    if isinstance(node, TimeBound):
        if event.ts is None:
            return False
        return event.ts >= node.timestamp if node.bound == "since" else event.ts <= node.timestamp
    if isinstance(node, TextContains):
        return node.text in _whole_text(event)
    assert isinstance(node, FieldComparison)
    if node.operator == "!=":
        return not _compares(node, "=", event)
    return not _compares(node, "~", event) if node.operator == "!~" else _compares(node, node.operator, event)


def _compares(node: FieldComparison, operator: str, event: Event) -> bool:
    value = _whole_text(event) if node.key == "text" else _field(event, node.key)
    values = value if isinstance(value, tuple) else (value,)
    return any(_compares_value(one, operator, node.value) for one in values if one is not None)


def _compares_value(value: object, operator: str, expected: str) -> bool:
    text = _as_text(value).lower()
    if operator == "~":
        return expected in text
    if operator == "=":
        if "*" in expected or "?" in expected:
            pattern = re.escape(expected).replace(r"\*", ".*").replace(r"\?", ".")
            return re.fullmatch(pattern, text, re.DOTALL) is not None
        return text == expected or (_number(text) is not None and _number(text) == _number(expected))
    number, limit = _number(value), _number(expected)
    if number is None or limit is None:
        return False
    return {">": number > limit, "<": number < limit, ">=": number >= limit, "<=": number <= limit}[operator]


def _field(event: Event, key: str) -> object:
    attributes = {
        "event": (event.name, event.original_name) if event.original_name else event.name,
        "step": event.step, "step_id": event.step, "side": event.side, "session": event.session, "seq": event.seq,
        "line": event.line, "dialect": event.dialect, "ts": event.ts, "place": event.location,
    }  # fmt: skip
    if key in attributes:
        return attributes[key]
    value: object = event.fields.get(key)
    if key not in event.fields:
        value = event.fields
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    computed = {
        "rows": event.row_count, "error": event.error, "error_type": event.error_type, "duration": event.duration_s,
        "duration_s": event.duration_s, "from_step": event.upstream_steps or None,
    }  # fmt: skip
    return computed.get(key) if value is None else value


def _whole_text(event: Event) -> str:
    fields = " ".join(f"{key}={_as_text(value)}" for key, value in event.fields.items())
    names = event.name if event.original_name in ("", event.name) else f"{event.name} {event.original_name}"
    return f"{names} {event.step or ''} {fields}".lower()


def _as_text(value: object) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
