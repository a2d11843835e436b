"""A run directory, read: the parts are gathered, understood and put together.

Any bytes in any file give a run. What could not be read is in ``Run.unread``, with the reason.
"""

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from osiris_inspect.inspector.event_log import key_events_cache as abridgement
from osiris_inspect.inspector.files.find_runs import check_is_directory, is_run, text_log_hint
from osiris_inspect.inspector.reader.raw_run import RawRun, read_raw_run
from osiris_inspect.inspector.reader.remote_worker import (
    connection_outages,
    isolation_level,
    record_missing_lines,
)
from osiris_inspect.inspector.reader.run_status import (
    RunEnding,
    determine_ending,
    finish_running_steps,
    is_still_running,
    run_mode,
)
from osiris_inspect.inspector.reader.step_builder import build_steps
from osiris_inspect.inspector.reader.step_states import add_missing_inputs, finish_steps, ordered_steps
from osiris_inspect.inspector.reader.truncated_log import truncated_errors
from osiris_inspect.inspector.run.run import LazyEvents, Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.event import Event, parse_timestamp
from osiris_inspect.model.run_types import RunMode

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.line_index import ProgressCallback


def load(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    on_progress: "ProgressCallback | None" = None,
    key_events_only: bool = False,
) -> Run:
    """The run in a directory.

    ``now`` (seconds since 1970) tells a run still going on from one cut off; without it an unfinished run is cut off.
    ``cache`` is the folder where the index of a long log is kept; without it none is kept.
    ``told`` hears how far that index is; where it says False, the log ends there, and nobody should show the run.
    ``abridged`` says that of a long log the events that make its picture will do.

    Raises:
        RunNotReadable: there is no such directory, or nothing in it is a part of a run.
    """
    check_is_run(path)
    material = read_raw_run(path, cache, on_progress, abridged=key_events_only)
    mode = run_mode(material)
    record_missing_lines(material.events, material.disk)
    drafts = build_steps(material.events)
    finish_running_steps(drafts.values(), material, mode)
    ordered = ordered_steps(drafts, material)
    add_missing_inputs(ordered, material)
    ending = determine_ending(ordered, material, now=now)
    if _is_unreadable(material):
        ending = RunEnding("unreadable", finished=False)
    if cache is not None and not isinstance(material.log, tuple):
        is_over = ending.finished or now is None or not is_still_running(material, now)
        if is_over:
            abridgement.save_key_events(material.log, path, cache)
    return _build_run(path, material, finish_steps(ordered, material, mode), ending, mode)


def check_is_run(path: Path) -> None:
    """Make sure that ``path`` is a run directory.

    Raises:
        RunNotReadable: it is not; the message says what it is instead.
    """
    if is_run(path):
        return
    try:
        check_is_directory(path)
        if not any((path / sign).exists() for sign in layout.RUN_MARKER_FILES):
            empty = not any(path.iterdir())
            what = (
                "an empty directory"
                if empty
                else f"no run: it holds none of {', '.join(layout.RUN_MARKER_FILES)}{text_log_hint(path)}"
            )
            raise RunNotReadable(f"{str(path)!r} is {what}")
    except (OSError, ValueError, RuntimeError) as error:
        raise RunNotReadable(f"{str(path)!r} cannot be read: {error}") from error


def _build_run(
    path: Path, material: RawRun, steps: tuple[StepState, ...], ending: RunEnding, mode: RunMode | None
) -> Run:
    name = path.name or path.resolve().name
    started, ended, duration = _times(name, material, ending)
    return Run(
        path=path,
        id=name,
        status=ending.status,
        finished=ending.finished,
        dialect=_dialect(material),
        pipeline=_pipeline(material),
        mode=mode,
        started=started,
        ended=ended,
        duration_s=duration,
        steps=steps,
        events=material.log,
        metrics=material.metrics,
        manifest=material.manifest,
        card=material.card,
        status_file=material.status,
        log_lines=material.log_lines,
        unreadable=material.disk.unreadable,
        failure=ending.failure,
        failed_stage=ending.stage,
        kind=_kind(material, steps),
        worker_requests=material.requests,
        exposed_secrets=material.exposures,
        manifest_file=material.manifest_file,
        isolation=isolation_level(material.events),
        outages=tuple(connection_outages(material.events)),
        truncated_errors=truncated_errors(steps, material.log_lines) if ending.status == "truncated" else (),
    )


def _is_unreadable(material: RawRun) -> bool:
    """Whether something could not be read and nothing else tells how the run went; a manifest only tells the plan."""
    read = material.events or material.metrics or material.card or material.status
    return not read and bool(material.disk.unreadable)


def _kind(material: RawRun, steps: tuple[StepState, ...]) -> Literal["run", "compile"]:
    begun = any(step.status != "not_started" for step in steps)
    ran = any(
        event.name in ("adapter_selected", "plan", "step_start", "session_initialized")
        for event in material.events
    )
    compiled = material.disk.exists(layout.COMPILED_MANIFEST) or any(
        event.name.startswith("compile_") for event in material.events
    )
    return "compile" if compiled and not ran and not begun else "run"


def _dialect(material: RawRun) -> str:
    counts = Counter(event.dialect for event in material.events)
    return counts.most_common(1)[0][0] if counts else "none"


def _pipeline(material: RawRun) -> str | None:
    if material.manifest is not None and material.manifest.name:
        return material.manifest.name
    for event in material.events:
        if event.name in ("run_start", "plan", "compile_start"):
            for key in ("pipeline_id", "pipeline"):
                value = event.fields.get(key)
                if isinstance(value, str) and value:
                    return PurePosixPath(value).stem if key == "pipeline" else value
    return None


def _times(name: str, material: RawRun, ending: RunEnding) -> tuple[float | None, float | None, float | None]:
    if not isinstance(material.log, tuple) and isinstance(material.log, LazyEvents):
        stamps = list(material.log.period() or ())
    else:
        stamps = [event.ts for event in material.events if event.ts is not None]
    named = layout.parse_start_ms(name)
    started = min(stamps) if stamps else named / 1000 if named is not None else None
    if not stamps:
        return started, None, None
    ended = max(stamps)
    told = _told_duration(material.events[-1])
    if told is None and started is not None:
        told = ended - started
    return started, ended if ending.finished else None, told


def _told_duration(last: Event) -> float | None:
    end = parse_timestamp(last.fields.get("end_time"))
    return (
        last.duration_s
        if last.name == "run_end" and (end is not None or last.duration_s is not None)
        else None
    )
