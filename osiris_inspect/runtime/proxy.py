"""The proxy: takes a compiled pipeline through a transport and writes its run directory.

It is the one writer of the log. Whatever happens to the worker, the run ends in order: the step in flight fails with
the reason named, what depends on it is skipped with its cause, and ``run_end``, run card and ``status.json`` are there.
"""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from osiris_inspect.model import layout, manifest
from osiris_inspect.model.errors import BadMessage, MessageTooLarge, WorkerLost
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import Step
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.redact import Redactor
from osiris_inspect.runtime import card, rpc, run_directory
from osiris_inspect.runtime.compile import Compiled
from osiris_inspect.runtime.log import Log
from osiris_inspect.runtime.rpc import Command, Failure, Measured, Response, Told
from osiris_inspect.runtime.settings import Settings
from osiris_inspect.runtime.surroundings import Surroundings, describe
from osiris_inspect.runtime.transport import Transport

RunStatus = Literal["success", "failed", "interrupted"]
Watch = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and where it lies."""

    path: Path
    status: RunStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What to run and how.

    Attributes:
        base: the folder that relative paths of the pipeline start from.
        clock: seconds since 1970.
        variables: the names of the host's environment variables.
        fail_fast: whether the first failed step ends the run; otherwise branches that do not need it go on.
        watch: sees each event as it is written.
    """

    compiled: Compiled
    settings: Settings
    logs: Path
    base: Path
    clock: Callable[[], float]
    variables: tuple[str, ...] = ()
    fail_fast: bool = False
    watch: Watch = field(default=lambda _: None)


class _StepTimeout(Exception):
    """The step in flight took longer than it may."""


def run(order: Order, transport: Transport) -> Outcome:
    """Run a pipeline and leave its run directory complete.

    Ctrl-C ends the run in order: it counts as interrupted, not as an exception.

    Raises:
        OSError: the run directory cannot be written; what could be written is there.
    """
    began = order.clock()
    path = run_directory.create(order.logs, int(began * 1000))
    run_directory.write_compiled(path, order.compiled)
    with Log(path, path.name, Redactor()) as log, transport:
        return _Run(order, transport, log, path, began).go()


