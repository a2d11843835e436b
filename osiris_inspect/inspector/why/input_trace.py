"""The way of one input: who was to give the frame, whether memory had it, whether the disk had it, what arrived."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    any_evidence,
    completion_evidence,
    error_evidence,
    event_evidence,
    first_event_evidence,
    manifest_evidence,
)
from osiris_inspect.inspector.files.log_phrases import (
    SPILL_NOT_READ,
    SPILL_NOT_WRITTEN,
    UPSTREAM_KEY_MISSING,
    UPSTREAM_RESULT_MISSING,
    parse_key_list,
)
from osiris_inspect.inspector.reader.artifacts import DATA_KINDS
from osiris_inspect.inspector.run.run import Artifact, InputState, LogLine, Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.run_types import InputLocation

LookupOutcome = Literal["hit", "miss", "unknown", ""]


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One station of a way. ``outcome`` is empty for what is only told."""

    name: str
    text: str
    result: LookupOutcome = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class InputTrace:
    """The way of an input. ``name`` is empty for an input that was never bound."""

    name: str
    from_step: str | None
    place: InputLocation
    trace_steps: tuple[TraceStep, ...]


def trace_input(run: Run, step: StepState, entry: InputState) -> InputTrace:
    """The way of one input of a step."""
    giver = run.step(entry.from_step or "")
    turns = [_wanted(run, step, entry), _given(run, entry, giver)]
    if step.status not in ("skipped", "not_started"):
        turns += (
            _lookup_steps_worker_log_note(run, step, entry, giver) if entry.name else _unbound_need(run, step)
        )
    return InputTrace(entry.name, entry.from_step, entry.location, tuple(turns))


def _wanted(run: Run, step: StepState, entry: InputState) -> TraceStep:
    key, cited = _asked(run, step, entry)
    origin = f"of {entry.from_step!r}" if entry.from_step else "of a step that nothing names"
    as_ = f", as {entry.name!r}" if entry.name else ""
    return TraceStep("needs", f"the result {key!r} {origin}{as_}", "", cited)


def _asked(run: Run, step: StepState, entry: InputState) -> tuple[str, tuple[Evidence, ...]]:
    """The key that was asked for, and where that stands."""
    for event in run.events_named("input_not_found", "inputs_resolved", step=step.id):
        told = event.fields.get("key")
        if event.line == entry.line and event.dialect == "native" and isinstance(told, str):
            return told, (event_evidence(event, "key"),)
    for request in run.worker_requests:
        for name, reference in request.inputs.items():
            if request.step == step.id and reference.from_step == entry.from_step:
                return reference.key, (Evidence(layout.COMMANDS, request.line, f'"{name}"'),)
    for line in run.log_lines:
        match = UPSTREAM_KEY_MISSING.search(line.text)
        if match and match["step"] == entry.from_step and line.step == step.id:
            return match["key"], _cite(line)
    planned = _planned(run, step, entry)
    if planned is not None:
        return planned.key, (manifest_evidence(run, planned.from_step),)
    return "df", (Evidence(layout.EVENTS, entry.line, "from_step"),) if entry.line else first_event_evidence(
        step
    )


def _planned(run: Run, step: StepState, entry: InputState) -> InputRef | None:
    for planned in run.manifest.steps if run.manifest else ():
        if planned.id != step.id:
            continue
        named = [ref for ref in planned.inputs.values() if ref.from_step == entry.from_step]
        if named:
            return named[0]
        if entry.from_step in planned.needs:
            return InputRef(str(entry.from_step))
    return None


