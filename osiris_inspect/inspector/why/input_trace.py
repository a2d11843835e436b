"""The way of one input: who was to give the frame, whether memory had it, whether the disk had it, what arrived."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    about,
    at,
    end_of,
    failure_of,
    in_manifest,
    lines_of,
)
from osiris_inspect.inspector.files.log_phrases import (
    KEY_NOT_HELD,
    NOTHING_KEPT,
    SPILL_NOT_READ,
    SPILL_NOT_WRITTEN,
    keys_in,
)
from osiris_inspect.inspector.reader.artifacts import DATA_KINDS
from osiris_inspect.inspector.run.run import Artifact, InputState, LogLine, Run, StepState
from osiris_inspect.inspector.run.summary import count_words
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence
from osiris_inspect.model.manifest import InputRef

Outcome = Literal["hit", "miss", "unknown", ""]


@dataclass(frozen=True, slots=True)
class Turn:
    """One station of a way. ``outcome`` is empty for what is only told."""

    name: str
    text: str
    outcome: Outcome = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """The way of an input. ``name`` is empty for an input that was never bound."""

    name: str
    from_step: str | None
    place: Literal["memory", "spill", "unresolved"]
    turns: tuple[Turn, ...]


def way_of(run: Run, step: StepState, entry: InputState) -> Way:
    """The way of one input of a step."""
    giver = run.step(entry.from_step or "")
    turns = [_wanted(run, step, entry), _given(run, entry, giver)]
    if step.status not in ("skipped", "not_started"):
        turns += _looked(run, step, entry, giver) if entry.name else _forgotten(run, step)
    return Way(entry.name, entry.from_step, entry.place, tuple(turns))


def _wanted(run: Run, step: StepState, entry: InputState) -> Turn:
    key, cited = _asked(run, step, entry)
    origin = f"of {entry.from_step!r}" if entry.from_step else "of a step that nothing names"
    as_ = f", as {entry.name!r}" if entry.name else ""
    return Turn("needs", f"the result {key!r} {origin}{as_}", "", cited)


def _asked(run: Run, step: StepState, entry: InputState) -> tuple[str, tuple[Evidence, ...]]:
    """The key that was asked for, and where that stands."""
    for event in run.named("input_not_found", "inputs_resolved", step=step.id):
        told = event.fields.get("key")
        if event.line == entry.line and event.dialect == "native" and isinstance(told, str):
            return told, (at(event, "key"),)
    for request in run.requests:
        for name, reference in request.inputs.items():
            if request.step == step.id and reference.from_step == entry.from_step:
                return reference.key, (Evidence(layout.COMMANDS, request.line, f'"{name}"'),)
    for line in run.log_lines:
        match = KEY_NOT_HELD.search(line.text)
        if match and match["step"] == entry.from_step and line.step == step.id:
            return match["key"], _cite(line)
    planned = _planned(run, step, entry)
    if planned is not None:
        return planned.key, (in_manifest(run, planned.from_step),)
    return "df", (Evidence(layout.EVENTS, entry.line, "from_step"),) if entry.line else lines_of(step)


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


def _given(run: Run, entry: InputState, giver: StepState | None) -> Turn:
    """What the step upstream did."""
    name = entry.from_step or "?"
    if giver is None:
        return Turn("upstream", f"there is no step {name!r}", "miss", (in_manifest(run, name),))
    if giver.status in ("skipped", "not_started"):
        because = f", because of {giver.because!r}" if giver.because else ""
        return Turn("upstream", f"{name!r} was not run{because}", "miss", about(run, giver))
    if giver.status == "failed":
        why = excerpt(" ".join(giver.failure.message.split()), 160) if giver.failure else "without a reason"
        return Turn("upstream", f"{name!r} failed: {why}", "miss", failure_of(giver) or about(run, giver))
    if giver.status == "running":
        return Turn("upstream", f"{name!r} began and has no end", "miss", lines_of(giver))
    rows = "says nothing of rows" if giver.rows_out is None else f"gave {count_words(giver.rows_out, 'row')}"
    returned = _returned(run, giver)
    return Turn("upstream", f"{name!r} succeeded and {rows}{returned}", "", end_of(run, giver))


def _returned(run: Run, giver: StepState) -> str:
    for event in run.named("output_stored", step=giver.id):
        keys = event.fields.get("keys")
        if isinstance(keys, dict):
            told = ", ".join(f"{key!r}: {kind}" for key, kind in keys.items()) or "nothing"
            return f"; its driver returned {told}"
    return ""


def _forgotten(run: Run, step: StepState) -> Iterator[Turn]:
    """A need that no input stands for: whoever called the step did not pass it."""
    asked = tuple(
        Evidence(layout.COMMANDS, request.line, "inputs")
        for request in run.requests
        if request.step == step.id
    )
    if asked:
        yield Turn("so", "it was never passed to the step", "miss", asked)
    else:
        yield Turn("so", "nothing says that it was passed to the step", "unknown", lines_of(step))


def _looked(run: Run, step: StepState, entry: InputState, giver: StepState | None) -> Iterator[Turn]:
    """Memory, then the disk, then what arrived."""
    cited = (Evidence(layout.EVENTS, entry.line, "from_"),) if entry.line else ()
    if entry.place == "unresolved" and _was_resolved(run, entry):
        yield Turn("so", "the driver got it; this version does not log from where", "hit", cited)
        return
    if entry.tried:
        yield from (_tried(place, entry) for place in entry.tried)
    else:
        yield _memory(run, step, entry, giver, cited)
        if entry.place != "memory":
            yield _disk(run, step, entry, giver, cited)
    if entry.place == "unresolved":
        called = "the driver was never called" if entry.tried else "the driver got nothing"
        yield Turn("so", called, "miss")
    else:
        rows = "a frame" if entry.rows is None else count_words(entry.rows, "row")
        yield Turn("so", f"the driver got {rows} from {entry.place}", "hit", cited)


def _was_resolved(run: Run, entry: InputState) -> bool:
    return any(event.line == entry.line for event in run.named("inputs_resolved"))


def _tried(place: object, entry: InputState) -> Turn:
    told = place if isinstance(place, dict) else {}
    found = told.get("outcome") == "found"
    reason = str(told.get("reason") or told.get("outcome") or "no reason was logged")
    cited = Evidence(layout.EVENTS, entry.line, "tried")
    text = f"found: {reason}" if found else f"miss: {reason}"
    return Turn(str(told.get("place") or "?"), text, "hit" if found else "miss", (cited,))


def _memory(
    run: Run, step: StepState, entry: InputState, giver: StepState | None, cited: tuple[Evidence, ...]
) -> Turn:
    if entry.place == "memory":
        return Turn("memory", "found", "hit", cited)
    if entry.place == "spill":
        return Turn("memory", "miss: the frame had gone to disk", "miss", cited)
    if giver is None or giver.status != "succeeded":
        return Turn("memory", f"miss: {entry.from_step or 'nothing'!r} left nothing", "miss", ())
    return _said(run, step, giver) or _let_go(run, giver) or _by_storage(run, giver)


def _let_go(run: Run, giver: StepState) -> Turn | None:
    unwritten = _unwritten(run, giver)
    text = "miss: the frame was let go of although it could not be spilled"
    return Turn("memory", text, "miss", unwritten.evidence) if unwritten is not None else None


def _by_storage(run: Run, giver: StepState) -> Turn:
    if giver.storage == "spill":
        return Turn("memory", "miss: the frame had gone to disk", "miss", tuple(_artifacts(giver)))
    if giver.storage == "none":
        kept = "its frame was not kept" if giver.rows_out else "it left no frame"
        return Turn("memory", f"miss: {kept}", "miss", end_of(run, giver))
    return Turn("memory", "the log does not say", "unknown", end_of(run, giver))


def _said(run: Run, step: StepState, giver: StepState) -> Turn | None:
    """What the worker's text log says of the result that was looked at."""
    for line in run.log_lines:
        held, nothing = KEY_NOT_HELD.search(line.text), NOTHING_KEPT.search(line.text)
        if line.step not in (None, step.id):
            continue
        if held and held["step"] == giver.id:
            keys = ", ".join(map(repr, keys_in(held["keys"]))) or "nothing"
            return Turn("memory", f"miss: the result holds {keys}, not {held['key']!r}", "miss", _cite(line))
        if nothing and nothing["step"] == giver.id:
            return Turn("memory", f"miss: {giver.id!r} left no result", "miss", _cite(line))
    return None


