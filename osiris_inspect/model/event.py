"""Events of a run: one value type, decoded from every log dialect and encoded in one.

Five dialects are read: the native one; the original's host (``ts``, ``session``, ``event``); host events forwarded from
a remote worker (written with spaces after the separators); the worker's own file (``type``, ``name``, ``timestamp``,
``data``); and the original documents (flat, without ``ts``). Only the native dialect is written.

Callers need not know the dialect of a run: the properties of ``Event`` are the same for all, and ``fields`` keeps every
key of the line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal

from osiris_inspect.model import failure, jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.run_types import InputLocation

Dialect = Literal["native", "host", "forwarded", "worker", "document"]
Side = Literal["host", "worker"]

_MIN_TIMESTAMP, _MAX_TIMESTAMP = -62135596800, 253402300800  # the years 1 and 10000
ALIASES = {"step_error": "step_failed", "table.ddl_failed": "ddl_failed"}
"""Event names of the original and their native names."""
_FORMATTED = re.compile(r"20\d\d-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:[0-5]\d\.\d{6}\+00:00", re.ASCII)
"""A time as ``format_timestamp`` writes it, in years whose microseconds a float can hold."""
ENVELOPE = frozenset({"ts", "seq", "session", "event", "side", "step_id", "mono"})
"""Keys of a line that are not fields of its event."""
_WORKER_ENVELOPE = frozenset({"step_id"})


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a run.

    Attributes:
        name: the native name (``step_failed``, also where the original writes ``step_error``).
        ts: seconds since 1970 (UTC), None if the line has no time. For display: the clock may be set meanwhile.
        step: the step the event belongs to, if any.
        fields: the event's own fields as written.
        session, side, seq: as written; None if the dialect has none.
        dialect: the dialect of the line.
        line: the line number in ``file``, from 1; 0 for an event that was not read from a file.
        file: the file, relative to the run directory.
        original_name: the name as written.
        mono: seconds of a monotonic clock of the same side, for durations; None if the line has none.
        damage: what was wrong with the line, if the event was read from a damaged one; otherwise empty.
    """

    name: str
    ts: float | None = None
    step: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    session: str | None = None
    side: Side | None = None
    seq: int | None = None
    dialect: Dialect = "native"
    line: int = 0
    file: str = "events.jsonl"
    original_name: str = ""
    mono: float | None = None
    damage: str = ""

    @property
    def is_failure(self) -> bool:
        """True if the event reports a failure. Depends on the name alone, so that an index of names agrees."""
        return failure.is_failure(self.name)

    @property
    def error(self) -> str | None:
        """The error message of a failure; None for other events and for a failure without a message."""
        return failure.error_message(self.fields) if self.is_failure else None

    @property
    def error_type(self) -> str | None:
        """The class name of the error, if logged."""
        return _text(self.fields.get("error_type")) or _text(_get(self.fields.get("error"), "type"))

    @property
    def traceback(self) -> str | None:
        """The traceback, if logged."""
        return _text(self.fields.get("traceback")) or _text(_get(self.fields.get("error"), "traceback"))

    @property
    def node(self) -> str | None:
        """The machine of a cluster that wrote it, if logged."""
        return _text(self.fields.get("node"))

    @property
    def driver(self) -> str | None:
        """The driver of the step, if logged."""
        return _text(self.fields.get("driver"))

    @property
    def duration_s(self) -> float | None:
        """The duration in seconds, converted from the unit that was written; None if it is negative.

        A log has a negative duration if the clock was set back meanwhile.
        """
        ms = finite_number(self.fields.get("duration_ms"))
        names = ("duration_s", "duration", "total_duration", "duration_seconds")
        seconds = ms / 1000 if ms is not None else self._first_number(*names)
        return None if seconds is None or seconds < 0 else seconds

    @property
    def row_count(self) -> int | None:
        """The number of rows, if logged."""
        rows = self._first_number("rows", "value", "rows_processed", "rows_written")
        return None if rows is None else int(rows)

    def _first_number(self, *keys: str) -> float | None:
        for key in keys:
            number = finite_number(self.fields.get(key))
            if number is not None:
                return number
        return None

    @property
    def location(self) -> InputLocation | None:
        """The location an input was read from; None if not logged.

        The original of late September 2025 logs the artifact that an input was read from but no location: a spill.
        """
        if self.fields.get("from_spill"):
            return "spill"
        if self.fields.get("from_memory"):
            return "memory"
        return "spill" if self.name == "inputs_resolved" and self.fields.get("artifact") else None

    @property
    def upstream_steps(self) -> tuple[str, ...]:
        """The upstream steps of an ``inputs_resolved`` event: a list up to 0.3.1, one step later."""
        steps = self.fields.get("from_steps")
        if isinstance(steps, list):
            return tuple(map(str, steps))
        step = step_name(self.fields.get("from_step"))
        return (step,) if step else ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """The input names of an ``inputs_resolved`` event, in the order of ``from_steps``."""
        names = self.fields.get("keys")
        if self.name == "inputs_resolved" and isinstance(names, list):
            return tuple(map(str, names))
        name = _text(self.fields.get("name")) or _text(self.fields.get("key"))
        return (name,) if name else ()