def _given(run: Run, entry: InputState, upstream: StepState | None) -> TraceStep:
    """What the step upstream did."""
    name = entry.from_step or "?"
    if upstream is None:
        return TraceStep("upstream", f"there is no step {name!r}", "miss", (manifest_evidence(run, name),))
    if upstream.status in ("skipped", "not_started"):
        because = f", because of {upstream.skipped_because!r}" if upstream.skipped_because else ""
        return TraceStep("upstream", f"{name!r} was not run{because}", "miss", any_evidence(run, upstream))
    if upstream.status == "failed":
        why = (
            excerpt(" ".join(upstream.failure.message.split()), 160)
            if upstream.failure
            else "without a reason"
        )
        return TraceStep(
            "upstream",
            f"{name!r} failed: {why}",
            "miss",
            error_evidence(upstream) or any_evidence(run, upstream),
        )
    if upstream.status == "running":
        return TraceStep("upstream", f"{name!r} began and has no end", "miss", first_event_evidence(upstream))
    rows = (
        "says nothing of rows" if upstream.rows_out is None else f"gave {pluralize(upstream.rows_out, 'row')}"
    )
    returned = _returned(run, upstream)
    return TraceStep(
        "upstream", f"{name!r} succeeded and {rows}{returned}", "", completion_evidence(run, upstream)
    )


def _returned(run: Run, upstream: StepState) -> str:
    for event in run.events_named("output_stored", step=upstream.id):
        keys = event.fields.get("keys")
        if isinstance(keys, dict):
            told = ", ".join(f"{key!r}: {kind}" for key, kind in keys.items()) or "nothing"
            return f"; its driver returned {told}"
    return ""


def _unbound_need(run: Run, step: StepState) -> Iterator[TraceStep]:
    """A need that no input stands for: whoever called the step did not pass it."""
    asked = tuple(
        Evidence(layout.COMMANDS, request.line, "inputs")
        for request in run.worker_requests
        if request.step == step.id
    )
    if asked:
        yield TraceStep("so", "it was never passed to the step", "miss", asked)
    else:
        yield TraceStep(
            "so", "nothing says that it was passed to the step", "unknown", first_event_evidence(step)
        )


def _lookup_steps_worker_log_note(
    run: Run, step: StepState, entry: InputState, upstream: StepState | None
) -> Iterator[TraceStep]:
    """Memory, then the disk, then what arrived."""
    cited = (Evidence(layout.EVENTS, entry.line, "from_"),) if entry.line else ()
    if entry.location == "unresolved" and _was_resolved(run, entry):
        yield TraceStep("so", "the driver got it; this version does not log from where", "hit", cited)
        return
    if entry.attempts:
        yield from (_recorded_attempt(place, entry) for place in entry.attempts)
    else:
        yield _memory(run, step, entry, upstream, cited)
        if entry.location != "memory":
            yield _disk(run, step, entry, upstream, cited)
    if entry.location == "unresolved":
        called = "the driver was never called" if entry.attempts else "the driver got nothing"
        yield TraceStep("so", called, "miss")
    else:
        rows = "a frame" if entry.rows is None else pluralize(entry.rows, "row")
        yield TraceStep("so", f"the driver got {rows} from {entry.location}", "hit", cited)


def _was_resolved(run: Run, entry: InputState) -> bool:
    return any(event.line == entry.line for event in run.events_named("inputs_resolved"))


def _recorded_attempt(place: object, entry: InputState) -> TraceStep:
    told = place if isinstance(place, dict) else {}
    found = told.get("outcome") == "found"
    reason = str(told.get("reason") or told.get("outcome") or "no reason was logged")
    cited = Evidence(layout.EVENTS, entry.line, "tried")
    text = f"found: {reason}" if found else f"miss: {reason}"
    return TraceStep(str(told.get("place") or "?"), text, "hit" if found else "miss", (cited,))


def _memory(
    run: Run, step: StepState, entry: InputState, upstream: StepState | None, cited: tuple[Evidence, ...]
) -> TraceStep:
    if entry.location == "memory":
        return TraceStep("memory", "found", "hit", cited)
    if entry.location == "spill":
        return TraceStep("memory", "miss: the frame had gone to disk", "miss", cited)
    if upstream is None or upstream.status != "succeeded":
        return TraceStep("memory", f"miss: {entry.from_step or 'nothing'!r} left nothing", "miss", ())
    return _said(run, step, upstream) or _was_released(run, upstream) or _by_storage(run, upstream)


def _was_released(run: Run, upstream: StepState) -> TraceStep | None:
    unwritten = _unwritten(run, upstream)
    text = "miss: the frame was let go of although it could not be spilled"
    return TraceStep("memory", text, "miss", unwritten.evidence) if unwritten is not None else None


