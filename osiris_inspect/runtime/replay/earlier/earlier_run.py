"""An earlier run: its plan, its configurations, and what its log says about each step."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from osiris_inspect.base.bounded_yaml import load_yaml
from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.model import manifest as manifests
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.error_info import parse_error_info
from osiris_inspect.model.errors import InvalidLine, NotOurs, RunNotReadable, SourceChanged
from osiris_inspect.model.event import Event, as_int, decode
from osiris_inspect.model.jsonl import MAX_LINE
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.model.run_card import StepStatus

_AMBIGUOUS_KINDS: Final = frozenset(
    {
        *(
            "connection-lost",
            "driver-exited",
            "driver-raised",
            "internal-error",
            "interrupted",
            "network-timeout",
        ),
        *("query-cancelled", "service-failed", "step-timeout", "write-unconfirmed"),
    }
)
"""Kinds of errors of a driver after which its rows may be in the target; ``driver-raised`` is any exception."""
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC


@dataclass(slots=True)
class PastStep:
    """State of a step in the log of an earlier run.

    Attributes:
        status: how its last attempt ended; ``running`` if the log does not say.
        from_run: the run that produced its result; another one if the run took it over.
        fingerprint: the fingerprint of its frame; None if it returned none.
        rows: the rows of its frame, or those that it wrote.
        rows_in: the rows of its inputs; None if it resolved none.
        inputs: the fingerprints of its inputs by the step that they are from.
        frames: the fingerprints of its inputs; None if one was not recorded.
        may_have_written: True if an attempt was started and its driver reported neither success nor a failure that
            left the target as it was.
        code: the identity of the driver's code; None if it is unknown.
        files_read: the digest of each file that it read, by path; None if they were not recorded.
        was_on_disk: True if its frame was written to disk.
        error: the message of its last error.
        error_type: the class of that error.
        traceback: the traceback of that error.
        schema_hash: the hash of the columns and types of its frame.
        expected: the fingerprint of its frame in an earlier run, if it failed because it returned another one.
        because: the step or the loss because of which it was skipped.
    """

    id: str
    from_run: str
    status: StepStatus = "not_started"
    driver: str = ""
    fingerprint: str | None = None
    rows: int | None = None
    rows_in: int | None = None
    inputs: dict[str, str | None] = field(default_factory=dict)
    frames: dict[InputRef, str | None] = field(default_factory=dict)
    may_have_written: bool = False
    code: Mapping[str, Any] | None = None
    files_read: dict[str, str | None] = field(default_factory=dict)
    was_on_disk: bool = False
    error: str | None = None
    expected: str | None = None
    error_type: str | None = None
    traceback: str | None = None
    schema_hash: str | None = None
    because: str | None = None

    @property
    def is_done(self) -> bool:
        """True if it succeeded, in this run or in one that this run took its result from."""
        return self.status in ("succeeded", "reused")


@dataclass(frozen=True)
class PastRun:
    """An earlier run.

    Attributes:
        path: its directory.
        manifest: its plan.
        start: the fields of ``run_start``.
        plan: the fields of the event ``plan``.
        steps: its steps by id, in the order of the plan.
        status: the status in ``run_end``; None if the log has no end.
        fetched: the output files that were downloaded from a remote worker.
    """

    path: Path
    manifest: Manifest
    start: Mapping[str, Any]
    plan: Mapping[str, Any]
    steps: Mapping[str, PastStep]
    status: str | None
    fetched: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name of its directory, which is its id."""
        return self.path.name

    @property
    def is_remote(self) -> bool:
        """True if its steps ran in another machine, which their output files were downloaded from."""
        return self.start.get("mode") in ("e2b", "dask")

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of its command line; empty if they were not recorded."""
        return options_of(self.start)

    @property
    def origin(self) -> Mapping[str, Any]:
        """The earlier run that it continues or repeats; empty if it is of its own."""
        origin = self.start.get("origin")
        return origin if isinstance(origin, Mapping) else {}

    @cached_property
    def configs(self) -> Mapping[str, Mapping[str, Any]]:
        """Configurations by step, secrets masked; a step whose file is missing or damaged has none."""
        found = {step.id: _read_json(self.path / layout.config_path(step.id)) for step in self.manifest.steps}
        return {step: config for step, config in found.items() if config is not None}

    def server(self, step: str) -> Mapping[str, Any] | None:
        """Return the server of the connection that a step used; None if it is unknown, empty if it used none."""
        config = _read_json(self.path / layout.cleaned_config_path(step))
        if config is None:
            return None
        server = config.get("resolved_connection")
        return server if isinstance(server, Mapping) else {}


def options_of(start: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of the command line in the fields of ``run_start``."""
    options = start.get("options")
    return options if isinstance(options, Mapping) else {}


