"""Reads a run directory and builds its ``Run``.

Files of any content are accepted. Inputs that cannot be read are in ``Run.unreadable``, with the reason.
"""

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from osiris_inspect.inspector.event_log.key_events_cache import save_key_events
from osiris_inspect.inspector.files.find_runs import check_is_run
from osiris_inspect.inspector.files.run_files import TRUNCATED_LINE
from osiris_inspect.inspector.reader.foreign_log import REASON, is_foreign
from osiris_inspect.inspector.reader.raw_run import RawRun, read_raw_run
from osiris_inspect.inspector.reader.remote_worker import (
    connection_outages,
    isolation_level,
    record_missing_lines,
)
from osiris_inspect.inspector.reader.run_status import (
    RunEnding,
    determine_ending,
    find_interrupt,
    finish_running_steps,
    has_ended,
    is_still_running,
    mark_interrupted_steps,
    run_mode,
)
from osiris_inspect.inspector.reader.step_builder import build_steps, in_order
from osiris_inspect.inspector.reader.step_states import add_missing_inputs, finish_steps, ordered_steps
from osiris_inspect.inspector.reader.truncated_log import lost_worker_errors, truncated_errors
from osiris_inspect.inspector.run.run import LazyEvents, Run, StepState, TruncatedError
from osiris_inspect.inspector.run.step_times import SteadyClock, step_at, with_step_by_time
from osiris_inspect.model import run_layout as layout
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
    """Return the run in a directory.

    ``now`` (seconds since 1970) is needed to recognize a running run; without it an unfinished run is
    truncated. The index of a long log is cached in ``cache``. ``on_progress`` reports the progress of
    indexing; if it returns False, the run is incomplete. With ``key_events_only`` only the key events of a
    long log may be loaded.

    Raises:
        RunNotReadable: the directory does not exist or contains no part of a run.
    """
    check_is_run(path)
    material = read_raw_run(path, cache, on_progress, key_events_only=key_events_only)
    if is_foreign(material.events):
        material.disk.record_unreadable(layout.EVENTS, 0, REASON)
        material = material._replace(events=())
    mode = run_mode(material)
    record_missing_lines(material.events, material.disk)
    drafts = build_steps(material.events)
    finish_running_steps(drafts.values(), material, mode)
    ordered = ordered_steps(drafts, material)
    add_missing_inputs(ordered, material)
    interrupt = find_interrupt(ordered, material)
    if interrupt is not None:
        mark_interrupted_steps(ordered)
        ending = RunEnding(
            "interrupted", finished=has_ended(material.events), failure=interrupt, stage="finish"
        )
    else:
        ending = determine_ending(ordered, material, now=now)
    if _is_unreadable(material):
        ending = RunEnding("unreadable", finished=False)
    if cache is not None and not isinstance(material.log, tuple):
        is_over = ending.finished or now is None or not is_still_running(material, now)
        if is_over:
            save_key_events(material.log, path, cache)
    return _build_run(path, material, finish_steps(ordered, material, mode), ending, mode)


def _build_run(
    path: Path, material: RawRun, steps: tuple[StepState, ...], ending: RunEnding, mode: RunMode | None
) -> Run:
    name = path.name or path.resolve().name
    started, ended, duration = _time_range(name, material, ending)
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
        log_lines=tuple(with_step_by_time(line, steps) for line in material.log_lines),
        http_responses=tuple(
            response._replace(step=step_at(response.time, steps)) for response in material.responses
        ),
        has_info_lines=material.has_info_lines,
        unreadable=material.disk.unreadable,
        failure=ending.failure,
        failed_stage=ending.stage,
        kind=_kind(material, steps),
        worker_requests=material.requests,
        exposed_secrets=material.exposures,
        manifest_file=material.manifest_file,
        isolation=isolation_level(material.events),
        outages=tuple(connection_outages(material.events)),
        truncated_errors=_truncated_errors(steps, material, ending),
    )


def _truncated_errors(
    steps: tuple[StepState, ...], material: RawRun, ending: RunEnding
) -> tuple[TruncatedError, ...]:
    if ending.status == "failed":
        return lost_worker_errors(steps, material.log_lines)
    if ending.status != "truncated":
        return ()
    torn = any(
        entry.file == layout.EVENTS and entry.reason.startswith(TRUNCATED_LINE)
        for entry in material.disk.unreadable
    )
    return truncated_errors(steps, material.log_lines, torn=torn)


def _is_unreadable(material: RawRun) -> bool:
    """Return True if an input is unreadable and no other one says how the run went; a manifest does not."""
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


def _time_range(
    name: str, material: RawRun, ending: RunEnding
) -> tuple[float | None, float | None, float | None]:
    if not isinstance(material.log, tuple) and isinstance(material.log, LazyEvents):
        times = list(material.log.period() or ())
    else:
        clock = SteadyClock()
        times = [ts for event in in_order(material.events) if (ts := clock.steady(event).ts) is not None]
    start_ms = layout.parse_start_ms(name)
    started = min(times) if times else start_ms / 1000 if start_ms is not None else None
    if not times:
        return started, None, None
    ended = max(times)
    duration = _logged_duration(material.events[-1]) if material.events else None
    if duration is None and started is not None:
        duration = ended - started
    return started, ended if ending.finished else None, duration


def _logged_duration(last: Event) -> float | None:
    end = parse_timestamp(last.fields.get("end_time"))
    return (
        last.duration_s
        if last.name == "run_end" and (end is not None or last.duration_s is not None)
        else None
    )
