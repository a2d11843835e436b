"""A run as read from its directory: steps, events, metrics and unreadable inputs.

``finished`` is independent of ``status``: a run may have ended and failed, or be truncated. A value that the
run does not contain is None; a field beside a derived value names its source.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

from osiris_inspect.base.check_results import CheckResult
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun, RunInputs
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.http_response import HttpResponse
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.error_info import ErrorInfo
from osiris_inspect.model.event import Event, step_name
from osiris_inspect.model.finding import Stage
from osiris_inspect.model.manifest import InputRef, Manifest, input_name
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.run_card import RunCard, StepStatus
from osiris_inspect.model.run_types import FrameLocation, InputLocation, RunMode, RunOriginKind, RunStatus
from osiris_inspect.model.status import Status

ArtifactState = Literal["present", "missing", "not_downloaded", "lost", "corrupt"]
"""``not_downloaded`` exists where the step ran; ``lost`` failed to be downloaded."""


class MovedFrame(NamedTuple):
    """The way of a frame from one machine of a cluster to another: its size and the time to fetch it; None if unknown."""

    bytes: int | None
    seconds: float | None


class InputState(NamedTuple):
    """One input of a step.

    Attributes:
        name: its name in the step: ``df``, ``df_movies``.
        from_step: the step that produced the frame; None if unknown.
        location: where it was found; ``unresolved`` if it was not found or the log does not say.
        rows: its rows; None if unknown.
        line: the line of the event log that reports it; 0 if there is none.
        attempts: the locations that were searched, in order: ``{"place", "outcome", "reason"}``; empty if not
        logged.
        fingerprint: the hash of its values; empty if not logged.
        moved: how it came from another machine; None if it did not, or if the log does not say.
    """

    name: str
    from_step: str | None
    location: InputLocation
    rows: int | None = None
    line: int = 0
    attempts: tuple[Mapping[str, Any], ...] = ()
    fingerprint: str = ""
    moved: MovedFrame | None = None


class StepFailure(NamedTuple):
    """Why a step failed: the logged text, the error type, the traceback, and the line of the log.

    Attributes:
        info: the error as data; None if the run does not record it.
        causes: the exceptions that led to the error, the next one first: ``class: text``.
    """

    message: str
    type: str | None = None
    traceback: str | None = None
    file: str = "events.jsonl"
    line: int = 0
    info: ErrorInfo | None = None
    causes: tuple[str, ...] = ()


class Artifact(NamedTuple):
    """A file of a step. ``path`` is relative to the run directory; ``bytes`` is None if the file is missing."""

    path: str
    kind: str
    state: ArtifactState = "present"
    bytes: int | None = None
    line: int = 0


class CapturedInput(NamedTuple):
    """Input of a step that failed or did not run, for running the step again.

    Attributes:
        path: its Parquet file in the run directory; None if it was not captured.
        reason: why it was not captured: ``worker gone``, ``over the limit``, ``disk refused``, ``no frame``, …
        bytes: its size, if known.
    """

    name: str
    from_step: str | None
    path: str | None
    reason: str | None = None
    bytes: int | None = None
    line: int = 0


class StepCheck(NamedTuple):
    """Result of a check of a step's frame, and the line of the event log that reports it."""

    result: CheckResult
    line: int


_MASKS = LazyRegex(r"(?i:mask|anonym|redact|hash|pseudonym|scrub)")