def decode(line: bytes, *, line_number: int = 0, file: str = "events.jsonl") -> Event:
    """Return the event in a line of any dialect; a damaged line that has one whole event is accepted.

    Raises:
        InvalidLine: the line is not a JSON object, or an object without an event name.
    """
    value, damage = decode_line(line)
    event = from_object(value, line, line_number=line_number, file=file)
    return replace(event, damage=damage) if damage else event


def decode_line(line: bytes) -> tuple[dict[str, Any], str]:
    """Return the object in a line and what is wrong with the line; a damaged line that has one whole object is accepted.

    Raises:
        InvalidLine: the line is not a JSON object.
    """
    try:
        return jsonl.decode_object(line), ""
    except InvalidLine:
        if len(line) <= jsonl.MAX_LINE and has_event_key(line):
            objects = jsonl.read_objects(line)
            if len(objects) == 1 and objects[0].is_whole:
                return objects[0].value, jsonl.describe_damage(line, objects)
        raise


def decode_damaged(line: bytes, *, line_number: int = 0, file: str = "events.jsonl") -> list[Event]:
    """Return the events that can be read from a line that ``decode`` refuses; empty if there is none.

    An event whose name was cut is left out; a step whose name was cut is None.
    """
    if len(line) > jsonl.MAX_LINE or not has_event_key(line):
        return []
    objects = jsonl.read_objects(line)
    damage = jsonl.describe_damage(line, objects)
    decoded = []
    for item in objects:
        try:
            event = from_object(item.value, line, line_number=line_number, file=file)
        except InvalidLine:
            continue
        if event.original_name != item.cut_text:
            step = None if event.step == item.cut_text else event.step
            decoded.append(replace(event, step=step, damage=damage))
    return decoded


def has_event_key(line: bytes) -> bool:
    """Return True if a line contains the key of an event's name."""
    return b'"event"' in line  # of each dialect: ``"event": NAME`` or ``"type": "event"``


def check_name(value: Mapping[str, Any]) -> None:
    """Check that the object of a line has an event name.

    Raises:
        InvalidLine: it has none.
    """
    if isinstance(value.get("event"), str):
        return
    if value.get("type") != "event" or not isinstance(value.get("name"), str):
        raise InvalidLine("a JSON object without an event name")


def from_object(
    value: dict[str, Any], line: bytes, *, line_number: int = 0, file: str = "events.jsonl"
) -> Event:
    """Return the event in the object of a line.

    Raises:
        InvalidLine: it has no event name.
    """
    check_name(value)
    if isinstance(value.get("event"), str):
        return _decode_flat(value, _flat_dialect(value, line), line_number, file)
    return _decode_worker_event(value, line_number, file)


