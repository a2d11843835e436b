"""An event of a run, whoever wrote it. The only room that knows the dialects.

Five forms are read: our own; the original's host (``ts``, ``session``, ``event``); the same as forwarded from a
remote worker (written with spaces after the separators); the worker's own file (``type``, ``name``, ``timestamp``,
``data``); and the form of the original documents (flat, without ``ts``). One form is written: ours.

Above this room nobody asks which dialect a run speaks: ``Event`` answers in one vocabulary, and ``fields`` keeps every
key of the line, so that nothing is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from osiris_inspect.model import failure, jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.run_types import InputLocation

Dialect = Literal["native", "host", "forwarded", "worker", "document"]
Side = Literal["host", "worker"]

_FIRST, _LAST = -62135596800, 253402300800  # the years 1 and 10000
ALIASES = {"step_error": "step_failed", "table.ddl_failed": "ddl_failed"}
"""Names of the original for what has another name in our vocabulary."""
_ENVELOPE = frozenset({"ts", "seq", "session", "event", "side", "step_id"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        name: what happened, in our vocabulary (``step_failed``, also where the original says ``step_error``).
        ts: seconds since 1970 (UTC), None where the line has no time.
        step: the step it belongs to, if any.
        fields: the event's own fields as they were written.
        session, side, seq: as written; None where the dialect has none.
        dialect: the form it was written in.
        line: its line in ``file``, from 1; 0 for an event that was never in a file.
        file: the file, relative to the run directory.
        original: the name as it was written.
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

    @property
    def is_failure(self) -> bool:
        """True if it reports that something failed. The name alone decides, so an index of names agrees."""
        return failure.is_failure(self.name)

    @property
    def error(self) -> str | None:
        """The error message of a failure; None for other events and for a failure without a message."""
        return failure.error_message(self.fields) if self.is_failure else None

    @property
    def error_type(self) -> str | None:
        """The class of the error, where the event names it."""
        return _text(self.fields.get("error_type")) or _text(_get(self.fields.get("error"), "type"))

    @property
    def traceback(self) -> str | None:
        """The traceback, where the event carries one."""
        return _text(self.fields.get("traceback")) or _text(_get(self.fields.get("error"), "traceback"))

    @property
    def driver(self) -> str | None:
        """The driver of the step, where the event names it."""
        return _text(self.fields.get("driver"))

    @property
    def duration_s(self) -> float | None:
        """How long it took, in seconds, whatever unit was written."""
        ms = finite_number(self.fields.get("duration_ms"))
        if ms is not None:
            return ms / 1000
        for key in ("duration_s", "duration", "total_duration", "duration_seconds"):
            seconds = finite_number(self.fields.get(key))
            if seconds is not None:
                return seconds
        return None

    @property
    def row_count(self) -> int | None:
        """The rows it speaks of, None where it names none."""
        for key in ("rows", "value", "rows_processed", "rows_written"):
            rows = finite_number(self.fields.get(key))
            if rows is not None:
                return int(rows)
        return None

    @property
    def location(self) -> InputLocation | None:
        """Where an input came from; None where the event does not tell.

        The commits of late September 2025 name the artifact an input was read from and no place: that was a spill.
        """
        if self.fields.get("from_spill"):
            return "spill"
        if self.fields.get("from_memory"):
            return "memory"
        if self.name == "inputs_resolved" and self.fields.get("artifact"):
            return "spill"
        return None

    @property
    def upstream_steps(self) -> tuple[str, ...]:
        """The upstream steps an ``inputs_resolved`` speaks of: up to 0.3.1 a list, later one."""
        several = self.fields.get("from_steps")
        if isinstance(several, list):
            return tuple(str(step) for step in several)
        one = step_name(self.fields.get("from_step"))
        return (one,) if one else ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """The input names an ``inputs_resolved`` speaks of, in the order of ``from_steps``."""
        several = self.fields.get("keys")
        if self.name == "inputs_resolved" and isinstance(several, list):
            return tuple(str(key) for key in several)
        one = _text(self.fields.get("name")) or _text(self.fields.get("key"))
        return (one,) if one else ()


def decode(line: bytes, *, line_number: int = 0, file: str = "events.jsonl") -> Event:
    """The event in a line of any dialect.

    Raises:
        InvalidLine: the line is no JSON object, or an object that names no event.
    """
    value = jsonl.decode_object(line)
    if isinstance(value.get("event"), str):
        dialect = _flat_dialect(value, line)
        return _flat(value, dialect, line_number, file)
    if value.get("type") == "event" and isinstance(value.get("name"), str):
        return _decode_worker_event(value, line_number, file)
    raise InvalidLine("a JSON object that names no event")


def canonical(name: str) -> str:
    """The name of an event in our vocabulary."""
    return ALIASES.get(name, name)


def encode(event: Event) -> bytes:
    """One line in our form, without its newline."""
    line: dict[str, Any] = {
        "ts": format_timestamp(event.ts) if event.ts is not None else None,
        "seq": event.seq,
        "session": event.session,
    }
    line["event"] = event.name
    if event.side:
        line["side"] = event.side
    if event.step is not None:
        line["step_id"] = event.step
    line.update((key, value) for key, value in event.fields.items() if key not in _ENVELOPE)
    return jsonl.encode(line)


def format_timestamp(ts: float) -> str:
    """A time as we write it: ISO 8601, UTC, microseconds."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds")


def parse_timestamp(value: Any) -> float | None:
    """Seconds since 1970 of a time as any dialect writes it; None for what is no time. A naive time is UTC.

    A number that is no moment of the calendar is no time either, so that whoever shows it as a date can.
    """
    seconds = finite_number(value)
    if seconds is not None:
        return seconds if _FIRST <= seconds < _LAST else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if _FIRST <= seconds < _LAST else None


def finite_number(value: Any) -> float | None:
    """``value`` where it is a finite number; None for anything else, also for a bool."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e300 else None  # NaN and infinities compare false


def step_name(value: Any) -> str | None:
    """A step's name, where ``value`` is one: YAML makes a number of an id without quotes, and logs repeat it."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _flat(value: dict[str, Any], dialect: Dialect, line: int, file: str) -> Event:
    name = value["event"]
    seq = value.get("seq")
    return Event(
        name=ALIASES.get(name, name),
        ts=parse_timestamp(value.get("ts")),
        step=step_name(value.get("step_id")),
        fields={key: item for key, item in value.items() if key not in _ENVELOPE},
        session=_text(value.get("session")),
        side=_side(value.get("side"), dialect),
        seq=seq if isinstance(seq, int) else None,
        dialect=dialect,
        line=line,
        file=file,
        original_name=name,
    )


def _decode_worker_event(value: dict[str, Any], line: int, file: str) -> Event:
    name, data = value["name"], value.get("data")
    data = data if isinstance(data, dict) else {}
    return Event(
        name=ALIASES.get(name, name),
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
    # the original's host writes compact JSON; what it forwards from the sandbox has a space behind each separator
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
