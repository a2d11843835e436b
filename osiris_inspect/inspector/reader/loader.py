"""A run directory, read: the parts are gathered, understood and put together.

Any bytes in any file give a run. What could not be read is in ``Run.unread``, with the reason.
"""

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from osiris_inspect.inspector.event_log import key_events_cache as abridgement
from osiris_inspect.inspector.files.find_runs import is_run, must_be_folder, only_text
from osiris_inspect.inspector.reader.raw_run import Material, gather
from osiris_inspect.inspector.reader.remote_worker import isolation_of, note_lost_lines, outages_of
from osiris_inspect.inspector.reader.run_status import Verdict, is_going_on, mode_of, settle, verdict
from osiris_inspect.inspector.reader.step_builder import fold
from osiris_inspect.inspector.reader.step_states import bind, complete, in_order
from osiris_inspect.inspector.reader.truncated_log import last_words
from osiris_inspect.inspector.run.run import Abridged, Mode, Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnreadableRun
from osiris_inspect.model.event import Event, epoch

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.line_index import Progress


def load(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    told: "Progress | None" = None,
    abridged: bool = False,
) -> Run:
    """The run in a directory.

    ``now`` (seconds since 1970) tells a run still going on from one cut off; without it an unfinished run is cut off.
    ``cache`` is the folder where the index of a long log is kept; without it none is kept.
    ``told`` hears how far that index is; where it says False, the log ends there, and nobody should show the run.
    ``abridged`` says that of a long log the events that make its picture will do.

    Raises:
        UnreadableRun: there is no such directory, or nothing in it is a part of a run.
    """
    check(path)
    material = gather(path, cache, told, abridged=abridged)
    mode = mode_of(material)
    note_lost_lines(material.events, material.disk)
    drafts = fold(material.events)
    settle(drafts.values(), material, mode)
    ordered = in_order(drafts, material)
    bind(ordered, material)
    ending = verdict(ordered, material, now=now)
    if _nothing_read(material):
        ending = Verdict("unreadable", finished=False)
    if cache is not None and not isinstance(material.log, tuple):
        is_over = ending.finished or now is None or not is_going_on(material, now)
        if is_over:
            abridgement.keep(material.log, path, cache)
    return _assemble(path, material, complete(ordered, material, mode), ending, mode)


def check(path: Path) -> None:
    """Make sure that ``path`` is a run directory.

    Raises:
        UnreadableRun: it is not; the message says what it is instead.
    """
    if is_run(path):
        return
    try:
        must_be_folder(path)
        if not any((path / sign).exists() for sign in layout.SIGNS_OF_A_RUN):
            empty = not any(path.iterdir())
            what = (
                "an empty directory"
                if empty
                else f"no run: it holds none of {', '.join(layout.SIGNS_OF_A_RUN)}{only_text(path)}"
            )
            raise UnreadableRun(f"{str(path)!r} is {what}")
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableRun(f"{str(path)!r} cannot be read: {error}") from error


def _assemble(
    path: Path, material: Material, steps: tuple[StepState, ...], ending: Verdict, mode: Mode | None
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
        unread=material.disk.unread,
        failure=ending.failure,
        failed_stage=ending.stage,
        kind=_kind(material, steps),
        requests=material.requests,
        exposures=material.exposures,
        manifest_file=material.manifest_file,
        isolation=isolation_of(material.events),
        outages=tuple(outages_of(material.events)),
        last_words=last_words(steps, material.log_lines) if ending.status == "truncated" else (),
    )


def _nothing_read(material: Material) -> bool:
    """Whether something could not be read and nothing else tells how the run went; a manifest only tells the plan."""
    read = material.events or material.metrics or material.card or material.status
    return not read and bool(material.disk.unread)


def _kind(material: Material, steps: tuple[StepState, ...]) -> Literal["run", "compile"]:
    begun = any(step.status != "not_started" for step in steps)
    ran = any(
        event.name in ("adapter_selected", "plan", "step_start", "session_initialized")
        for event in material.events
    )
    compiled = material.disk.has(layout.COMPILED_MANIFEST) or any(
        event.name.startswith("compile_") for event in material.events
    )
    return "compile" if compiled and not ran and not begun else "run"


def _dialect(material: Material) -> str:
    counts = Counter(event.dialect for event in material.events)
    return counts.most_common(1)[0][0] if counts else "none"


def _pipeline(material: Material) -> str | None:
    if material.manifest is not None and material.manifest.name:
        return material.manifest.name
    for event in material.events:
        if event.name in ("run_start", "plan", "compile_start"):
            for key in ("pipeline_id", "pipeline"):
                value = event.fields.get(key)
                if isinstance(value, str) and value:
                    return PurePosixPath(value).stem if key == "pipeline" else value
    return None


def _times(name: str, material: Material, ending: Verdict) -> tuple[float | None, float | None, float | None]:
    if not isinstance(material.log, tuple) and isinstance(material.log, Abridged):
        stamps = list(material.log.period() or ())
    else:
        stamps = [event.ts for event in material.events if event.ts is not None]
    named = layout.started_ms(name)
    started = min(stamps) if stamps else named / 1000 if named is not None else None
    if not stamps:
        return started, None, None
    ended = max(stamps)
    told = _told_duration(material.events[-1])
    if told is None and started is not None:
        told = ended - started
    return started, ended if ending.finished else None, told


def _told_duration(last: Event) -> float | None:
    end = epoch(last.fields.get("end_time"))
    return (
        last.duration_s
        if last.name == "run_end" and (end is not None or last.duration_s is not None)
        else None
    )