def _disk(
    run: Run, step: StepState, entry: InputState, giver: StepState | None, cited: tuple[Evidence, ...]
) -> Turn:
    files = [artifact for artifact in giver.artifacts if artifact.kind in DATA_KINDS] if giver else []
    if entry.place == "spill":
        text = f"found: {files[0].path}" if files else "found"
        return Turn("spill", text, "hit", (*cited, *(_of(file) for file in files if file.line)))
    if giver is None or giver.status != "succeeded":
        return Turn("spill", f"miss: {entry.from_step or 'nothing'!r} left nothing", "miss", ())
    return _unwritten(run, giver) or _unread(run, step, giver) or _file(run, giver, files)


def _unwritten(run: Run, giver: StepState) -> Turn | None:
    for line in run.log_lines:
        match = SPILL_NOT_WRITTEN.search(line.text)
        if match and match["step"] == giver.id:
            text = f"miss: the file was not written: {excerpt_of(match, 160, 'why').strip() or 'no reason was logged'}"
            return Turn("spill", text, "miss", _cite(line))
    return None


def _unread(run: Run, step: StepState, giver: StepState) -> Turn | None:
    for line in run.log_lines:
        match = SPILL_NOT_READ.search(line.text)
        if match and line.step in (None, step.id) and (line.step or giver.id in line.text):
            return Turn("spill", f"miss: {excerpt_of(match, 200)}", "miss", _cite(line))
    return None


def _file(run: Run, giver: StepState, files: list[Artifact]) -> Turn:
    states = {
        "present": "is there and whole, and nothing says that it was read",
        "missing": "is not there",
        "corrupt": "is damaged: it does not begin and end as Parquet does",
        "lost": "did not come back from where the step ran",
        "not_downloaded": "was left in the sandbox, so it cannot be looked at here",
    }
    if files:
        outcome: Outcome = "unknown" if files[0].state in ("present", "not_downloaded", "lost") else "miss"
        lead = "miss: " if outcome == "miss" else ""
        named = tuple(_artifacts(giver)) or about(run, giver)
        return Turn("spill", f"{lead}{files[0].path} {states[files[0].state]}", outcome, named)
    return Turn("spill", "miss: no file was ever written", "miss", end_of(run, giver))


def _artifacts(giver: StepState) -> Iterator[Evidence]:
    return (_of(item) for item in giver.artifacts if item.kind in DATA_KINDS and item.line)


def _of(artifact: Artifact) -> Evidence:
    return Evidence(layout.EVENTS, artifact.line, artifact.path)


def _cite(line: LogLine) -> tuple[Evidence, ...]:
    return (Evidence(line.file, line.line, line.text[:200]),)
