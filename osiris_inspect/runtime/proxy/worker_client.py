"""What proxy and worker say to each other: a question, and all that is told until its answer comes."""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from osiris_inspect.model.errors import BadMessage, MessageTooLarge, WireError
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.messages import Command, Failure, Measured, Response, Told
from osiris_inspect.runtime.proxy.run_recorder import Books
from osiris_inspect.runtime.proxy.signals import Interrupts
from osiris_inspect.runtime.transport.transport import Transport

_LOOKED_EVERY_S: Final = 0.2
"""How often a waiting proxy looks whether it was interrupted."""

Answer = Response | Failure


class NoAnswer(Exception):
    """The worker took longer than it may."""


class Interrupted(Exception):
    """Somebody asked the run to end."""


class Dialogue:
    """Asks the worker and writes what it tells into the books, each line once and in its order."""

    def __init__(
        self, transport: Transport, books: Books, redactor: Redactor, interrupts: Interrupts
    ) -> None:
        self._transport, self._books = transport, books
        self._redactor, self._interrupts = redactor, interrupts
        self._next_id = 0
        self._next_line = 0
        self._is_silent = False

    def ask(self, verb: rpc.Verb, body: Mapping[str, Any], timeout: float | None) -> Answer:
        """Send a command and write all that is told until its answer comes.

        Raises:
            WorkerLost: it will never come; all the worker said before is written.
            NoAnswer: it did not come within ``timeout`` seconds.
            Interrupted: the run was asked to end.
        """
        number, self._next_id = self._next_id, self._next_id + 1
        self._transport.send(rpc.encode_command(Command(verb, number, body)))
        until = None if timeout is None else monotonic() + timeout
        while True:
            if self._interrupts.came:
                raise Interrupted
            left = _LOOKED_EVERY_S if until is None else min(until - monotonic(), _LOOKED_EVERY_S)
            if left <= 0:
                raise NoAnswer
            answer = self._next(left)
            if answer is not None and answer.id in (number, None):
                return answer

    def rest(self) -> Answer | None:
        """Write what a worker that was ended had said before; gives the answer to the last question if it was there."""
        found = None
        try:
            while True:
                answer = self._next(0.0)
                found = answer if answer is not None and answer.id == self._next_id - 1 else found
                if self._is_silent:
                    return found
        except WireError:
            return found

    def _next(self, seconds: float) -> Answer | None:
        """Take the next line that comes within ``seconds``; None unless it is an answer."""
        try:
            line = self._transport.receive(seconds)
        except MessageTooLarge as error:
            self._books.tell("wire_error", {"error": str(error)})
            return None
        self._is_silent = line is None
        return None if line is None or not self._is_new(line) else self._take(line)

    def _take(self, line: bytes) -> Answer | None:
        try:
            reply = rpc.decode_reply(line)
        except BadMessage as error:
            shown = self._redactor.text(line.decode(errors="replace"))[:200]
            self._books.tell("wire_error", {"error": str(error), "line": shown})
            return None
        match reply:
            case Told(_, ts, name, step, fields):
                self._books.write(name, ts, "worker", fields, step)
            case Measured(ts, name, value, step, tags):
                self._books.measure(Metric(name, value, ts, step, tags))
            case Failure(None, told) if told.get("type") == "BadMessage":
                # a command that was sent twice, cut the first time: its answer comes still
                self._books.tell("wire_error", {"error": told.get("message"), "side_of": "worker"})
            case Response() | Failure():
                return reply
        return None

    def _is_new(self, line: bytes) -> bool:
        """Whether a line did not come before. What is missing is told, not passed over."""
        number = rpc.number_of(line)
        if number is None:
            return True
        if number < self._next_line:
            return False
        if number > self._next_line:
            self._books.tell("lines_missing", {"from": self._next_line, "to": number - 1})
        self._next_line = number + 1
        return True
