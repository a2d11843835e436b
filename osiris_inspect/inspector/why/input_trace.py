"""The trace of one input: upstream step, memory lookup, spill lookup, result."""

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
from osiris_inspect.inspector.run.run import Artifact, InputState, LogLine, MovedFrame, Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.inspector.text.units import format_bytes, pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.run_types import InputLocation

LookupOutcome = Literal["hit", "miss", "unknown", ""]


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One line of a trace. ``result`` is empty for plain information."""

    name: str
    text: str
    result: LookupOutcome = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class InputTrace:
    """The trace of an input. ``name`` is empty for an input that was never bound."""

    name: str
    from_step: str | None
    place: InputLocation
    trace_steps: tuple[TraceStep, ...]


def trace_input(run: Run, step: StepState, entry: InputState) -> InputTrace:
    """Return the trace of one input of a step."""
    upstream = run.step(entry.from_step or "")
    trace = [_request(run, step, entry), _upstream(run, entry, upstream)]
    if step.status not in ("skipped", "not_started"):
        trace += _lookup(run, step, entry, upstream) if entry.name else _unbound_need(run, step)
    return InputTrace(entry.name, entry.from_step, entry.location, tuple(trace))


def _request(run: Run, step: StepState, entry: InputState) -> TraceStep:
    key, cited = _requested_key(run, step, entry)
    origin = f"of {entry.from_step!r}" if entry.from_step else "of an unnamed step"
    as_ = f", as {entry.name!r}" if entry.name else ""
    return TraceStep("needs", f"the result {key!r} {origin}{as_}", "", cited)


def _requested_key(run: Run, step: StepState, entry: InputState) -> tuple[str, tuple[Evidence, ...]]:
    """Return the requested key and its evidence."""
    for event in run.events_at(entry.line, "input_not_found", "inputs_resolved", step=step.id):
        key = event.fields.get("key")
        if event.dialect == "native" and isinstance(key, str):
            return key, (event_evidence(event, "key"),)
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


def _upstream(run: Run, entry: InputState, upstream: StepState | None) -> TraceStep:
    """Return what the upstream step did."""
    name = entry.from_step or "?"
    if upstream is None:
        return TraceStep("upstream", f"there is no step {name!r}", "miss", (manifest_evidence(run, name),))
    if upstream.status in ("skipped", "not_started"):
        because = f", because of {upstream.skipped_because!r}" if upstream.skipped_because else ""
        return TraceStep("upstream", f"{name!r} did not run{because}", "miss", any_evidence(run, upstream))
    if upstream.status in ("failed", "interrupted"):
        reason = (
            excerpt(" ".join(upstream.failure.message.split()), 160)
            if upstream.failure
            else "no reason was logged"
        )
        return TraceStep(
            "upstream",
            f"{name!r} {'failed' if upstream.status == 'failed' else 'was interrupted'}: {reason}",
            "miss",
            error_evidence(upstream) or any_evidence(run, upstream),
        )
    if upstream.status == "running":
        return TraceStep(
            "upstream", f"{name!r} started and did not end", "miss", first_event_evidence(upstream)
        )
    rows = (
        "did not log its rows"
        if upstream.rows_out is None
        else f"produced {pluralize(upstream.rows_out, 'row')}"
    )
    returned = _returned(run, upstream)
    return TraceStep(
        "upstream", f"{name!r} succeeded and {rows}{returned}", "", completion_evidence(run, upstream)
    )


def _returned(run: Run, upstream: StepState) -> str:
    for event in run.events_named("output_stored", step=upstream.id):
        keys = event.fields.get("keys")
        if isinstance(keys, dict):
            values = ", ".join(f"{key!r}: {kind}" for key, kind in keys.items()) or "nothing"
            return f"; its driver returned {values}"
    return ""


def _unbound_need(run: Run, step: StepState) -> Iterator[TraceStep]:
    """Explain a need without an input: the proxy did not pass it."""
    requests = tuple(
        Evidence(layout.COMMANDS, request.line, "inputs")
        for request in run.worker_requests
        if request.step == step.id
    )
    if requests:
        yield TraceStep("result", "it was not passed to the step", "miss", requests)
    else:
        yield TraceStep(
            "result", "not logged whether it was passed to the step", "unknown", first_event_evidence(step)
        )


def _lookup(run: Run, step: StepState, entry: InputState, upstream: StepState | None) -> Iterator[TraceStep]:
    """Yield the memory lookup, the spill lookup and the result."""
    cited = (Evidence(layout.EVENTS, entry.line, "from_"),) if entry.line else ()
    if entry.location == "unresolved" and _was_resolved(run, entry):
        yield TraceStep(
            "result", "the driver received it; this version does not log from where", "hit", cited
        )
        return
    if entry.attempts:
        yield from (_recorded_attempt(attempt, entry) for attempt in entry.attempts)
    else:
        yield _memory(run, step, entry, upstream, cited)
        if entry.location != "memory":
            yield _disk(run, step, entry, upstream, cited)
    if entry.location == "unresolved":
        text = "the driver was not called" if entry.attempts else "the driver received nothing"
        yield TraceStep("result", text, "miss")
    else:
        if entry.moved is not None:
            yield _moved(run, step, entry, upstream)
        rows = "a frame" if entry.rows is None else pluralize(entry.rows, "row")
        yield TraceStep("result", f"the driver received {rows} from {entry.location}", "hit", cited)


def _moved(run: Run, step: StepState, entry: InputState, upstream: StepState | None) -> TraceStep:
    """Return how the frame came from another machine of the cluster."""
    cited = [
        event_evidence(event)
        for event in run.events_named("frame_fetched", step=step.id)
        if event.fields.get("from_step") == entry.from_step
    ]
    moved = entry.moved or MovedFrame(None, None)
    size = "" if moved.bytes is None else f"{format_bytes(moved.bytes)} "
    source = (upstream.node if upstream is not None else None) or "another machine"
    return TraceStep("moved", f"{size}fetched from {source} to {step.node or '?'}", "hit", tuple(cited[-1:]))


def _was_resolved(run: Run, entry: InputState) -> bool:
    return bool(run.events_at(entry.line, "inputs_resolved"))


def _recorded_attempt(attempt: object, entry: InputState) -> TraceStep:
    fields = attempt if isinstance(attempt, dict) else {}
    is_hit = fields.get("outcome") == "found"
    reason = str(fields.get("reason") or fields.get("outcome") or "no reason was logged")
    cited = Evidence(layout.EVENTS, entry.line, "tried")
    text = f"found: {reason}" if is_hit else f"not found: {reason}"
    miss: LookupOutcome = "" if entry.location == "spill" else "miss"  # spilled as intended
    return TraceStep(str(fields.get("place") or "?"), text, "hit" if is_hit else miss, (cited,))


def _memory(
    run: Run, step: StepState, entry: InputState, upstream: StepState | None, cited: tuple[Evidence, ...]
) -> TraceStep:
    if entry.location == "memory":
        return TraceStep("memory", "found", "hit", cited)
    if entry.location == "spill":
        return TraceStep("memory", "not found: the frame was spilled", "", cited)
    if upstream is None or upstream.status not in ("succeeded", "reused"):
        return TraceStep(
            "memory", f"not found: {entry.from_step or 'no step'!r} produced nothing", "miss", ()
        )
    return _worker_log_note(run, step, upstream) or _was_released(run, upstream) or _by_storage(run, upstream)


def _was_released(run: Run, upstream: StepState) -> TraceStep | None:
    unwritten = _unwritten(run, upstream)
    text = "not found: the frame was released although it could not be spilled"
    return TraceStep("memory", text, "miss", unwritten.evidence) if unwritten is not None else None


def _by_storage(run: Run, upstream: StepState) -> TraceStep:
    if upstream.storage == "spill":
        return TraceStep("memory", "not found: the frame was spilled", "miss", tuple(_artifacts(upstream)))
    if upstream.storage == "none":
        reason = "the frame was not stored" if upstream.rows_out else "the step produced no frame"
        return TraceStep("memory", f"not found: {reason}", "miss", completion_evidence(run, upstream))
    return TraceStep("memory", "unknown: not logged", "unknown", completion_evidence(run, upstream))


def _worker_log_note(run: Run, step: StepState, upstream: StepState) -> TraceStep | None:
    """Return what the worker's text log reports about the result."""
    for line in run.log_lines:
        keys_match, missing = (
            UPSTREAM_KEY_MISSING.search(line.text),
            UPSTREAM_RESULT_MISSING.search(line.text),
        )
        if line.step not in (None, step.id):
            continue
        if keys_match and keys_match["step"] == upstream.id:
            keys = ", ".join(map(repr, parse_key_list(keys_match["keys"]))) or "nothing"
            return TraceStep(
                "memory",
                f"not found: the result contains {keys}, not {keys_match['key']!r}",
                "miss",
                _cite(line),
            )
        if missing and missing["step"] == upstream.id:
            return TraceStep("memory", f"not found: {upstream.id!r} produced no result", "miss", _cite(line))
    return None


