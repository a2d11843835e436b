"""The steps of a run as it left them: drafts from the log, completed by manifest, run card, metrics and disk."""

import re
from collections.abc import Iterable, Mapping, Sequence

from osiris_inspect.inspector.artifacts import DATA_KINDS, artifacts_of
from osiris_inspect.inspector.drafts import Draft
from osiris_inspect.inspector.failures import lacks_input
from osiris_inspect.inspector.material import Material
from osiris_inspect.inspector.rows import rows_in, rows_out
from osiris_inspect.inspector.run import Artifact, InputState, Mode, StepFailure, StepState, Storage
from osiris_inspect.model import layout
from osiris_inspect.model import manifest as manifests
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.run_card import StepCard

_HELD = re.compile(r"not found in outputs from step '(?P<step>[^']+)' \(available: (?P<keys>[^)]*)\)")
_NOTHING_KEPT = re.compile(r"No outputs cached for step '(?P<step>[^']+)'")


def in_order(drafts: dict[str, Draft], material: Material) -> list[Draft]:
    """The drafts in the order of the manifest, then those only the log or the run card knows."""
    ordered = [] if material.manifest is None else _planned(material.manifest, drafts)
    ordered += [draft for draft in drafts.values() if draft not in ordered]
    if material.card is not None:
        known = {draft.id: draft for draft in ordered}
        for card in material.card.steps:
            if card.step_id and card.step_id not in known:
                known[card.step_id] = Draft(card.step_id)
                ordered.append(known[card.step_id])
            if card.step_id:
                _take_card(known[card.step_id], card)
    return ordered


def _planned(manifest: Manifest, drafts: Mapping[str, Draft]) -> list[Draft]:
    planned: dict[str, Draft] = {}
    for step in manifest.steps:
        draft = planned.setdefault(step.id, drafts.get(step.id) or Draft(step.id))
        draft.driver = draft.driver or step.driver or None
        draft.needs = tuple(dict.fromkeys((*draft.needs, *step.needs, *_explicit(step.inputs))))
        draft.line = draft.line or step.line
    return list(planned.values())


def _explicit(inputs: Mapping[str, InputRef]) -> tuple[str, ...]:
    return tuple(reference.from_step for reference in inputs.values())


def _take_card(draft: Draft, card: StepCard) -> None:
    """Fill in from the run card what the log did not tell."""
    draft.driver = draft.driver or card.driver
    if draft.status == "not_started" and card.status is not None:
        draft.status = card.status
        draft.because = draft.because or card.skipped_because
        if card.status == "failed" and card.error:
            draft.failure = StepFailure(card.error, file=layout.RUN_CARD)
    if draft.duration_s is None and card.duration_ms is not None:
        draft.duration_s = card.duration_ms / 1000


def bind(drafts: Sequence[Draft], material: Material) -> None:
    """Add the inputs that a step was to get and that no event accounts for, and needs that only the order tells."""
    requests = {request.step: request.inputs for request in material.requests}
    planned = {step.id: step for step in material.manifest.steps} if material.manifest else {}
    if not planned:
        _infer_needs(drafts, material)
    for draft in drafts:
        if draft.id in requests and requests[draft.id]:
            wanted = requests[draft.id]
            _name_as_asked(draft, wanted)
        elif draft.id in planned:
            wanted = _bound(planned[draft.id])
        else:
            wanted = {manifests.input_name(need): InputRef(need) for need in draft.needs}
            wanted = {"df": InputRef(draft.needs[0])} if len(draft.needs) == 1 else wanted
        if draft.was_run:
            got = {entry.from_step for entry in draft.inputs}
            draft.inputs += [
                InputState(name, reference.from_step, "unresolved")
                for name, reference in wanted.items()
                if reference.from_step not in got
            ]


def _name_as_asked(draft: Draft, wanted: Mapping[str, InputRef]) -> None:
    """The worker logs the upstream key of an input; its own name stands in what the host asked for."""
    names = {reference.from_step: name for name, reference in wanted.items()}
    draft.inputs = [
        InputState(names.get(entry.from_step or "", entry.name), entry.from_step, entry.place, entry.rows, entry.line, entry.tried)
        for entry in draft.inputs
    ]


def _bound(step: manifests.Step) -> Mapping[str, InputRef]:
    try:
        return manifests.bind_inputs(step)
    except ValueError:  # two needs of a foreign manifest would share a name: each keeps that of its step
        return {need: InputRef(need) for need in step.needs}


def _infer_needs(drafts: Sequence[Draft], material: Material) -> None:
    """Without a manifest a step's upstream is what it got, what the worker's log says it looked for, or, for a step
    that failed for want of an input, the one step before it whose frame nobody had taken."""
    looked_for = _looked_for(material)
    taken: set[str] = set()
    waiting: list[str] = []
    for draft in drafts:
        needs = [entry.from_step for entry in draft.inputs if entry.from_step] + looked_for.get(draft.id, [])
        free = [step for step in waiting if step not in taken]
        if not needs and free and draft.failure is not None and lacks_input(draft.failure.message):
            needs, draft.needs_inferred = free[-1:], True
        draft.needs = tuple(dict.fromkeys((*draft.needs, *needs)))
        taken.update(needs)
        waiting.append(draft.id)


def _looked_for(material: Material) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in material.log_lines:
        match = _HELD.search(line.text) or _NOTHING_KEPT.search(line.text)
        if match and line.step and line.step != match["step"]:
            found.setdefault(line.step, []).append(match["step"])
    return found


