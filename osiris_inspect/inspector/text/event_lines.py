"""Blocks of lines of a log as text, as JSON in one form for all dialects, or as they are, with secrets masked.

A line of a usual form is formatted without an ``Event``, and without masking if one scan of its block finds nothing to
mask. All others take the way of ``_text`` and ``_json``. Both ways have the same result.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from osiris_inspect.base.text.terminal_text import escape_json
from osiris_inspect.inspector.text import json_line
from osiris_inspect.inspector.text.event_fields import is_clean, masked_fields
from osiris_inspect.inspector.text.mask_json import mask_line
from osiris_inspect.inspector.text.sanitize import MAX_TEXT, one_line
from osiris_inspect.model import jsonl
from osiris_inspect.model.event import Event, FlatKeys, canonical, format_timestamp, step_name
from osiris_inspect.model.redaction import suspect_lines


@dataclass(frozen=True, slots=True)
class EventLines:
    """Lines of a log, each of an event.

    Attributes:
        numbers: the line numbers, from 1.
        data: the lines, each with a newline.
        decode: returns the event of a line; None if it is not printed.
    """

    numbers: Sequence[int]
    data: bytes
    decode: Callable[[int, bytes], Event | None]

    @classmethod
    def join(
        cls, lines: Iterable[tuple[int, bytes]], decode: Callable[[int, bytes], Event | None]
    ) -> "EventLines":
        """Return a block of lines with their numbers."""
        numbers: list[int] = []
        data: list[bytes] = []
        for number, line in lines:
            numbers.append(number)
            data += (line, b"\n")
        return cls(numbers, b"".join(data), decode)

    def lines(self) -> list[bytes]:
        """Return the lines without newlines."""
        return self.data.split(b"\n")[:-1]

    def first(self, count: int) -> "EventLines":
        """Return the first lines."""
        return EventLines.join(zip(self.numbers[:count], self.lines(), strict=False), self.decode)


def format_raw(block: EventLines) -> bytes:
    """Return the lines as they are, with secrets masked."""
    parts: list[bytes] = []
    position = line = 0
    for begin, end in suspect_lines(block.data):
        line += block.data.count(b"\n", position, begin)
        raw = block.data[begin:end]
        event = block.decode(block.numbers[line], raw)
        parts += (block.data[position:begin], raw if event is None else mask_line(raw, event))
        position = end
    return b"".join([*parts, block.data[position:]]) if parts else block.data


def format_text(block: EventLines) -> str:
    """Return a line of text for each event: line number, time, step, name and fields."""
    texts: list[str] = []
    is_printable = block.data.isascii() and b"\\" not in block.data and b"\x7f" not in block.data
    for number, line, value, is_suspect in zip(block.numbers, *_values(block), strict=False):
        layout = None if value is None else _layout(tuple(value))
        if value is None or layout is None or value["event"].__class__ is not str:
            event = block.decode(number, line)
            texts += () if event is None else (_text(event),)
            continue
        fields = layout.template % tuple(map(_field_text, layout.keys.values(value)))
        is_shown_as_is = is_printable or (fields.isascii() and fields.isprintable())
        if is_suspect or not is_shown_as_is or "  " in fields or len(fields) > MAX_TEXT:
            fields = f" {one_line(fields[1:])}"
        time, step = layout.keys.time(value), value.get("step_id")
        columns = _columns(step if step.__class__ is str else step_name(step), value["event"])
        texts.append(f"{number:>6}  {'-' if time is None else time[11:23]:<12}  {columns} {fields}".rstrip())
    return "\n".join([*texts, ""])


def format_json(block: EventLines) -> bytes:
    """Return an object for each event, with the same first keys for every dialect."""
    data = bytearray()
    for number, line, value, _ in zip(block.numbers, *_values(block), strict=False):
        layout = None if value is None else _layout(tuple(value))
        if value is None or layout is None or value["event"].__class__ is not str:
            event = block.decode(number, line)
            data += b"" if event is None else _json(event) + b"\n"
            continue
        fields = {"line": number, "ts": None, "event": "", "step_id": None, "side": None, **value}
        fields["ts"], fields["side"] = layout.keys.time(value), layout.keys.side(value, line)
        fields["event"] = canonical(value["event"])
        if fields["step_id"].__class__ is not str or not fields["step_id"]:
            fields["step_id"] = step_name(fields["step_id"])
        if layout.has_line:
            fields["line"] = number
        for key in layout.left_out:
            del fields[key]
        data += orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    return bytes(data) if json_line.is_plain(data) else escape_json(data.decode()).encode()


def escaped(lines: bytes) -> bytes:
    """Return lines of JSON with acting characters escaped."""
    return escape_json(lines.decode("utf-8", "replace")).encode()


def _values(block: EventLines) -> tuple[list[bytes], list[dict[str, Any] | None], list[bool]]:
    """Return the lines, their values, and which of them may have a secret if their fields are joined.

    The value is None if the line has a secret or is not plain JSON.
    """
    lines = block.lines()
    values = jsonl.decode_valid(lines)
    is_suspect = [False] * len(lines)
    position = line = 0
    for begin, end in suspect_lines(block.data):
        line += block.data.count(b"\n", position, begin)
        is_suspect[line], position = True, end
        if (value := values[line]) is not None and not is_clean(value):
            values[line] = None
    return lines, values, is_suspect


class _Layout:
    """The output of all lines of a flat dialect with the same keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = FlatKeys(keys)
        shown = (key.replace("%", "%%") for key in self.keys.fields)
        self.template = "".join(" %.0s" if key == "traceback" else f" {key}=%s" for key in shown)
        self.left_out = tuple(key for key in keys if key in ("seq", "session", "mono"))
        self.has_line = "line" in self.keys.fields


@lru_cache(1024)
def _layout(keys: tuple[str, ...]) -> _Layout | None:
    """Return the layout of lines with these keys; None if they have another dialect."""
    return _Layout(keys) if "event" in keys else None


def _field_text(value: Any) -> Any:
    """Return the text of a value as in the log: a text as it is, others as JSON."""
    if value.__class__ is str or value.__class__ is int:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(1024)
def _columns(step: str | None, name: str) -> str:
    return f"{one_line(step or '-'):<20}  {one_line(canonical(name)):<20}"


def _text(event: Event) -> str:
    time = format_timestamp(event.ts)[11:23] if event.ts is not None else "-"
    shown = ((key, value) for key, value in masked_fields(event).items() if key != "traceback")
    fields = " ".join(f"{key}={_field_text(value)}" for key, value in shown)
    return f"{event.line:>6}  {time:<12}  {_columns(event.step, event.name)}  {one_line(fields)}".rstrip()


def _json(event: Event) -> bytes:
    fields: dict[str, Any] = {
        "line": event.line,
        "ts": format_timestamp(event.ts) if event.ts is not None else None,
        "event": event.name,
        "step_id": event.step,
        "side": event.side,
    }
    fields |= {key: value for key, value in masked_fields(event).items() if key not in fields}
    return json_line.to_json_line(fields)