def _disk(
    run: Run, step: StepState, entry: InputState, upstream: StepState | None, cited: tuple[Evidence, ...]
) -> TraceStep:
    files = [artifact for artifact in upstream.artifacts if artifact.kind in DATA_KINDS] if upstream else []
    if entry.location == "spill":
        text = f"found: {files[0].path}" if files else "found"
        return TraceStep(
            "spill", text, "hit", (*cited, *(_file_evidence(file) for file in files if file.line))
        )
    if upstream is None or upstream.status not in ("succeeded", "reused"):
        return TraceStep("spill", f"not found: {entry.from_step or 'no step'!r} produced nothing", "miss", ())
    return _unwritten(run, upstream) or _unread(run, step, upstream) or _file(run, upstream, files)


def _unwritten(run: Run, upstream: StepState) -> TraceStep | None:
    for line in run.log_lines:
        match = SPILL_NOT_WRITTEN.search(line.text)
        if match and match["step"] == upstream.id:
            text = f"not found: the file was not written: {excerpt_of(match, 160, 'why').strip() or 'no reason was logged'}"
            return TraceStep("spill", text, "miss", _cite(line))
    return None


def _unread(run: Run, step: StepState, upstream: StepState) -> TraceStep | None:
    for line in run.log_lines:
        match = SPILL_NOT_READ.search(line.text)
        if match and line.step in (None, step.id) and (line.step or upstream.id in line.text):
            return TraceStep("spill", f"not found: {excerpt_of(match, 200)}", "miss", _cite(line))
    return None