def _by_storage(run: Run, upstream: StepState) -> TraceStep:
    if upstream.storage == "spill":
        return TraceStep("memory", "miss: the frame had gone to disk", "miss", tuple(_artifacts(upstream)))
    if upstream.storage == "none":
        kept = "its frame was not kept" if upstream.rows_out else "it left no frame"
        return TraceStep("memory", f"miss: {kept}", "miss", completion_evidence(run, upstream))
    return TraceStep("memory", "the log does not say", "unknown", completion_evidence(run, upstream))


def _said(run: Run, step: StepState, upstream: StepState) -> TraceStep | None:
    """What the worker's text log says of the result that was looked at."""
    for line in run.log_lines:
        held, nothing = UPSTREAM_KEY_MISSING.search(line.text), UPSTREAM_RESULT_MISSING.search(line.text)
        if line.step not in (None, step.id):
            continue
        if held and held["step"] == upstream.id:
            keys = ", ".join(map(repr, parse_key_list(held["keys"]))) or "nothing"
            return TraceStep(
                "memory", f"miss: the result holds {keys}, not {held['key']!r}", "miss", _cite(line)
            )
        if nothing and nothing["step"] == upstream.id:
            return TraceStep("memory", f"miss: {upstream.id!r} left no result", "miss", _cite(line))
    return None


def _disk(
    run: Run, step: StepState, entry: InputState, upstream: StepState | None, cited: tuple[Evidence, ...]
) -> TraceStep:
    files = [artifact for artifact in upstream.artifacts if artifact.kind in DATA_KINDS] if upstream else []
    if entry.location == "spill":
        text = f"found: {files[0].path}" if files else "found"
        return TraceStep("spill", text, "hit", (*cited, *(_of(file) for file in files if file.line)))
    if upstream is None or upstream.status != "succeeded":
        return TraceStep("spill", f"miss: {entry.from_step or 'nothing'!r} left nothing", "miss", ())
    return _unwritten(run, upstream) or _unread(run, step, upstream) or _file(run, upstream, files)


def _unwritten(run: Run, upstream: StepState) -> TraceStep | None:
    for line in run.log_lines:
        match = SPILL_NOT_WRITTEN.search(line.text)
        if match and match["step"] == upstream.id:
            text = f"miss: the file was not written: {excerpt_of(match, 160, 'why').strip() or 'no reason was logged'}"
            return TraceStep("spill", text, "miss", _cite(line))
    return None


def _unread(run: Run, step: StepState, upstream: StepState) -> TraceStep | None:
    for line in run.log_lines:
        match = SPILL_NOT_READ.search(line.text)
        if match and line.step in (None, step.id) and (line.step or upstream.id in line.text):
            return TraceStep("spill", f"miss: {excerpt_of(match, 200)}", "miss", _cite(line))
    return None


def _file(run: Run, upstream: StepState, files: list[Artifact]) -> TraceStep:
    states = {
        "present": "is there and whole, and nothing says that it was read",
        "missing": "is not there",
        "corrupt": "is damaged: it does not begin and end as Parquet does",
        "lost": "did not come back from where the step ran",
        "not_downloaded": "was left in the sandbox, so it cannot be looked at here",
    }
    if files:
        outcome: LookupOutcome = (
            "unknown" if files[0].state in ("present", "not_downloaded", "lost") else "miss"
        )
        lead = "miss: " if outcome == "miss" else ""
        named = tuple(_artifacts(upstream)) or any_evidence(run, upstream)
        return TraceStep("spill", f"{lead}{files[0].path} {states[files[0].state]}", outcome, named)
    return TraceStep("spill", "miss: no file was ever written", "miss", completion_evidence(run, upstream))


def _artifacts(upstream: StepState) -> Iterator[Evidence]:
    return (_of(item) for item in upstream.artifacts if item.kind in DATA_KINDS and item.line)


def _of(artifact: Artifact) -> Evidence:
    return Evidence(layout.EVENTS, artifact.line, artifact.path)


def _cite(line: LogLine) -> tuple[Evidence, ...]:
    return (Evidence(line.file, line.line, line.text[:200]),)