def complete(drafts: Sequence[Draft], material: Material, mode: Mode | None) -> tuple[StepState, ...]:
    """The finished steps."""
    _explain_cascades(drafts)
    consumed = _consumed(drafts)
    records = _records_inputs(drafts, material)
    by_step = _by_step(material.events)
    metrics = _by_step_or_none(material.metrics)
    states = []
    for draft in drafts:
        card = material.card.of(draft.id) if material.card else None
        artifacts = artifacts_of(draft.id, by_step.get(draft.id, ()), material.disk, mode)
        own = [*metrics.get(draft.id, ()), *metrics.get(None, ())]
        states.append(_state(draft, card, own, artifacts, consumed, material, records=records))
    return tuple(states)


def _state(
    draft: Draft,
    card: StepCard | None,
    metrics: Sequence[Metric],
    artifacts: tuple[Artifact, ...],
    consumed: Mapping[str, InputState],
    material: Material,
    *,
    records: bool,
) -> StepState:
    is_writer = StepState("", draft.driver, "running").is_writer
    taken = consumed.get(draft.id)
    rows, told_by = rows_out(draft, card, metrics, taken.rows if taken else None, is_writer=is_writer)
    state = StepState(
        id=draft.id,
        driver=draft.driver,
        status=draft.status,
        needs=draft.needs,
        rows_in=rows_in(draft, card, metrics),
        rows_out=rows,
        rows_out_from=told_by,
        duration_s=draft.duration_s,
        started=draft.started,
        ended=draft.ended,
        inputs=tuple(draft.inputs),
        failure=draft.failure,
        because=draft.because,
        artifacts=artifacts,
        config=material.configs.get(draft.id, {}),
        lines=(draft.first, draft.last),
        needs_inferred=draft.needs_inferred,
        line=draft.line,
    )
    return _with_storage(state, draft, card, taken, material, records=records)


def _with_storage(
    state: StepState,
    draft: Draft,
    card: StepCard | None,
    taken: InputState | None,
    material: Material,
    *,
    records: bool,
) -> StepState:
    from dataclasses import replace

    return replace(state, storage=_storage(state, draft, card, taken, material, records=records))


def _storage(
    state: StepState,
    draft: Draft,
    card: StepCard | None,
    taken: InputState | None,
    material: Material,
    *,
    records: bool,
) -> Storage:
    if draft.stored in ("memory", "spill", "none"):
        return draft.stored  # type: ignore[return-value]  # mypy does not narrow a str by membership
    if state.is_writer or state.status in ("failed", "skipped", "not_started"):
        return "none"
    if taken is not None and taken.place != "unresolved":
        return taken.place
    if any(artifact.kind in DATA_KINDS for artifact in state.artifacts):
        return "spill"
    if card is not None and (card.has_df_in_memory is not None or card.spill_used is not None):
        return "spill" if card.spill_used else "memory" if card.has_df_in_memory else "none"
    held = _held(state.id, material)
    if held is not None:
        return held
    looked_and_found_nothing = records and taken is not None and state.status == "succeeded"
    return "none" if looked_and_found_nothing else "unknown"


def _held(step: str, material: Material) -> Storage | None:
    """What the worker's log says it held of a step when another asked for it under a wrong key."""
    for line in material.log_lines:
        match = _HELD.search(line.text)
        if match and match["step"] == step:
            keys = re.findall(r"'([^']+)'", match["keys"])
            return "memory" if "df" in keys else "spill" if "df_path" in keys else "none"
    return None


def _explain_cascades(drafts: Sequence[Draft]) -> None:
    causes: dict[str, str] = {draft.id: draft.id for draft in drafts if draft.status == "failed"}
    for draft in drafts:
        if draft.status not in ("failed", "skipped", "not_started"):
            continue
        guilty = next((causes[need] for need in draft.needs if need in causes and need != draft.id), None)
        if guilty is not None and guilty != draft.id and draft.because is None:
            draft.because = guilty
        if draft.because is not None:
            causes[draft.id] = draft.because


def _consumed(drafts: Iterable[Draft]) -> dict[str, InputState]:
    """For each step the input another step made of its frame; one that was found counts before one that was not."""
    taken: dict[str, InputState] = {}
    for draft in drafts:
        for entry in draft.inputs:
            before = taken.get(entry.from_step or "")
            if entry.from_step and (before is None or before.place == "unresolved"):
                taken[entry.from_step] = entry
    return taken


def _records_inputs(drafts: Iterable[Draft], material: Material) -> bool:
    """Whether this run would tell where an input was found: it did so once, or a worker wrote its log."""
    if any(entry.place != "unresolved" for draft in drafts for entry in draft.inputs):
        return True
    return any(event.dialect in ("worker", "forwarded", "document", "native") for event in material.events)


def _by_step(events: Iterable[Event]) -> dict[str, list[Event]]:
    grouped: dict[str, list[Event]] = {}
    for event in events:
        if event.step is not None and event.name == "artifact_created":
            grouped.setdefault(event.step, []).append(event)
    return grouped


def _by_step_or_none(metrics: Iterable[Metric]) -> dict[str | None, list[Metric]]:
    grouped: dict[str | None, list[Metric]] = {}
    for metric in metrics:
        if metric.name.startswith("rows_"):
            grouped.setdefault(metric.step, []).append(metric)
    return grouped
