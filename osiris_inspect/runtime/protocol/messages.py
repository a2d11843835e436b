"""Messages between proxy and worker, and their encoding. No I/O.

One JSON object per line. The proxy sends commands, each with an ``id``. The worker answers each command with
exactly one ``response`` or ``error`` of that id, and sends events and metrics in between. Messages never
contain frames.

Each line of the worker starts with the nonce of the run and its sequence number, ``{"nonce":"…","n":7,``. A
proxy that lost the connection knows which lines it missed, and takes no line of another run.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, Final, Literal, get_args

import orjson

from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""Maximum bytes of a line."""
MAX_TEXT_CHARS: Final = 1_000_000
"""Maximum characters of a text in a message; longer texts are truncated."""
MAX_DEPTH: Final = 60
_END_OF_TIME: Final = 253402300800
"""Seconds since 1970 of the year 10000, which a date cannot have."""
_SEQUENCE = re.compile(rb'"n":(\d{1,18}),')

Verb = Literal["prepare", "exec_step", "test_step", "spill", "capture", "cleanup", "ping"]
_VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
_ENVELOPE: Final = frozenset({"type", "id", "n", "nonce"})
_STEP_FIELDS: Final[Mapping[str, type]] = {"step_id": str, "driver": str, "cfg_path": str, "inputs": dict}
_FIELDS: Mapping[Verb, Mapping[str, type]] = {
    "prepare": {"run_id": str, "manifest": dict, "settings": dict},
    "exec_step": _STEP_FIELDS,
    "test_step": _STEP_FIELDS,
    "capture": {"step_id": str},
    "spill": {"step_id": str},
    "cleanup": {},
    "ping": {},
}


_OPTIONAL_FIELDS: Mapping[Verb, Mapping[str, type]] = {
    "prepare": {"base": str, "parcel": dict, "configs": dict, "connections": dict, "secrets": list},
    "cleanup": {"not_run": list},
}


@dataclass(frozen=True, slots=True)
class Command:
    """Command of the proxy. ``body`` holds the required fields of the verb, with the right types."""

    verb: Verb
    id: int
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """Answer to a command that succeeded."""

    id: int
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """Answer to a command that failed; ``id`` is None if the line had no id.

    ``error`` holds ``type``, ``message`` and optionally ``causes`` and ``traceback``.
    """

    id: int | None
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventMessage:
    """Event of the worker. ``seq`` counts the worker's events from 0; ``mono`` is its monotonic clock in seconds."""

    seq: int
    ts: float
    name: str
    step: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    mono: float | None = None


@dataclass(frozen=True, slots=True)
class MetricMessage:
    """Metric of the worker."""

    ts: float
    name: str
    value: float
    step: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)


WorkerMessage = Response | ErrorResponse | EventMessage | MetricMessage


def encode_command(command: Command) -> bytes:
    """Return a command as one line, newline included."""
    return _to_line({"cmd": command.verb, "id": command.id, **command.body})


def decode_command(line: bytes) -> Command:
    """Parse a command.

    Raises:
        InvalidMessage: not a JSON object, an unknown verb, or a field that is missing or has the wrong type.
    """
    value = _parse_object(line)
    verb = value.get("cmd")
    if verb not in _VERBS:
        known = ", ".join(_VERBS)
        raise InvalidMessage(f"unknown command {verb!r}; known commands: {known}", command=verb)
    for name, kind in {"id": int, **_FIELDS[verb]}.items():
        _required(value, name, kind, f"command {verb!r}")
    for name, kind in _OPTIONAL_FIELDS.get(verb, {}).items():
        if value.get(name) is not None:
            _required(value, name, kind, f"command {verb!r}")
    _check_entries(verb, value)
    body = {name: item for name, item in value.items() if name not in ("cmd", "id")}
    return Command(verb, value["id"], body)


