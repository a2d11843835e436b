"""What proxy and worker say to each other: a question, and all that is told until its answer comes."""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge, ProtocolError
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.messages import (
    Command,
    ErrorResponse,
    EventMessage,
    MetricMessage,
    Response,
)
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.transport.transport import Transport

_POLL_INTERVAL_S: Final = 0.2
"""How often a waiting proxy looks whether it was interrupted."""

CommandResult = Response | ErrorResponse


class CommandTimeout(Exception):
    """The worker took longer than it may."""

    log_name = "NoAnswer"


class Interrupted(Exception):
    """Somebody asked the run to end."""


class WorkerClient:
    """Asks the worker and writes what it tells into the books, each line once and in its order."""

    def __init__(
        self, transport: Transport, books: RunRecorder, redactor: Redactor, interrupts: SignalFlag
    ) -> None:
        self._transport, self._books = transport, books
        self._redactor, self._interrupts = redactor, interrupts
        self._next_id = 0
        self._next_line = 0
        self._is_silent = False

    def request(self, verb: rpc.Verb, body: Mapping[str, Any], timeout: float | None) -> CommandResult:
        """Send a command and write all that is told until its answer comes.

        Raises:
            WorkerLost: it will never come; all the worker said before is written.
            CommandTimeout: it did not come within ``timeout`` seconds.
            Interrupted: the run was asked to end.
        """
        number, self._next_id = self._next_id, self._next_id + 1
        self._transport.send(rpc.encode_command(Command(verb, number, body)))
        until = None if timeout is None else monotonic() + timeout
        while True:
            if self._interrupts.is_set:
                raise Interrupted
            left = _POLL_INTERVAL_S if until is None else min(until - monotonic(), _POLL_INTERVAL_S)
            if left <= 0:
                raise CommandTimeout
            answer = self._receive(left)
            if answer is not None and answer.id in (number, None):
                return answer

    def drain(self) -> CommandResult | None:
        """Write what a worker that was ended had said before; gives the answer to the last question if it was there."""
        found = None
        try:
            while True:
                answer = self._receive(0.0)
                found = answer if answer is not None and answer.id == self._next_id - 1 else found
                if self._is_silent:
                    return found
        except ProtocolError:
            return found

    def _receive(self, seconds: float) -> CommandResult | None:
        """Take the next line that comes within ``seconds``; None unless it is an answer."""
        try:
            line = self._transport.receive(seconds)
        except MessageTooLarge as error:
            self._books.record_host_event("wire_error", {"error": str(error)})
            return None
        self._is_silent = line is None
        return None if line is None or not self._check_sequence(line) else self._handle_message(line)

    def _handle_message(self, line: bytes) -> CommandResult | None:
        try:
            reply = rpc.decode_message(line)
        except InvalidMessage as error:
            shown = self._redactor.redact_text(line.decode(errors="replace"))[:200]
            self._books.record_host_event("wire_error", {"error": str(error), "line": shown})
            return None
        match reply:
            case EventMessage(_, ts, name, step, fields):
                self._books.record_event(name, ts, "worker", fields, step)
            case MetricMessage(ts, name, value, step, tags):
                self._books.record_metric(Metric(name, value, ts, step, tags))
            case ErrorResponse(None, told) if told.get("type") == "BadMessage":
                # a command that was sent twice, cut the first time: its answer comes still
                self._books.record_host_event(
                    "wire_error", {"error": told.get("message"), "side_of": "worker"}
                )
            case Response() | ErrorResponse():
                return reply
        return None

    def _check_sequence(self, line: bytes) -> bool:
        """Whether a line did not come before. What is missing is told, not passed over."""
        number = rpc.sequence_of(line)
        if number is None:
            return True
        if number < self._next_line:
            return False
        if number > self._next_line:
            self._books.record_host_event("lines_missing", {"from": self._next_line, "to": number - 1})
        self._next_line = number + 1
        return True