def own_fields(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Return the mapping with the fields of the event in the object of a line, and its keys that are not fields."""
    if isinstance(value.get("event"), str):
        return value, ENVELOPE
    data = value.get("data")
    return data if isinstance(data, dict) else {}, _WORKER_ENVELOPE


class FlatKeys:
    """The keys of the lines of a flat dialect, sorted once for all lines with the same keys.

    Attributes:
        fields: the keys of the event's own fields, in order.
        values: returns the values of these keys.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.fields = tuple(key for key in keys if key not in ENVELOPE)
        self.values: Callable[[dict[str, Any]], tuple[Any, ...]] = (
            itemgetter(*self.fields)
            if len(self.fields) > 1
            else lambda value: tuple(map(value.get, self.fields))
        )
        self._time_key = "ts" if "ts" in keys else "timestamp"
        self._is_native = "seq" in keys

    def time(self, value: dict[str, Any]) -> str | None:
        """Return the time as ``format_timestamp`` does; most are written so."""
        ts = value.get(self._time_key)
        if ts.__class__ is str and _FORMATTED.fullmatch(ts) and _is_minute(ts[:16]):
            return ts
        seconds = parse_timestamp(ts)
        return None if seconds is None else format_timestamp(seconds)

    def side(self, value: dict[str, Any], line: bytes) -> Side | None:
        """Return the side of an event."""
        return _side(value.get("side"), "native" if self._is_native else _flat_dialect(value, line))


@lru_cache(64)
def _is_minute(text: str) -> bool:
    return parse_timestamp(text) is not None


def canonical(name: str) -> str:
    """Return the native name of an event."""
    return ALIASES.get(name, name)


def encode(event: Event) -> bytes:
    """Return the event as a line of the native dialect, without a newline."""
    line: dict[str, Any] = {
        "ts": None if event.ts is None else format_timestamp(event.ts),
        "seq": event.seq,
        "session": event.session,
        "event": event.name,
    }
    if event.side:
        line["side"] = event.side
    if event.step is not None:
        line["step_id"] = event.step
    line.update((key, value) for key, value in event.fields.items() if key not in ENVELOPE)
    if event.mono is not None:
        line["mono"] = round(event.mono, 6)
    return jsonl.encode(line)


def format_timestamp(ts: float) -> str:
    """Return a time as ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds")


def parse_timestamp(value: Any) -> float | None:
    """Return a time of any dialect in seconds since 1970, None if it is not one. A naive time is UTC.

    A number outside the years 1 to 9999 is not a time, so every result can be shown as a date.
    """
    seconds = finite_number(value)
    if seconds is None:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if _MIN_TIMESTAMP <= seconds < _MAX_TIMESTAMP else None


def finite_number(value: Any) -> float | None:
    """Return ``value`` if it is a finite number, None for anything else, also for a bool."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e300 else None  # NaN and infinities compare false


def as_int(value: Any) -> int | None:
    """Return a finite number as an integer, None for anything else."""
    number = finite_number(value)
    return None if number is None else int(number)


def step_name(value: Any) -> str | None:
    """Return a step's name as text, None if it is not one. YAML reads an unquoted id such as 7 as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _decode_flat(value: dict[str, Any], dialect: Dialect, line: int, file: str) -> Event:
    name = value["event"]
    seq = value.get("seq")
    return Event(
        name=canonical(name),
        ts=parse_timestamp(value.get("ts", value.get("timestamp"))),
        step=step_name(value.get("step_id")),
        fields={key: item for key, item in value.items() if key not in ENVELOPE},
        session=_text(value.get("session")),
        side=_side(value.get("side"), dialect),
        seq=seq if isinstance(seq, int) else None,
        dialect=dialect,
        line=line,
        file=file,
        original_name=name,
        mono=finite_number(value.get("mono")),
    )


def _decode_worker_event(value: dict[str, Any], line: int, file: str) -> Event:
    name, data = value["name"], value.get("data")
    data = data if isinstance(data, dict) else {}
    return Event(
        name=canonical(name),
        ts=parse_timestamp(value.get("timestamp")),
        step=step_name(data.get("step_id")),
        fields={key: item for key, item in data.items() if key != "step_id"},
        side="worker",
        dialect="worker",
        line=line,
        file=file,
        original_name=name,
    )


def _flat_dialect(value: dict[str, Any], line: bytes) -> Dialect:
    if "seq" in value:
        return "native"
    if "ts" not in value:
        return "document"
    # the original's host writes compact JSON; events it forwards from the sandbox have a space after each separator
    return "forwarded" if line.lstrip().startswith(b'{"ts": ') else "host"


def _side(value: Any, dialect: Dialect) -> Side | None:
    if value in ("host", "worker"):
        return "host" if value == "host" else "worker"
    if dialect == "forwarded":
        return "worker"
    return "host" if dialect == "host" else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None