def _check_entries(verb: Verb, value: Mapping[str, Any]) -> None:
    """Check the types inside the fields of a command, which its receiver relies on."""
    for name, entry in (value["inputs"] if _FIELDS[verb] is _STEP_FIELDS else {}).items():
        context = f"input {name!r} of command {verb!r}"
        if not isinstance(entry, dict):
            raise InvalidMessage(f"{context} must be of type dict", field="inputs", expected="dict")
        _required(entry, "from_step", str, context)
        if entry.get("key") is not None:
            _required(entry, "key", str, context)
        for part in ("rows", "columns"):
            if entry.get(part) is not None:
                _required(entry, part, list, context)
    for name, entry in (value["settings"] if verb == "prepare" else {}).items():
        context = f"setting {name!r} of command {verb!r}"
        if not isinstance(entry, dict) or not {"value", "origin"} <= entry.keys():
            raise InvalidMessage(f"{context} needs 'value' and 'origin'", field="settings", expected="dict")
    if not all(type(secret) is str for secret in value.get("secrets") or ()):
        raise InvalidMessage(
            f"command {verb!r} needs 'secrets' that are texts", field="secrets", expected="str"
        )


def command_id_of(line: bytes) -> int | None:
    """Return the id of a line that may not be a valid command, so that the error can be answered."""
    try:
        number = _parse_object(line).get("id")
    except InvalidMessage:
        return None
    return number if type(number) is int else None


def encode_message(message: WorkerMessage) -> bytes:
    """Return a message as one line, newline included; values that JSON cannot represent become text.

    Raises:
        MessageTooLarge: the line exceeds the limit.
    """
    value: dict[str, Any]
    match message:
        case Response(number, body):
            value = {"type": "response", "id": number, **body}
        case ErrorResponse(number, error):
            value = {"type": "error", "id": number, "error": error}
        case EventMessage(seq, ts, name, step, fields, mono):
            value = {"type": "event", "seq": seq, "ts": ts, "event": name, "step_id": step, "data": fields}
            value |= {} if mono is None else {"mono": mono}
        case MetricMessage(ts, name, number, step, tags):
            value = {
                "type": "metric",
                "ts": ts,
                "metric": name,
                "value": number,
                "step_id": step,
                "tags": tags,
            }
    line = _to_line(value)
    if len(line) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(
            f"message too large: {len(line):,} bytes; the limit is {MAX_MESSAGE_BYTES:,}",
            bytes=len(line),
            limit_bytes=MAX_MESSAGE_BYTES,
        )
    return line


def new_nonce() -> str:
    """Return a value that no other run has."""
    return secrets.token_hex(8)


def with_nonce(line: bytes, nonce: str) -> bytes:
    """Return a message's line with the nonce of its run in front."""
    return line_prefix(nonce) + line[1:]


def with_sequence(line: bytes, number: int, nonce: str = "") -> bytes:
    """Return a message's line with the nonce of its run and its sequence number in front."""
    return b'%s"n":%d,%s' % (line_prefix(nonce), number, line[1:])


@lru_cache(8)
def line_prefix(nonce: str) -> bytes:
    """Return the beginning of every line of a run."""
    return b'{"nonce":"%s",' % nonce.encode()


def sequence_of(line: bytes, nonce: str = "") -> int | None:
    """Return the sequence number of a worker's line; None if it has none, or is not of this run."""
    prefix = line_prefix(nonce)
    match = _SEQUENCE.match(line, len(prefix)) if line.startswith(prefix) else None
    return int(match[1]) if match else None


def decode_message(line: bytes) -> WorkerMessage:
    """Parse a message of the worker.

    Raises:
        InvalidMessage: not a JSON object, an unknown type, or a field that is missing or has the wrong type.
    """
    value = _parse_object(line)
    kind = value.get("type")
    context = f"message of type {kind!r}"

    def required(name: str, kind: type) -> Any:
        return _required(value, name, kind, context)

    def optional(name: str, kind: type) -> Any:
        return None if value.get(name) is None else required(name, kind)

    match kind:
        case "response":
            body = {name: item for name, item in value.items() if name not in _ENVELOPE}
            return Response(required("id", int), body)
        case "error":
            error = {"type": "Error", "message": "no reason reported"} | required("error", dict)
            _required(error, "message", str, context)
            if error.get("error_info") is not None:
                _required(error, "error_info", dict, context)
            return ErrorResponse(optional("id", int), error)
        case "event":
            seq, ts, name = required("seq", int), _time(value, context), required("event", str)
            step, data, mono = optional("step_id", str), optional("data", dict), optional("mono", float)
            return EventMessage(seq, ts, name, step, data or {}, mono)
        case "metric":
            ts, name, number = _time(value, context), required("metric", str), required("value", float)
            return MetricMessage(ts, name, number, optional("step_id", str), optional("tags", dict) or {})
    raise InvalidMessage(f"unknown message type {kind!r}", type=kind)


