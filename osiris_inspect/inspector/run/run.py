"""A run as it was left on disk: its steps, events, metrics and what could not be read.

``finished`` is another question than ``status``: a run may be over and failed, or cut off and unknown. What the log
cannot tell is None, never a guess; where a figure was derived, the field beside it says from what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Stage
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.run_card import RunCard, StepStatus
from osiris_inspect.model.run_types import FrameLocation, InputLocation, RunMode, RunStatus
from osiris_inspect.model.status import Status

ArtifactState = Literal["present", "missing", "not_downloaded", "lost", "corrupt"]
"""``not_downloaded`` lies where the step ran, ``lost`` did not survive its way from there."""


class InputState(NamedTuple):
    """One input of a step.

    Attributes:
        name: as the step knows it: ``df``, ``df_movies``.
        from_step: the step whose frame it is; None where nothing tells.
        place: where it was found; ``unresolved`` where it was found nowhere or nothing says that it was.
        rows: its rows, None where not told.
        line: the line of events.jsonl that tells; 0 where none does.
        tried: the places looked at, in order: ``{"place", "outcome", "reason"}``; empty where not recorded.
    """

    name: str
    from_step: str | None
    location: InputLocation
    rows: int | None = None
    line: int = 0
    attempts: tuple[Mapping[str, Any], ...] = ()


class StepFailure(NamedTuple):
    """What a step died of: the text as it was logged, its type, its traceback, and the line that says so."""

    message: str
    type: str | None = None
    traceback: str | None = None
    file: str = "events.jsonl"
    line: int = 0


class Artifact(NamedTuple):
    """A file a step left. ``path`` is relative to the run directory; ``bytes`` is None where it is not there."""

    path: str
    kind: str
    state: ArtifactState = "present"
    bytes: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class StepState:
    """A step as the run left it.

    Attributes:
        status: ``running`` where it began and no end is known; ``not_started`` where the manifest has it and the log
            has not.
        rows_in: the sum of its inputs' rows; None where not told.
        rows_out: the rows it gave (a frame) or wrote (a writer); None where not told.
        rows_out_from: what told ``rows_out``: ``rows_out event``, ``run card``, ``metric, by time``, …; None with it.
        storage: where its frame was kept; ``none`` where the log says that nothing was, ``unknown`` where it says nothing.
        because: the upstream step whose failure this one is a consequence of, for a skipped step or a cascade.
        started, ended: seconds since 1970.
        lines: first and last line of events.jsonl that name it; (0, 0) where none does.
        needs_inferred: the run has no manifest, and ``needs`` was concluded from the order of the steps.
        line: the step's line in the pipeline file; 0 where it is not known.
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
    skipped_because: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    line_range: tuple[int, int] = (0, 0)
    needs_inferred: bool = False
    line: int = 0

    @property
    def is_writer(self) -> bool:
        """Whether it ends a branch: its rows go out of the run and no frame stays."""
        return self.driver is not None and self.driver.rpartition(".")[2].endswith("writer")


@dataclass(frozen=True, slots=True)
class UnreadableInput:
    """A line or a file that could not be read, and why.

    ``line`` is 0 for a whole file. ``count`` is more than 1 where a file has so many unreadable lines that the rest of
    them are one entry.
    """

    file: str
    line: int
    reason: str
    count: int = 1


class LogLine(NamedTuple):
    """A line of a text log.

    ``level`` is empty where it has none, ``step`` is the step the worker was at when it wrote the line, None where the
    log does not tell.
    """

    file: str
    line: int
    text: str
    level: str = ""
    step: str | None = None


class TruncatedError(NamedTuple):
    """An error of the step at which a log stops. ``is_stated`` says that its line names that step."""

    line: LogLine
    names_step: bool


class WorkerRequest(NamedTuple):
    """What the host told the worker to run: one ``exec_step`` line of ``file``."""

    step: str
    driver: str | None
    inputs: Mapping[str, InputRef]
    line: int
    file: str = "commands.jsonl"


class ExposedSecret(NamedTuple):
    """A secret that stands in clear in a file of the run: where, never which.

    ``breaks_urls`` says that it has a character that ends it early where it is put into a URL as it is.
    """

    file: str
    key: str
    step: str | None = None
    breaks_url: bool = False


class ConnectionOutage(NamedTuple):
    """A time in which the worker could not be heard, in seconds since 1970.

    ``ended`` is None where it was never heard again; ``line`` is the line of the log that tells of the loss.
    """

    began: float | None
    ended: float | None
    error: str | None
    line: int


@runtime_checkable
class LazyEvents(Protocol):
    """A log that is too long to be decoded as a whole: its events are decoded when asked for."""

    @property
    def key_events(self) -> Sequence[Event]:
        """The events that make the picture of the run."""

    def raw_line(self, line: int) -> bytes:
        """A line, counted from 0, without its newline."""

    def period(self) -> tuple[float, float] | None:
        """The earliest and the latest time in seconds since 1970; None where no line has one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run directory, read.

    Attributes:
        path: the directory.
        id: the run's name: that of its directory.
        pipeline: the pipeline's name; None where nothing tells.
        dialect: the form of most events, ``native``, ``host``, ``forwarded``, ``worker``, ``document`` or ``none``.
        finished: whether its end was logged, good or bad.
        events: every readable event in the order of the file.
        log_lines: the lines of text logs that say something events do not (warnings and errors).
        last_words: what a run that was cut off said last, without what stands before an error in each line of its log.
        failure: what ended a run outside of any step (compile, preflight, worker start), with ``failed_stage``.
        kind: ``compile`` for a directory that holds a compiled pipeline which was not run from there.
        requests: what the host of a remote run asked the worker for; empty where it was not kept.
        exposures: secrets that stand in clear in the run's configuration files.
        manifest_file: where the manifest lies, relative to the directory.
        isolation: how far the worker was kept apart: ``none``, ``landlock``, ``bwrap``, ``e2b``; None where not told.
        outages: when the connection to the worker was lost.
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

    def step(self, step_id: str) -> StepState | None:
        """The step of that id."""
        return next((step for step in self.steps if step.id == step_id), None)

    @property
    def key_events(self) -> Sequence[Event]:
        """The events that make the picture of the run: all, unless a long log repeats some of them very often."""
        if isinstance(self.events, tuple):  # asked first: to ask a protocol takes its time
            return self.events
        return self.events.key_events if isinstance(self.events, LazyEvents) else self.events

    def events_named(self, *names: str, step: str | None = None) -> list[Event]:
        """The events of these names, of one step where asked, in the order of the file."""
        return [
            event for event in self.key_events if event.name in names and (step is None or event.step == step)
        ]