@dataclass(frozen=True, slots=True)
class StepState:
    """The final state of a step.

    Attributes:
        status: ``running`` if it began and did not end; ``not_started`` if it is only in the manifest.
        rows_in: the sum of its inputs' rows; None if unknown.
        rows_out: the rows it returned or, for a writer, wrote; None if unknown.
        rows_out_source: the source of ``rows_out``: ``rows_out event``, ``run card``, ``metric, by time``, …
        storage: where its frame was kept; ``none`` if it was not kept, ``unknown`` if the log does not say.
        attempts: errors that the step logged before it failed, oldest first.
        skipped_because: the upstream step whose failure caused this skip or failure.
        reused_from: the earlier run that its result was taken from.
        started, ended: seconds since 1970.
        line_range: first and last line of the event log that name it; (0, 0) if there is none.
        needs_inferred: True if the run has no manifest and ``needs`` was inferred from the order of the
        steps.
        line: the step's line in the pipeline file; 0 if unknown.
        has_written: True if it reported rows that it wrote.
        checks: results of the checks of its frame.
        retries: how often the runtime ran the step again after an error.
        captures: its inputs that are on disk, or are not, if it failed or did not run; empty if the log does not say.
        retry_errors: the errors after which it ran again, oldest first, however the step ended.
        after: the steps that it runs after without taking their frames.
        nodes: the machine of each attempt, the last one last; empty outside a cluster.
        is_waiting: True if it was sent to a cluster and no machine took it.
    """

    id: str
    driver: str | None
    status: StepStatus
    needs: tuple[str, ...] = ()
    rows_in: int | None = None
    rows_out: int | None = None
    rows_out_source: str | None = None
    duration_s: float | None = None
    started: float | None = None
    ended: float | None = None
    storage: FrameLocation = "unknown"
    inputs: tuple[InputState, ...] = ()
    failure: StepFailure | None = None
    attempts: tuple[StepFailure, ...] = ()
    skipped_because: str | None = None
    reused_from: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    line_range: tuple[int, int] = (0, 0)
    needs_inferred: bool = False
    line: int = 0
    has_written: bool = False
    checks: tuple[StepCheck, ...] = ()
    retries: int = 0
    captures: tuple[CapturedInput, ...] = ()
    retry_errors: tuple[StepFailure, ...] = ()
    after: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    is_waiting: bool = False

    @property
    def node(self) -> str | None:
        """The machine of its last attempt; None outside a cluster."""
        return self.nodes[-1] if self.nodes else None

    @property
    def is_flaky(self) -> bool:
        """True if the step succeeded after an attempt that failed."""
        return self.status == "succeeded" and self.retries > 0

    @property
    def upstream(self) -> tuple[str, ...]:
        """Steps that must succeed before this one: its needs, then those that it only runs after."""
        return (*self.needs, *self.after)

    @property
    def is_writer(self) -> bool:
        """True if the step writes its rows to a target and keeps no frame."""
        kind = (self.driver or "").rpartition(".")[2]
        if kind.endswith(("extractor", "processor")):
            return False
        return kind.endswith("writer") or self.has_written or self.config.get("mode") in ("write", "load")

    @property
    def is_masking(self) -> bool:
        """True if the name of the step or of its driver says that it masks values."""
        return _MASKS.search(f"{self.id} {self.driver or ''}") is not None

    @property
    def is_source(self) -> bool:
        """True if the step reads its rows from outside the pipeline and takes no frame."""
        kind = (self.driver or "").rpartition(".")[2]
        return kind.endswith("extractor") or self.config.get("mode") in ("read", "extract")


@dataclass(frozen=True, slots=True)
class UnreadableInput:
    """A line or a file that could not be read.

    Attributes:
        line: 0 for a whole file.
        count: number of lines; more than 1 for an entry that stands for the remaining lines of a file.
    """

    file: str
    line: int
    reason: str
    count: int = 1


class LogLine(NamedTuple):
    """A line of a text log.

    Attributes:
        level: empty if there is none.
        step: the step that was running when the line was written; None if unknown.
    """

    file: str
    line: int
    text: str
    level: str = ""
    step: str | None = None


class TruncatedError(NamedTuple):
    """An error of the step that was running when the log ends, or that lost its worker.

    Attributes:
        names_step: True if the line names the step, or if the end of the log confirms the error.
    """

    line: LogLine
    names_step: bool


class WorkerRequest(NamedTuple):
    """A request of the proxy to run a step: one ``exec_step`` line of ``file``."""

    step: str
    driver: str | None
    inputs: Mapping[str, InputRef]
    line: int
    file: str = "commands.jsonl"


class ExposedSecret(NamedTuple):
    """The location of an unmasked secret in a file of the run.

    Attributes:
        breaks_url: True if it contains a character that must be escaped in a URL.
    """

    file: str
    key: str
    step: str | None = None
    breaks_url: bool = False


class ConnectionOutage(NamedTuple):
    """A time without a connection to the worker, in seconds since 1970.

    Attributes:
        ended: None if the connection was not restored.
        line: the line of the log that reports the loss.
    """

    began: float | None
    ended: float | None
    error: str | None
    line: int


