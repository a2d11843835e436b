"""The messages between proxy and worker, and their bytes. No I/O.

One JSON object a line. Host to worker: commands, each with an ``id``. Worker to host: for each command exactly one
``response`` or ``error`` with that id, and in between events and metrics. No frame ever stands in a message.

Each line of a worker begins with its number, ``{"n":7,``: a host that lost the connection knows what it missed.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Final, Literal

import orjson

from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one line at most."""

MAX_TEXT_CHARS: Final = 1_000_000
"""Characters of one text in a message; what a driver says beyond that is cut and counted."""
MAX_DEPTH: Final = 60
_NUMBER = re.compile(rb'\{"n":(\d{1,18}),')

Verb = Literal["prepare", "exec_step", "cleanup", "ping"]
_VERBS: tuple[Verb, ...] = ("prepare", "exec_step", "cleanup", "ping")
_FIELDS: Mapping[Verb, Mapping[str, type]] = {
    "prepare": {"run_id": str, "manifest": dict, "settings": dict},
    "exec_step": {"step_id": str, "driver": str, "cfg_path": str, "inputs": dict},
    "cleanup": {},
    "ping": {},
}


@dataclass(frozen=True, slots=True)
class Command:
    """What the host asks. ``body`` holds the fields of the verb, checked to be there and of the right type."""

    verb: Verb
    id: int
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """The worker did what command ``id`` asked."""

    id: int
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The worker could not do what command ``id`` asked; None where the bytes had no id.

    ``error`` holds ``type`` and ``message``, and where there is more ``causes`` and ``traceback``.
    """

    id: int | None
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventMessage:
    """Something happened in the worker. ``seq`` counts the worker's events from 0."""

    seq: int
    ts: float
    name: str
    step: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricMessage:
    """A metric of the worker."""

    ts: float
    name: str
    value: float
    step: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)


WorkerMessage = Response | ErrorResponse | EventMessage | MetricMessage


def encode_command(command: Command) -> bytes:
    """One line, newline included."""
    return _line({"cmd": command.verb, "id": command.id, **command.body})


def decode_command(line: bytes) -> Command:
    """The command in a line.

    Raises:
        InvalidMessage: no JSON object, an unknown verb, or a field that is missing or of the wrong type.
    """
    value = _object(line)
    verb, number = value.get("cmd"), value.get("id")
    if verb not in _VERBS:
        raise InvalidMessage(f"unknown command {verb!r}; known are {', '.join(_VERBS)}")
    if not isinstance(number, int) or isinstance(number, bool):
        raise InvalidMessage(f"command {verb!r} has no whole number as its id")
    body = {key: item for key, item in value.items() if key not in ("cmd", "id")}
    for name, kind in _FIELDS[verb].items():
        if not isinstance(body.get(name), kind):
            raise InvalidMessage(f"command {verb!r} needs {name!r} of type {kind.__name__}")
    return Command(verb, number, body)


def command_id_of(line: bytes) -> int | None:
    """The id in a line that may be no good command, so that its error can be answered to the right one."""
    try:
        number = _object(line).get("id")
    except InvalidMessage:
        return None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def encode_message(reply: WorkerMessage) -> bytes:
    """One line, newline included.

    What JSON has no form for stands there as its text.

    Raises:
        MessageTooLarge: the line would be over the limit.
    """
    match reply:
        case Response(number, body):
            line = _line({"type": "response", "id": number, **body})
        case ErrorResponse(number, error):
            line = _line({"type": "error", "id": number, "error": error})
        case EventMessage(seq, ts, name, step, fields):
            line = _line(
                {"type": "event", "seq": seq, "ts": ts, "event": name, "step_id": step, "data": fields}
            )
        case MetricMessage(ts, name, value, step, tags):
            line = _line(
                {"type": "metric", "ts": ts, "metric": name, "value": value, "step_id": step, "tags": tags}
            )
    if len(line) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"a message of {len(line):,} bytes; the limit is {MAX_MESSAGE_BYTES:,}")
    return line


