"""Client of the worker: sends a command and records the worker's messages until its answer arrives."""

from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Any, Final

from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge, OsirisError, ProtocolError
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
from osiris_inspect.runtime.proxy.hang_watch import HangWatch
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder
from osiris_inspect.runtime.proxy.scheduling.conversation import Conversation, ForLine
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.transport.transport import Transport

_POLL_INTERVAL_S: Final = 0.2
"""Interval at which a waiting proxy checks for signals."""
_CAPTURE_ANSWER_S: Final = 2.0
"""Seconds within which a worker must send a line after it was asked to capture frames."""
CAPTURE_TIMEOUT_S: Final = 60.0
"""Seconds that a worker may take to capture the inputs of a step that timed out."""
_HOST_EVENTS: Final = frozenset(
    {
        *(
            "run_start",
            "plan",
            "phase",
            "parcel",
            "worker_started",
            "prepare_failed",
            "step_skipped",
            "step_reused",
            "source_changed",
        ),
        *("worker_silent", "step_waiting", "worker_lost", "wire_error", "lines_missing", "foreign_lines"),
        *("artifact_fetched", "artifact_left", "artifact_lost", "artifact_refused"),
        *("artifacts_lost", "artifacts_refused", "entry_planted", "leftovers_removed"),
        *("run_complete", "run_error", "run_end"),
    }
)
"""Events that only the host writes; a driver could send them from the worker."""

_OF_EACH_WORKER: Final = frozenset(
    {
        *("environment", "parcel_checked", "driver_registered", "session_initialized", "cleanup_complete"),
        *("step_start", "heartbeat"),
    }
)
"""Events with the number of the worker, in a run with several."""

CommandResult = Response | ErrorResponse


class CommandTimeout(Exception):
    """The worker did not answer in time."""

    log_name = "NoAnswer"


class Interrupted(OsirisError):
    """The run was interrupted by the signal of this name."""

    kind = "interrupted"

    def __init__(self, signal: str | None) -> None:
        super().__init__(f"the run was interrupted by {signal or 'a signal'}", signal=signal)