def read_earlier_run(path: Path) -> PastRun:
    """Return the run in a directory.

    Raises:
        RunNotReadable: its log or its manifest cannot be read.
        NotOurs: it was not made by this program.
    """
    log = _LogReader(path.name)
    for event in read_events(path):
        log.read(event)
    if log.start is None:
        raise NotOurs(
            f"{path} was not made by osiris-inspect run, so its steps cannot be taken over",
            fix="run its pipeline with osiris-inspect run",
            path=str(path),
        )
    plan = _read_manifest(path)
    steps = {step.id: log.steps.get(step.id) or PastStep(step.id, path.name) for step in plan.steps}
    for step in plan.steps:
        steps[step.id].driver = step.driver
        steps[step.id].code = steps[step.id].code or log.codes.get(step.driver)
    _mark_done(steps, log.start)
    if log.status is None:
        _mark_sent(plan, steps, is_serial="jobs" not in options_of(log.start))
    # absolute, because a local run changes the working directory
    return PastRun(path.absolute(), plan, log.start, log.plan, steps, log.status, frozenset(log.fetched))


class RunLock:
    """Lock on an earlier run, so that it is continued once at a time; its files stay as they are.

    Raises:
        RunNotReadable: the run is not finished, or another process continues it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path / layout.MANIFEST, _FLAGS | os.O_NOFOLLOW)
        try:
            self._check_ended(path)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RunNotReadable(
                f"{path} is running, or another process continues it; wait for its end"
            ) from None

    def _check_ended(self, path: Path) -> None:
        log = open_regular(path / layout.EVENTS)
        try:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)  # a run holds a lock until it ends
        finally:
            os.close(log)

    def close(self) -> None:
        """Release the lock; calling it twice is safe."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "RunLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _LogReader:
    """State of the steps while a log is read."""

    def __init__(self, run: str) -> None:
        self._run = run
        self.start: Mapping[str, Any] | None = None
        self.plan: Mapping[str, Any] = {}
        self.steps: dict[str, PastStep] = {}
        self.codes: dict[str, Mapping[str, Any]] = {}
        self.status: str | None = None
        self.fetched: set[str] = set()

    def read(self, event: Event) -> None:
        """Take over what an event says."""
        handler = getattr(self, f"_on_{event.name}", None)
        if handler is not None and (event.side == "host" or event.name in _WORKER_EVENTS):
            handler(event)

    def _step(self, event: Event) -> PastStep:
        return self.steps.setdefault(event.step or "", PastStep(event.step or "", self._run))

    def _on_run_start(self, event: Event) -> None:
        if isinstance(event.fields.get("settings"), Mapping):
            self.start = event.fields

    def _on_plan(self, event: Event) -> None:
        self.plan = event.fields

    def _on_run_end(self, event: Event) -> None:
        self.status = str(event.fields.get("status"))

    def _on_artifact_fetched(self, event: Event) -> None:
        if event.fields.get("output") is True:
            self.fetched.add(str(event.fields.get("path")))

    def _on_driver_registered(self, event: Event) -> None:
        code = event.fields.get("code")
        if isinstance(code, Mapping):
            self.codes[str(event.fields.get("driver"))] = code

    def _on_step_start(self, event: Event) -> None:
        self._step(event).status = "running"

    def _on_inputs_resolved(self, event: Event) -> None:
        step = self._step(event)
        step.rows_in = (step.rows_in or 0) + (event.row_count or 0)
        fingerprint = event.fields.get("fingerprint")
        for name in event.upstream_steps:
            step.inputs[name] = str(fingerprint) if fingerprint else None
            key = str(event.fields.get("key") or layout.FRAME_KEY)
            step.frames[InputRef(name, key)] = step.inputs[name]

    def _on_file_read(self, event: Event) -> None:
        digest = event.fields.get("xxh3") if event.fields.get("complete", True) else None
        self._step(event).files_read[str(event.fields.get("path"))] = str(digest) if digest else None

    def _on_output_stored(self, event: Event) -> None:
        step, fingerprint = self._step(event), event.fields.get("fingerprint")
        step.fingerprint = str(fingerprint) if fingerprint else None
        step.rows = event.row_count
        step.was_on_disk = event.fields.get("storage") == "spill"

    def _on_spill_write(self, event: Event) -> None:
        self._step(event).was_on_disk = True

    def _on_step_complete(self, event: Event) -> None:
        step = self._step(event)
        step.status, step.error = "succeeded", None
        step.rows = event.row_count if step.fingerprint is None else step.rows

    def _on_step_failed(self, event: Event) -> None:
        step = self._step(event)
        was_started = step.status == "running"
        step.status, step.error = "failed", event.error
        step.error_type = _text_or_none(event.fields.get("error_type"))
        step.traceback = _text_or_none(event.fields.get("traceback"))
        step.may_have_written |= was_started and (event.side == "host" or _is_ambiguous(event))
        info = parse_error_info(event.fields.get("error_info"))
        if info is not None and info.kind == SourceChanged.kind:
            step.expected = str(info.facts.get("expected"))

    def _on_step_retry(self, event: Event) -> None:
        step = self._step(event)
        step.status, step.rows_in = "not_started", None
        step.inputs.clear()
        step.files_read.clear()

    def _on_step_skipped(self, event: Event) -> None:
        step = self._step(event)
        step.status, step.because = "skipped", _text_or_none(event.fields.get("because"))

    def _on_step_reused(self, event: Event) -> None:
        step, fields = self._step(event), event.fields
        step.status, step.from_run = "reused", str(fields.get("from_run"))
        step.fingerprint = str(fields["fingerprint"]) if fields.get("fingerprint") else None
        step.rows = as_int(fields.get("rows"))
        step.schema_hash = _text_or_none(fields.get("schema_hash"))
        step.was_on_disk = fields.get("how") not in ("done", "accepted")
        code = fields.get("code")
        step.code = code if isinstance(code, Mapping) else None