def with_sequence(line: bytes, number: int) -> bytes:
    """A reply's line with its number in front."""
    return b'{"n":%d,' % number + line[1:]


def sequence_of(line: bytes) -> int | None:
    """The number a worker gave to a line, None where it has none."""
    match = _NUMBER.match(line)
    return int(match[1]) if match else None


def decode_message(line: bytes) -> WorkerMessage:
    """The reply in a line.

    Raises:
        InvalidMessage: it is none.
    """
    value = _object(line)
    kind = value.get("type")
    match kind:
        case "response":
            body = {key: item for key, item in value.items() if key not in ("type", "id", "n")}
            return Response(_required(value, "id", int), body)
        case "error":
            error = _required(value, "error", dict)
            return ErrorResponse(
                _optional(value, "id", int), {"type": "Error", "message": "no reason given"} | error
            )
        case "event":
            told = _required(value, "seq", int), _required(value, "ts", float), _required(value, "event", str)
            return EventMessage(*told, _optional(value, "step_id", str), _optional(value, "data", dict) or {})
        case "metric":
            measured = (
                _required(value, "ts", float),
                _required(value, "metric", str),
                _required(value, "value", float),
            )
            return MetricMessage(
                *measured, _optional(value, "step_id", str), _optional(value, "tags", dict) or {}
            )
    raise InvalidMessage(f"unknown type of message {kind!r}")


def _required(value: Mapping[str, Any], name: str, kind: type) -> Any:
    found = value.get(name)
    # fresh from JSON a value is of its type itself, never of a kind of it: so True is no number here
    if type(found) is kind or (kind is float and type(found) is int):
        return found
    raise InvalidMessage(f"a message of type {value.get('type')!r} needs {name!r} of type {kind.__name__}")


def _optional(value: Mapping[str, Any], name: str, kind: type) -> Any:
    return None if value.get(name) is None else _required(value, name, kind)


def to_jsonable(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: what it has no form for becomes its text, what is too long or deep is cut."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 1 << 63 else str(value)
    if isinstance(value, Integral | Real):
        return to_jsonable(int(value) if isinstance(value, Integral) else float(value))
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return {_text(str(key)): to_jsonable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | Set) and depth < MAX_DEPTH:
        return [to_jsonable(item, depth + 1) for item in value]
    return _text(safe_repr(value))


def safe_repr(value: Any) -> str:
    """``repr``, also of a value whose own raises."""
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001  the value's class is other people's code
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def _text(text: str) -> str:
    """Text that is valid Unicode and not endless."""
    if len(text) > MAX_TEXT_CHARS:
        text = f"{text[:MAX_TEXT_CHARS]}… ({len(text) - MAX_TEXT_CHARS:,} characters more)"
    return text.encode("utf-8", "backslashreplace").decode()


class LineSplitter:
    """Bytes in any pieces in, whole lines out.

    A line over ``limit`` is thrown away and told once as ``MessageTooLarge``; what follows it is read.
    """

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | MessageTooLarge]:
        """The lines that ``data`` completes, without their newlines, empty ones left out."""
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._hold(piece)
            yield from self._line()
        if rest:
            self._hold(rest)

    def end(self) -> Iterator[bytes | MessageTooLarge]:
        """What is left when no more will come: a last line without its newline."""
        yield from self._line()

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > self._limit:
            self._too_long = True
            self._parts.clear()
        else:
            self._parts.append(piece)

    def _line(self) -> Iterator[bytes | MessageTooLarge]:
        line, held, too_long = b"".join(self._parts), self._held, self._too_long
        self._parts, self._held, self._too_long = [], 0, False
        if too_long:
            yield MessageTooLarge(f"a line of {held:,} bytes; the limit is {self._limit:,}")
        elif line.strip():
            yield line


def _line(value: Mapping[str, Any]) -> bytes:
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(value, option=option)
    except (TypeError, RecursionError):
        return orjson.dumps(to_jsonable(value), option=option)


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidMessage(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidMessage(f"JSON of type {type(value).__name__}, not an object")
    return value