class WorkerClient:
    """Sends commands and records the worker's events and metrics, each line once and in order.

    Lines without the nonce of the run are ignored and counted.

    Attributes:
        worker: number of the worker in a run with several.
        on_step_complete: called with a step before its ``step_complete`` is recorded; returns False to leave it out.
    """

    def __init__(
        self,
        transport: Transport,
        recorder: RunRecorder,
        redactor: Redactor,
        signals: SignalFlag,
        nonce: str,
        steps: Collection[str],
    ) -> None:
        self._transport, self._recorder = transport, recorder
        self._nonce, self._prefix = nonce, rpc.line_prefix(nonce)
        self._steps = steps
        self.worker: int | None = None
        self._foreign_lines = 0
        self._run_id: object = None
        self._redactor, self._signals = redactor, signals
        self._next_id = 0
        self._pending: int | None = None
        self._late_answer: CommandResult | None = None
        self._next_line = 0
        self._is_silent = False
        self.on_step_complete: Callable[[str], bool] = lambda _step: True
        self._watch: HangWatch | None = None

    def request(
        self,
        verb: rpc.Verb,
        body: Mapping[str, Any],
        timeout: float | None,
        watch: HangWatch | None = None,
    ) -> Conversation[CommandResult]:
        """Send a command, record messages and return the answer; ``watch`` sees heartbeats and silence.

        Raises:
            WorkerLost: the worker ended without an answer; its messages are recorded.
            CommandTimeout: no answer arrived within ``timeout`` seconds.
            Interrupted: a signal arrived.
            WorkerHung: the worker was silent for too long.
        """
        self._watch = watch
        try:
            return (yield from self._request(verb, body, timeout))
        finally:
            self._report_foreign_lines()

    def take(self, line: bytes | MessageTooLarge | None) -> CommandResult | None:
        """Record a line of the worker, or that a line was too large; return it if it is an answer."""
        self._is_silent = line is None
        if isinstance(line, MessageTooLarge):
            self._recorder.record_host_event("wire_error", {"error": str(line)})
            return None
        return self._handle_message(line) if line is not None and self._is_new(line) else None

    def check_run_id(self, run_id: str) -> None:
        """Compare the run that the worker was prepared for with this one.

        Raises:
            ProtocolError: the worker reported another run, or none.
        """
        if self._run_id != run_id:
            raise ProtocolError(
                f"the worker was prepared for the run {self._run_id!r}, not for {run_id!r}",
                fix="run again, in a new sandbox",
                run=run_id,
                worker=self._run_id,
            )

    def _request(
        self, verb: rpc.Verb, body: Mapping[str, Any], timeout: float | None
    ) -> Conversation[CommandResult]:
        number = self._pending = self._take_id()
        self._transport.send(rpc.encode_command(Command(verb, number, body)))
        watch, since = self._watch, monotonic()
        deadline = None if timeout is None else since + timeout
        while True:
            if self._signals.is_set:
                raise Interrupted(self._signals.name)
            wait = _POLL_INTERVAL_S if deadline is None else min(deadline - monotonic(), _POLL_INTERVAL_S)
            if wait <= 0:
                raise CommandTimeout
            try:
                line = yield ForLine(wait)
            except MessageTooLarge as error:
                answer = self.take(error)
            else:
                answer = self.take(line)
            before, since = since, monotonic()
            if watch is not None and self._is_silent:
                watch.on_silence(since - before)
            elif watch is not None:
                watch.on_line()
            if answer is not None and answer.id in (number, None):
                return answer

    def capture(self, step: str, timeout: float) -> Conversation[None]:
        """Let a worker whose driver runs write the inputs of a step to disk; wait at most ``timeout`` seconds.

        It does not answer if C code of the driver holds the GIL, or if it has ended. A further signal ends the wait.
        """
        number, start, signals = self._take_id(), monotonic(), self._signals.count
        deadline = start + min(timeout, _CAPTURE_ANSWER_S)
        try:
            self._transport.send(rpc.encode_command(Command("capture", number, {"step_id": step})))
            while self._signals.count == signals and (seconds := deadline - monotonic()) > 0:
                try:
                    line = yield ForLine(min(seconds, _POLL_INTERVAL_S))
                except MessageTooLarge as error:
                    answer = self.take(error)
                else:
                    answer = self.take(line)
                if not self._is_silent:
                    deadline = start + timeout
                if answer is not None and answer.id == self._pending:
                    self._late_answer = answer
                if answer is not None and answer.id == number:
                    return
        except ProtocolError:  # the worker has ended
            return

    def _take_id(self) -> int:
        number, self._next_id = self._next_id, self._next_id + 1
        return number

    def drain(self) -> CommandResult | None:
        """Record the remaining messages of an ended worker; return the answer to the last command, if any."""
        result, self._late_answer = self._late_answer, None
        try:
            while True:
                answer = self._receive()
                result = answer if answer is not None and answer.id == self._pending else result
                if self._is_silent:
                    return result
        except ProtocolError:
            return result
        finally:
            self._report_foreign_lines()

    def _receive(self, timeout: float = 0.0) -> CommandResult | None:
        """Process the next line that arrives within ``timeout`` seconds; return it if it is an answer."""
        try:
            line = self._transport.receive(timeout)
        except MessageTooLarge as error:
            return self.take(error)
        return self.take(line)

    def _handle_message(self, line: bytes) -> CommandResult | None:
        try:
            message = rpc.decode_message(line)
            self._check_names(message)
        except InvalidMessage as error:
            text = self._redactor.redact_text(line.decode(errors="replace"))[:200]
            self._recorder.record_host_event("wire_error", {"error": str(error), "line": text})
            return None
        if not line.startswith(self._prefix):
            self._foreign_lines += 1
            return None
        match message:
            case EventMessage(name="step_complete", step=str(step)) if not self.on_step_complete(step):
                pass  # the answer of the step becomes an error
            case EventMessage(_, ts, name, step, fields, mono):
                if name == "session_initialized":
                    self._run_id = fields.get("run_id")
                if self.worker is not None and name in _OF_EACH_WORKER:
                    fields = {**fields, "worker": self.worker}
                self._recorder.record_event(name, ts, "worker", fields, step, mono)
                if name == "heartbeat":
                    self._recorder.last_heartbeats[self.worker] = fields
                    if self._watch is not None:
                        self._watch.on_heartbeat(fields)
            case MetricMessage(ts, name, value, step, tags):
                self._recorder.record_metric(Metric(name, value, ts, step, tags))
            case ErrorResponse(None, report) if report.get("type") == "BadMessage":
                # a command that was sent again after a partial line: its answer follows
                event_fields = {"error": report.get("message"), "side_of": "worker"}
                self._recorder.record_host_event("wire_error", event_fields)
            case Response() | ErrorResponse():
                return message
        return None

    def _check_names(self, message: rpc.WorkerMessage) -> None:
        """Check that a message is of a step of this run, or of none, and that its event is not one of the host.

        Raises:
            InvalidMessage: it is not.
        """
        match message:
            case EventMessage(name=name) if name in _HOST_EVENTS:
                raise InvalidMessage(f"the event {name!r} is the host's", event=name)
            case EventMessage(step=str(step)) | MetricMessage(step=str(step)) if step not in self._steps:
                raise InvalidMessage("the message is of no step of this run", field="step_id")

    def _is_new(self, line: bytes) -> bool:
        """Return True if a line was not received before; record missing lines."""
        number = rpc.sequence_of(line, self._nonce)
        if number is None:
            return True
        if number < self._next_line:
            return False
        if number > self._next_line:
            gap = {"from": self._next_line, "to": number - 1}
            self._recorder.record_host_event("lines_missing", gap)
        self._next_line = number + 1
        return True

    def _report_foreign_lines(self) -> None:
        """Record how many lines of other runs were ignored since the last report."""
        count, self._foreign_lines = self._foreign_lines, 0
        if count:
            self._recorder.record_host_event("foreign_lines", {"count": count})