class RunParent(NamedTuple):
    """The earlier run that a run repeats (``replay``), continues (``resume``) or takes frames from.

    Attributes:
        step: the step that is repeated; None for other kinds.
    """

    kind: RunOriginKind
    run: str
    step: str | None = None

    def __str__(self) -> str:
        """Return ``repeats step 'x' of run_1``, ``continues run_1`` or ``takes frames of run_1``."""
        if self.kind == "replay":
            return (
                f"repeats step {self.step!r} of {self.run}" if self.step else f"repeats a step of {self.run}"
            )
        return f"{'continues' if self.kind == 'resume' else 'takes frames of'} {self.run}"


@runtime_checkable
class LazyEvents(Protocol):
    """A log that is too long to be decoded as a whole: its events are decoded on demand."""

    @property
    def key_events(self) -> Sequence[Event]:
        """The events that a report needs."""

    def raw_line(self, line: int) -> bytes:
        """Return a line, counted from 0, without its newline."""

    def period(self) -> tuple[float, float] | None:
        """Return the earliest and the latest time in seconds since 1970; None if no line has one."""


@dataclass(frozen=True)
class Run:
    """One run directory.

    Attributes:
        id: the name of the directory.
        pipeline: the pipeline's name; None if unknown.
        dialect: the dialect of most events: ``native``, ``host``, ``forwarded``, ``worker``, ``document`` or
        ``none``.
        finished: True if its end was logged, successful or not.
        events: every readable event in the order of the file.
        log_lines: warnings and errors in text logs.
        http_responses: responses that text logs record, in the order of each file.
        has_info_lines: True if text logs contain messages of level INFO, which report requests.
        failure: the error that ended a run outside of any step (compile, preflight, worker start).
        failed_stage: the stage of ``failure``.
        kind: ``compile`` for a directory with a compiled pipeline that did not run.
        worker_requests: the requests of the proxy to a remote worker; empty if not kept.
        exposed_secrets: unmasked secrets in the run's configuration files.
        manifest_file: path of the manifest, relative to the directory.
        isolation: isolation of the worker: ``none``, ``landlock``, ``bwrap``, ``e2b``; None if unknown.
        outages: times without a connection to the worker.
        truncated_errors: the last errors of a truncated run, or of a worker that was lost.
        frames: counts of the frames by step; empty until a diagnosis needs them.
        earlier_runs: the last successful runs of the pipeline beside this one; empty except during a diagnosis.
        failed_runs: the last runs of the pipeline beside this one that failed or were interrupted after a step had
            succeeded, newest first; empty except during a diagnosis.
        inputs: what determines the run beside its data; unknown until there are ``earlier_runs`` or ``failed_runs``.
    """

    path: Path
    id: str
    status: RunStatus
    finished: bool
    dialect: str
    pipeline: str | None = None
    mode: RunMode | None = None
    started: float | None = None
    ended: float | None = None
    duration_s: float | None = None
    steps: tuple[StepState, ...] = ()
    events: Sequence[Event] = ()
    metrics: Sequence[Metric] = ()
    manifest: Manifest | None = None
    card: RunCard | None = None
    status_file: Status | None = None
    log_lines: tuple[LogLine, ...] = ()
    unreadable: tuple[UnreadableInput, ...] = ()
    failure: StepFailure | None = None
    failed_stage: Stage | None = None
    kind: Literal["run", "compile"] = "run"
    worker_requests: tuple[WorkerRequest, ...] = ()
    exposed_secrets: tuple[ExposedSecret, ...] = ()
    manifest_file: str = "manifest.yaml"
    isolation: str | None = None
    outages: tuple[ConnectionOutage, ...] = ()
    truncated_errors: tuple[TruncatedError, ...] = ()
    http_responses: tuple[HttpResponse, ...] = ()
    has_info_lines: bool = False
    frames: Mapping[str, FrameFacts] = field(default_factory=dict)
    earlier_runs: tuple[EarlierRun, ...] = ()
    failed_runs: tuple[EarlierRun, ...] = ()
    inputs: RunInputs = field(default_factory=RunInputs)

    def step(self, step_id: str) -> StepState | None:
        """Return a step; None if there is none with this id."""
        return self._steps_by_id.get(step_id)

    @cached_property
    def _steps_by_id(self) -> Mapping[str, StepState]:
        return {step.id: step for step in reversed(self.steps)}  # of two with one id the first is returned

    @cached_property
    def parent(self) -> RunParent | None:
        """The earlier run that this one repeats, continues or takes frames from; None if it is of its own."""
        for event in self.events_named("run_start"):
            origin = event.fields.get("origin")
            if isinstance(origin, Mapping) and origin.get("kind") in get_args(RunOriginKind):
                run, step = step_name(origin.get("run")), step_name(origin.get("step"))
                return RunParent(origin["kind"], run, step) if run else None
        return None

    @cached_property
    def steps_with_errors(self) -> Sequence[StepState]:
        """The steps that failed, or that logged an error of an attempt."""
        return tuple(step for step in self.steps if step.failure is not None or step.attempts)

    def steps_with_input_name(self, name: str) -> Sequence[StepState]:
        """Return the steps whose frame has an input name, in lower case, at its consumers."""
        return self._steps_by_input_name.get(name, ())

    @cached_property
    def _steps_by_input_name(self) -> Mapping[str, Sequence[StepState]]:
        steps: dict[str, list[StepState]] = {}
        for step in self.steps:
            steps.setdefault(input_name(step.id).lower(), []).append(step)
        return steps

    def successful_frames(self) -> Iterator[tuple[StepState, FrameFacts]]:
        """Yield each step that succeeded with the counts of its frame, if they are known."""
        for step in self.steps:
            frame = self.frames.get(step.id)
            if frame is not None and step.status == "succeeded":
                yield step, frame

    def input_frames(self, step: StepState) -> Sequence[FrameFacts]:
        """Return the counts of the frames that a step received, as far as they are known."""
        frames = (self.frames.get(entry.from_step or "") for entry in step.inputs)
        return tuple(frame for frame in frames if frame is not None)

    def inputs_from(self, step_id: str) -> Sequence[InputState]:
        """Return the inputs that steps made of the frame of one step."""
        return self._inputs_by_producer.get(step_id, ())

    @cached_property
    def _inputs_by_producer(self) -> Mapping[str, Sequence[InputState]]:
        inputs: dict[str, list[InputState]] = {}
        for step in self.steps:
            for entry in step.inputs:
                inputs.setdefault(entry.from_step or "", []).append(entry)
        return inputs

    def metrics_named(self, name: str, step: str | None) -> Sequence[Metric]:
        """Return the metrics of a name and a step; with None those without a step."""
        return self._metrics_by_name.get((name, step), ())

    @cached_property
    def _metrics_by_name(self) -> Mapping[tuple[str, str | None], Sequence[Metric]]:
        metrics: dict[tuple[str, str | None], list[Metric]] = {}
        for metric in self.metrics:
            metrics.setdefault((metric.name, metric.step), []).append(metric)
        return metrics

    @property
    def key_events(self) -> Sequence[Event]:
        """The events that a report needs; in a long log without the many repetitions of an event."""
        if isinstance(self.events, tuple):  # first, because a check of a protocol is slow
            return self.events
        return self.events.key_events if isinstance(self.events, LazyEvents) else self.events

    def events_named(self, *names: str, step: str | None = None) -> list[Event]:
        """Return the events with these names, optionally of one step, in the order of the file."""
        positions = [self._positions.get((name, step), ()) for name in dict.fromkeys(names)]
        events = self.key_events
        return [events[position] for position in sorted(chain.from_iterable(positions))]

    def events_at(self, line: int | None, *names: str, step: str | None = None) -> list[Event]:
        """Return the events with these names at a line, optionally of one step."""
        events = self._by_line.get(line, ())
        return [event for event in events if event.name in names and step in (None, event.step)]

    @cached_property
    def _by_line(self) -> Mapping[int | None, Sequence[Event]]:
        events: dict[int | None, list[Event]] = {}
        for event in self.key_events:
            events.setdefault(event.line, []).append(event)
        return events

    @cached_property
    def _positions(self) -> Mapping[tuple[str, str | None], Sequence[int]]:
        """The positions of the key events by name, and by name and step."""
        positions: dict[tuple[str, str | None], list[int]] = {}
        for position, event in enumerate(self.key_events):
            positions.setdefault((event.name, None), []).append(position)
            if event.step is not None:
                positions.setdefault((event.name, event.step), []).append(position)
        return positions