def _required(value: Mapping[str, Any], name: str, kind: type, context: str) -> Any:
    item = value.get(name)
    # exact types, as parsed from JSON: True is not a number
    if type(item) is kind or (kind is float and type(item) is int):
        return item
    raise InvalidMessage(
        f"{context} needs {name!r} of type {kind.__name__}", field=name, expected=kind.__name__
    )


def _time(value: Mapping[str, Any], context: str) -> float:
    """Return the time of a message, which must have a date."""
    ts: float = _required(value, "ts", float, context)
    if not 0 <= ts < _END_OF_TIME:
        raise InvalidMessage(f"{context} needs 'ts' between 1970 and 9999", field="ts", expected="float")
    return ts


def to_jsonable(value: Any, depth: int = 0) -> Any:
    """Return a JSON value: other objects become text, long or deep values are truncated."""
    if isinstance(value, str):
        return _truncate(value)
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 1 << 63 else str(value)
    if isinstance(value, Integral | Real):
        return to_jsonable(int(value) if isinstance(value, Integral) else float(value))
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return {_truncate(str(key)): to_jsonable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | Set) and depth < MAX_DEPTH:
        return [to_jsonable(item, depth + 1) for item in value]
    return _truncate(safe_repr(value))


def safe_repr(value: Any) -> str:
    """Return ``repr(value)``, also if that raises."""
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001  __repr__ of a driver's class can raise anything
        return f"<{type(value).__name__}, whose __repr__ raises {type(error).__name__}>"


def _truncate(text: str) -> str:
    """Return text that is valid Unicode and of limited length."""
    if len(text) > MAX_TEXT_CHARS:
        text = f"{text[:MAX_TEXT_CHARS]}… ({len(text) - MAX_TEXT_CHARS:,} characters more)"
    return text.encode("utf-8", "backslashreplace").decode()


class LineSplitter:
    """Splits a stream into lines. A line over ``limit`` bytes is replaced by a ``MessageTooLarge``."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> Iterator[bytes | MessageTooLarge]:
        """Yield the non-empty lines that ``data`` completes, without their newlines."""
        *complete, tail = data.split(b"\n")
        for piece in complete:
            self._append(piece)
            yield from self.end()
        self._append(tail)

    def split(self, chunks: Iterable[bytes]) -> Iterator[bytes | MessageTooLarge]:
        """Yield the lines of a whole stream."""
        for chunk in chunks:
            yield from self.feed(chunk)
        yield from self.end()

    def end(self) -> Iterator[bytes | MessageTooLarge]:
        """Yield the last line if it has no newline."""
        line, length = b"".join(self._parts), self._length
        self._parts, self._length = [], 0
        if length > self._limit:
            yield MessageTooLarge(
                f"line too large: {length:,} bytes; the limit is {self._limit:,}",
                bytes=length,
                limit_bytes=self._limit,
            )
        elif line.strip():
            yield line

    def _append(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._limit:
            self._parts.clear()
        else:
            self._parts.append(piece)


def _to_line(value: Mapping[str, Any]) -> bytes:
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(value, option=option)
    except (TypeError, RecursionError):
        return orjson.dumps(to_jsonable(value), option=option)


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidMessage(f"not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidMessage(f"expected a JSON object, got {type(value).__name__}")
    if jsonl.is_too_deep(line, value):
        raise InvalidMessage(f"nested deeper than {jsonl.MAX_DEPTH} levels", limit=jsonl.MAX_DEPTH)
    return value