def _file(run: Run, upstream: StepState, files: list[Artifact]) -> TraceStep:
    states = {
        "present": "exists and is complete; not logged whether it was read",
        "missing": "does not exist",
        "corrupt": "is damaged: not a complete Parquet file",
        "lost": "was not downloaded from the worker",
        "not_downloaded": "was left in the sandbox",
    }
    if files:
        outcome: LookupOutcome = (
            "unknown" if files[0].state in ("present", "not_downloaded", "lost") else "miss"
        )
        lead = "not found: " if outcome == "miss" else ""
        named = tuple(_artifacts(upstream)) or any_evidence(run, upstream)
        return TraceStep("spill", f"{lead}{files[0].path} {states[files[0].state]}", outcome, named)
    return TraceStep("spill", "not found: no file was written", "miss", completion_evidence(run, upstream))


def _artifacts(upstream: StepState) -> Iterator[Evidence]:
    return (_file_evidence(item) for item in upstream.artifacts if item.kind in DATA_KINDS and item.line)


def _file_evidence(artifact: Artifact) -> Evidence:
    return Evidence(layout.EVENTS, artifact.line, artifact.path)


def _cite(line: LogLine) -> tuple[Evidence, ...]:
    return (Evidence(line.file, line.line, line.text[:200]),)
