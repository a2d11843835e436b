"""The messages between proxy and worker, and their bytes. No I/O.

One JSON object a line. Host to worker: commands, each with an ``id``. Worker to host: for each command exactly one
``response`` or ``error`` with that id, and in between events and metrics. No frame ever stands in a message.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from osiris_inspect.model.errors import BadMessage, MessageTooLarge

LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one line at most."""

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
class Failure:
    """The worker could not do what command ``id`` asked; None where the bytes had no id.

    ``error`` holds ``type`` and ``message``, and where there is more ``causes`` and ``traceback``.
    """

    id: int | None
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """Something happened in the worker. ``seq`` counts the worker's events from 0."""

    seq: int
    ts: float
    name: str
    step: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of the worker."""

    ts: float
    name: str
    value: float
    step: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)


Reply = Response | Failure | Told | Measured


def encode_command(command: Command) -> bytes:
    """One line, newline included."""
    return _line({"cmd": command.verb, "id": command.id, **command.body})


def decode_command(line: bytes) -> Command:
    """The command in a line.

    Raises:
        BadMessage: no JSON object, an unknown verb, or a field that is missing or of the wrong type.
    """
    value = _object(line)
    verb, number = value.get("cmd"), value.get("id")
    if verb not in _VERBS:
        raise BadMessage(f"unknown command {verb!r}; known are {', '.join(_VERBS)}")
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadMessage(f"command {verb!r} has no whole number as its id")
    body = {key: item for key, item in value.items() if key not in ("cmd", "id")}
    for name, kind in _FIELDS[verb].items():
        if not isinstance(body.get(name), kind):
            raise BadMessage(f"command {verb!r} needs {name!r} of type {kind.__name__}")
    return Command(verb, number, body)


def id_of(line: bytes) -> int | None:
    """The id in a line that may be no good command, so that its error can be answered to the right one."""
    try:
        number = _object(line).get("id")
    except BadMessage:
        return None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def encode_reply(reply: Reply) -> bytes:
    """One line, newline included.

    Raises:
        TypeError: a field holds what JSON has no form for.
        MessageTooLarge: the line would be over the limit.
    """
    match reply:
        case Response(number, body):
            line = _line({"type": "response", "id": number, **body})
        case Failure(number, error):
            line = _line({"type": "error", "id": number, "error": error})
        case Told(seq, ts, name, step, fields):
            line = _line(
                {"type": "event", "seq": seq, "ts": ts, "event": name, "step_id": step, "data": fields}
            )
        case Measured(ts, name, value, step, tags):
            line = _line(
                {"type": "metric", "ts": ts, "metric": name, "value": value, "step_id": step, "tags": tags}
            )
    if len(line) > LIMIT:
        raise MessageTooLarge(f"a message of {len(line):,} bytes; the limit is {LIMIT:,}")
    return line


def decode_reply(line: bytes) -> Reply:
    """The reply in a line.

    Raises:
        BadMessage: it is none.
    """
    value = _object(line)
    try:
        match value.get("type"):
            case "response":
                body = {key: item for key, item in value.items() if key not in ("type", "id")}
                return Response(int(value["id"]), body)
            case "error":
                return Failure(value.get("id"), dict(value["error"]))
            case "event":
                return Told(
                    value["seq"], value["ts"], value["event"], value.get("step_id"), value.get("data") or {}
                )
            case "metric":
                return Measured(
                    value["ts"],
                    value["metric"],
                    value["value"],
                    value.get("step_id"),
                    value.get("tags") or {},
                )
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"a {value.get('type')} without what belongs to it: {error}") from error
    raise BadMessage(f"unknown type of message {value.get('type')!r}")


class Lines:
    """Bytes in any pieces in, whole lines out.

    A line over ``limit`` is thrown away and told once as ``MessageTooLarge``; what follows it is read.
    """

    def __init__(self, limit: int = LIMIT) -> None:
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
    return orjson.dumps(
        value, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    )


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadMessage(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadMessage(f"JSON of type {type(value).__name__}, not an object")
    return value