_WORKER_EVENTS: Final = frozenset(
    {
        *("driver_registered", "step_start", "inputs_resolved", "file_read", "output_stored"),
        *("spill_write", "step_complete", "step_failed"),
    }
)
"""Events that the worker writes; a driver could write others."""


def _is_ambiguous(event: Event) -> bool:
    """Return True if rows of a writer that failed with this error may be in the target."""
    info = parse_error_info(event.fields.get("error_info"))
    if info is None:
        return False
    if "rows_written" in info.facts:
        return bool(info.facts["rows_written"] != 0)  # a number, or a text that says that it is unknown
    return info.kind in _AMBIGUOUS_KINDS


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mark_done(steps: Mapping[str, PastStep], start: Mapping[str, Any]) -> None:
    """Mark the writers that the run took over as done, although it may have been killed before it recorded each."""
    origin = start.get("origin")
    names = origin.get("done") if isinstance(origin, Mapping) else None
    for name in names if isinstance(names, list) else ():
        step = steps.get(str(name))
        if step is not None and step.status == "not_started":
            step.status, step.from_run = "reused", str(origin.get("run")) if origin else step.from_run


def _mark_sent(plan: Manifest, steps: Mapping[str, PastStep], *, is_serial: bool) -> None:
    """Mark the steps that a run whose host was killed may have started, although it could not record it."""
    running = [step for step in steps.values() if step.status == "running"]
    ready = [
        steps[step.id]
        for step in plan.steps
        if steps[step.id].status == "not_started"
        and all(name in steps and steps[name].is_done for name in step.upstream)
    ]
    if is_serial:
        ready = [] if running else ready[:1]
    for step in (*running, *ready):
        step.may_have_written = True


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a run; lines that cannot be read are left out.

    Raises:
        RunNotReadable: there is no log, or it cannot be read.
    """
    try:
        descriptor = open_regular(path / layout.EVENTS)
    except OSError as error:
        raise RunNotReadable(f"cannot read {path / layout.EVENTS}: {error.strerror or error}") from None
    with os.fdopen(descriptor, "rb") as file:
        while line := file.readline(MAX_LINE):
            try:
                yield decode(line)
            except InvalidLine:  # a torn last line, or bytes that a driver wrote
                continue


def _read_manifest(path: Path) -> Manifest:
    try:
        with os.fdopen(open_regular(path / layout.MANIFEST), "rb") as file:
            return manifests.parse(load_yaml(file.read()))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunNotReadable(f"cannot read {path / layout.MANIFEST}: {str(error).splitlines()[0]}") from None


def _read_json(path: Path) -> Mapping[str, Any] | None:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            value = orjson.loads(file.read())
    except (OSError, orjson.JSONDecodeError):
        return None
    return value if isinstance(value, Mapping) else None