class _Run:
    """One run while it goes on."""

    def __init__(self, order: Order, transport: Transport, log: Log, path: Path, began: float) -> None:
        self.order, self.transport, self.log, self.path, self.began = order, transport, log, path, began
        self.kept: list[Event] = []
        self.because: dict[str, str] = {}
        self.succeeded: list[str] = []
        self.failed: list[str] = []
        self.reason: str | None = None
        self.lost: str | None = None
        self.next_id = 0

    def go(self) -> Outcome:
        status: RunStatus = "failed"
        try:
            self._open()
            with _TermAsInterrupt():
                if self._prepare():
                    self._steps()
                    self._cleanup()
            status = "success" if len(self.succeeded) == len(self.order.compiled.manifest.steps) else "failed"
        except KeyboardInterrupt:
            status, self.reason = "interrupted", "interrupted"
            self.transport.kill()
            self._abandon("interrupted")
        finally:
            self._end(status)
        return Outcome(self.path, status, self.reason)

    # --- the run's own events

    def tell(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        self._write(name, self.order.clock(), "host", fields, step)

    def _write(
        self,
        name: str,
        ts: float,
        side: Literal["host", "worker"],
        fields: Mapping[str, Any],
        step: str | None,
    ) -> None:
        event = self.log.event(name, ts, side, fields, step)
        if name in card.NEEDED:
            self.kept.append(event)
        if name in ("step_complete", "step_failed"):
            self.log.sync()
        self.order.watch(event)

    def _open(self) -> None:
        compiled = self.order.compiled
        start = {
            "run_id": self.path.name,
            "pipeline": compiled.manifest.name,
            "mode": self.transport.mode,
            "manifest_path": layout.MANIFEST,
            "settings": self.order.settings.to_document(),
        }
        self.tell("run_start", start)
        steps = [_planned(step, compiled.file) for step in compiled.manifest.steps]
        plan = {
            "pipeline": compiled.manifest.name,
            "file": compiled.file,
            "fingerprint": compiled.fingerprint,
        }
        self.tell("plan", {**plan, "steps": steps})
        here = Surroundings(self.path, self.transport.isolation, self.order.clock, self.order.variables)
        self.tell("environment", describe(here))

    def _end(self, status: RunStatus) -> None:
        total = len(self.order.compiled.manifest.steps)
        run_directory.write_card(self.path, card.of(self.order.compiled.manifest, self.kept))
        self.tell("artifact_created", {"artifact_type": "run_card", "path": layout.RUN_CARD})
        seconds = self.order.clock() - self.began
        counts = {"steps_completed": len(self.succeeded), "steps_total": total}
        if status == "success":
            self.tell("run_complete", {**counts, "duration_s": seconds})
        else:
            self.tell("run_error", {"error": self.reason or "a step failed", **counts, "duration_s": seconds})
        last = self.log.last_seq + 1
        self.tell("run_end", {"status": status, "last_seq": last, "duration_s": seconds})
        self.log.sync()
        verdict = {
            "run_id": self.path.name,
            "pipeline": self.order.compiled.manifest.name,
            "status": status,
            "ok": status == "success",
            "exit_code": {"success": 0, "failed": 1, "interrupted": 130}[status],
            **counts,
            "steps_failed": self.failed,
            "steps_skipped": self.because,
            "reason": self.reason,
        }
        run_directory.write_status(self.path, verdict)

    # --- what the worker is asked

    def _prepare(self) -> bool:
        compiled = self.order.compiled
        body = {
            "run_id": self.path.name,
            "manifest": manifest.to_document(compiled.manifest),
            "settings": self.order.settings.to_document(),
            "base": str(self.order.base),
        }
        try:
            self.transport.start(self.path, self.order.base)
            answer = self._ask("prepare", body, None)
        except WorkerLost as error:
            self.lost = str(error)
            words = f"{error}; its last words are in {layout.WORKER_LOG}"
            answer = Failure(None, {"type": "WorkerLost", "message": words})
        if isinstance(answer, Response):
            return True
        self.reason = f"the worker could not be prepared: {answer.error['message']}"
        self.tell(
            "prepare_failed", {"error": answer.error["message"], "error_type": answer.error.get("type")}
        )
        return False

    def _steps(self) -> None:
        for step in self.order.compiled.manifest.steps:
            cause = self._cause(step)
            if cause is not None:
                self.because[step.id] = cause
                self.tell("step_skipped", {"because": cause, "driver": step.driver}, step.id)
            elif self._step(step):
                self.succeeded.append(step.id)
            else:
                self.failed.append(step.id)
                self.reason = self.reason or f"step {step.id!r} failed"

    def _cause(self, step: Step) -> str | None:
        """The failed step that keeps ``step`` from running, None where nothing does."""
        for need in step.needs:
            if need in self.failed:
                return need
            if need in self.because:
                return self.because[need]
        stops_all = self.order.fail_fast or self.lost is not None
        return self.failed[0] if stops_all and self.failed else None

    def _step(self, step: Step) -> bool:
        inputs = {
            name: {"from_step": ref.from_step, "key": ref.key}
            for name, ref in manifest.bind_inputs(step).items()
        }
        body = {"step_id": step.id, "driver": step.driver, "cfg_path": step.cfg_path, "inputs": inputs}
        asked = self.order.clock()
        try:
            answer = self._ask("exec_step", body, self.order.settings.step_timeout_s)
        except WorkerLost as error:
            self._step_lost(step, "WorkerLost", str(error), asked)
            return False
        except _StepTimeout:
            self.transport.kill()
            seconds = self.order.settings.step_timeout_s
            self._step_lost(step, "StepTimeout", f"step {step.id!r} took longer than {seconds:g} s", asked)
            return False
        if isinstance(answer, Failure) and not self._told_failure(step):
            self._tell_failure(step, answer.error, asked)
        return isinstance(answer, Response)

    def _cleanup(self) -> None:
        if self.lost is None:
            try:
                self._ask("cleanup", {}, None)
            except WorkerLost as error:
                self.tell("worker_lost", {"error": str(error), "phase": "cleanup"})

    def _abandon(self, reason: str) -> None:
        """Close the books of a run that was interrupted: no step stays open, none is forgotten."""
        began = {event.step for event in self.kept if event.name == "step_start"}
        for step in self.order.compiled.manifest.steps:
            if step.id in self.succeeded or step.id in self.failed or step.id in self.because:
                continue
            if step.id in began:
                self._tell_failure(step, {"type": "Interrupted", "message": reason}, None)
                self.failed.append(step.id)
            else:
                self.because[step.id] = reason
                self.tell("step_skipped", {"because": reason, "driver": step.driver}, step.id)

    # --- the wire

    def _ask(self, verb: rpc.Verb, body: Mapping[str, Any], timeout: float | None) -> Response | Failure:
        """Send a command and write all that is told until its answer comes."""
        number, self.next_id = self.next_id, self.next_id + 1
        self.transport.send(rpc.encode_command(Command(verb, number, body)))
        until = None if timeout is None else monotonic() + timeout
        while True:
            left = None if until is None else until - monotonic()
            line = self.transport.receive(left) if left is None or left > 0 else None
            if line is None:
                raise _StepTimeout
            answer = self._take(line)
            if answer is not None and answer.id in (number, None):
                return answer

    def _take(self, line: bytes) -> Response | Failure | None:
        try:
            reply = rpc.decode_reply(line)
        except (BadMessage, MessageTooLarge) as error:
            self.tell("wire_error", {"error": str(error), "line": line[:200].decode(errors="replace")})
            return None
        match reply:
            case Told(_, ts, name, step, fields):
                self._write(name, ts, "worker", fields, step)
            case Measured(ts, name, value, step, tags):
                self.log.metric(Metric(name, value, ts, step, tags))
            case Response() | Failure():
                return reply
        return None

    def _step_lost(self, step: Step, kind: str, message: str, asked: float) -> None:
        self.lost = message
        self._tell_failure(step, {"type": kind, "message": message}, asked)

    def _tell_failure(self, step: Step, error: Mapping[str, Any], asked: float | None) -> None:
        fields: dict[str, Any] = {
            "driver": step.driver,
            "error": error.get("message"),
            "error_type": error.get("type"),
            "duration_ms": None if asked is None else (self.order.clock() - asked) * 1000,
        }
        self.tell("step_failed", {**fields, "traceback": error.get("traceback")}, step.id)

    def _told_failure(self, step: Step) -> bool:
        return any(event.name == "step_failed" and event.step == step.id for event in self.kept)


def _planned(step: Step, file: str) -> dict[str, Any]:
    inputs = {
        name: {"from_step": ref.from_step, "key": ref.key} for name, ref in manifest.bind_inputs(step).items()
    }
    return {
        "step_id": step.id,
        "driver": step.driver,
        "needs": list(step.needs),
        "inputs": inputs,
        "file": file,
        "line": step.line or None,
    }


class _TermAsInterrupt:
    """While a run goes on, SIGTERM ends it in order, as Ctrl-C does. In a thread that may not, nothing changes."""

    def __enter__(self) -> None:
        self._before: Any = None
        try:
            self._before = signal.signal(signal.SIGTERM, _interrupt)
        except ValueError:
            self._before = None  # only the main thread may; elsewhere whoever embeds us decides

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)


def _interrupt(number: int, frame: Any) -> None:
    del number, frame
    raise KeyboardInterrupt
