"""Reads the last runs of the same pipeline that are beside a run.

Bounded: a few small files of a few runs. A run card says what each step returned, or else the log; the log counts the
values of frames.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.files.find_runs import sorted_names
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.reader.counts.frame_facts import logged_frame, spilled_frame
from osiris_inspect.inspector.reader.counts.run_inputs import read_configs, read_run_inputs
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun, RunInputs
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyBytesRegex
from osiris_inspect.model import event as events
from osiris_inspect.model import run_card
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event, as_int
from osiris_inspect.model.run_card import RunCard, StepCard

MAX_TRIED = 100
"""Earlier runs whose status is read: a folder may contain the runs of many pipelines."""
MAX_READ = 16
"""Earlier runs of which more than the status is read."""
MAX_RUNS = 8
"""More than a week of daily runs, so that two equal days of a weekend are seen again."""
MAX_LOG_BYTES = 1 << 20
MAX_FAILED_TRIED = 20
"""Earlier runs among which those that failed are searched."""
MAX_FAILED = 3
_NEEDED = LazyBytesRegex(
    rb'"(?:event|name)": ?"(?:output_stored|plan|run_start|step_start|step_complete|inputs_resolved|step_failed)"'
)


def read_earlier_runs(run: Run) -> tuple[EarlierRun, ...]:
    """Return the last successful runs with the same steps, newest first; empty unless the run succeeded."""
    if run.status != "success" or layout.parse_start_ms(run.id) is None or RunFiles(run.path).is_mirror:
        return ()
    steps = _Steps(tuple((step.id, step.driver) for step in run.steps), _writers(run))
    candidates = (path for path in _older_runs(run.path) if _may_be_same(RunFiles(path), run.pipeline))
    earlier = (_read(path, steps, _modified(path)) for path in islice(candidates, MAX_READ))
    return tuple(islice(filter(None, earlier), MAX_RUNS))


def read_failed_runs(run: Run) -> tuple[EarlierRun, ...]:
    """Return the last runs with the same steps that did not succeed, newest first; empty unless this run succeeded.

    They are read for what their writers had written by then: empty for a pipeline without a writer.
    """
    steps = _Steps(tuple((step.id, step.driver) for step in run.steps), _writers(run), has_failed=True)
    is_known = run.status == "success" and layout.parse_start_ms(run.id) is not None
    if not is_known or not steps.writers or RunFiles(run.path).is_mirror:
        return ()
    candidates = (
        path
        for path in islice(_older_runs(run.path), MAX_FAILED_TRIED)
        if _may_have_failed(RunFiles(path), run.pipeline)
    )
    failed = (_read(path, steps, _modified(path)) for path in candidates)
    return tuple(islice((each for each in failed if each is not None and each.completed), MAX_FAILED))


def run_inputs(run: Run) -> RunInputs:
    """Return what determines a run beside its data."""
    return read_run_inputs(RunFiles(run.path), run.events_named("run_start", "plan"), _writers(run))


def last_successful_run(run: Run) -> Path | None:
    """Return the newest run of the same pipeline beside a run that succeeded before it; None if there is none."""
    if layout.parse_start_ms(run.id) is None or RunFiles(run.path).is_mirror:
        return None
    for path in _older_runs(run.path):
        if _may_be_same(RunFiles(path), run.pipeline):
            return path
    return None


class _Steps(NamedTuple):
    """The steps of a pipeline: their drivers, and those whose server is read; a run that failed may have fewer."""

    drivers: tuple[tuple[str, str | None], ...]
    writers: tuple[str, ...]
    has_failed: bool = False


@dataclass(slots=True)
class _Log:
    """Contents of the log of an earlier run."""

    starts: list[Event] = field(default_factory=list)
    cards: dict[str, StepCard] = field(default_factory=dict)
    frames: dict[str, FrameFacts] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)


def _writers(run: Run) -> tuple[str, ...]:
    return tuple(step.id for step in run.steps if step.is_writer)


def _older_runs(path: Path) -> Iterator[Path]:
    """Yield the runs beside a run that started before it, newest first; in one layout names sort by time."""
    path = path.resolve()
    try:
        names = sorted_names(path.parent)
    except OSError:
        return
    position = bisect_left(names, path.name)
    for name in reversed(names[max(0, position - MAX_TRIED) : position]):
        if layout.parse_start_ms(name) is not None:
            yield path.parent / name


def _may_be_same(disk: RunFiles, pipeline: str | None) -> bool:
    """Return True if a run succeeded and, as far as its status says, belongs to the pipeline."""
    status = _document(disk, layout.STATUS)
    return status.get("pipeline") in (None, pipeline) and _has_succeeded(status) and not is_replay(disk)


def _may_have_failed(disk: RunFiles, pipeline: str | None) -> bool:
    """Return True if a run failed or has no status, and, as far as it says, belongs to the pipeline."""
    status = _document(disk, layout.STATUS)
    is_same = status.get("pipeline") in (None, pipeline)
    return is_same and not _has_succeeded(status) and not is_replay(disk)


def is_replay(disk: RunFiles) -> bool:
    """Return True if a run is the replay of one step, by the first line of its log."""
    for _, line in disk.lines(layout.EVENTS):
        try:
            origin = events.decode(line).fields.get("origin")
        except InvalidLine:
            return False
        return isinstance(origin, Mapping) and origin.get("kind") == "replay"
    return False


def _modified(path: Path) -> tuple[float | None, ...]:
    """Return when the files that end a run were written; None for a missing one."""
    disk = RunFiles(path)
    return tuple(map(disk.modified, (layout.STATUS, layout.EVENTS)))


@lru_cache(maxsize=2 * MAX_READ)
def _read(path: Path, steps: _Steps, _modified: tuple[float | None, ...]) -> EarlierRun | None:
    """Return an earlier run with these steps; many runs of one folder are compared one after the other."""
    disk = RunFiles(path)
    document = _document(disk, layout.RUN_CARD)
    if document and not _has_steps(run_card.parse(document), steps):
        return None
    log = _read_log(disk)
    card = run_card.parse(document) if document else RunCard(tuple(log.cards.values()))
    if not _has_steps(card, steps):
        return None
    durations = [step.duration_ms for step in card.steps if step.duration_ms is not None]
    rows = {step.step_id: step.rows_out for step in card.steps if step.rows_out is not None}
    return EarlierRun(
        disk.root.name,
        (layout.parse_start_ms(disk.root.name) or 0) / 1000,
        rows,
        sum(durations) / 1000 if len(durations) == len(card.steps) else None,
        {**_spilled_frames(disk, rows, log.frames), **log.frames},
        read_configs(disk, dict(steps.drivers)),
        read_run_inputs(disk, log.starts, steps.writers),
        frozenset(step.step_id for step in card.steps if step.status == "succeeded")
        if steps.has_failed
        else None,
        log.written,
    )


def _has_steps(card: RunCard, steps: _Steps) -> bool:
    own, other = dict(steps.drivers), {step.step_id: step.driver for step in card.steps}
    return other == own or (steps.has_failed and bool(other) and other.items() <= own.items())


def _document(disk: RunFiles, file: str) -> Mapping[str, Any]:
    document = disk.read_document(file, bounded_json.loads) if disk.exists(file) else None
    return document if isinstance(document, Mapping) else {}


def _has_succeeded(status: Mapping[str, Any]) -> bool:
    complete = status.get("steps_completed") == status.get("steps_total")
    return status.get("ok") is True and status.get("status", "success") == "success" and complete


def _read_log(disk: RunFiles) -> _Log:
    log = _Log()
    if (disk.size(layout.EVENTS) or 0) > MAX_LOG_BYTES:
        return log
    for number, line in disk.lines(layout.EVENTS):
        if _NEEDED.search(line):
            try:
                _add_event(log, events.decode(line, line_number=number))
            except InvalidLine:
                continue  # a damaged line of another run is reported when that run is opened
    return log


def _add_event(log: _Log, event: Event) -> None:
    """Add an event of a run; ``inputs_resolved`` says how many rows the step before returned."""
    if event.name in ("plan", "run_start"):
        log.starts.append(event)
    if event.step is None:
        return
    card = log.cards.get(event.step, StepCard(event.step))
    rows = event.row_count
    match event.name:
        case "output_stored" if rows is not None:
            log.frames[event.step] = logged_frame(event.step, rows, event.fields)
        case "step_start":
            log.cards[event.step] = card._replace(driver=event.driver or card.driver)
        case "step_complete":
            seconds = event.duration_s
            duration_ms = card.duration_ms if seconds is None else seconds * 1000
            log.cards[event.step] = card._replace(status="succeeded", duration_ms=duration_ms)
        case "step_failed":
            info = event.fields.get("error_info")
            facts = info.get("facts") if isinstance(info, Mapping) else None
            written = as_int(facts.get("rows_written")) if isinstance(facts, Mapping) else None
            log.written |= {event.step: written} if written else {}
        case "inputs_resolved":
            producer = log.cards.get(str(event.fields.get("from_step")))
            if producer is not None and rows is not None:
                log.cards[producer.step_id] = producer._replace(rows_out=rows)


def _spilled_frames(
    disk: RunFiles, rows: Mapping[str, int], logged: Mapping[str, FrameFacts]
) -> dict[str, FrameFacts]:
    """Return the counts of spilled frames that the log does not count, as in runs of the original."""
    frames: dict[str, FrameFacts] = {}
    for step in rows:
        if step not in logged and layout.is_safe_name(step) and disk.exists(layout.spill_path(step)):
            frame = spilled_frame(disk, step, rows[step])
            frames |= {step: frame} if frame is not None else {}
    return frames
