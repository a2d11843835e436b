"""The steps of a run as it left them: drafts from the log, completed by manifest, run card, metrics and disk."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from osiris_inspect.inspector.files.log_phrases import UPSTREAM_KEY_MISSING, UPSTREAM_RESULT_MISSING
from osiris_inspect.inspector.reader.artifacts import artifacts_of, missing_artifacts
from osiris_inspect.inspector.reader.frame_storage import StepTraces, frame_location
from osiris_inspect.inspector.reader.raw_run import RawRun
from osiris_inspect.inspector.reader.row_counts import rows_in, rows_out
from osiris_inspect.inspector.reader.step_builder import StepBuilder
from osiris_inspect.inspector.run.error_phrases import may_be_missing_input, reports_missing_input
from osiris_inspect.inspector.run.run import InputState, StepFailure, StepState
from osiris_inspect.model import manifest as manifests
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.run_card import StepCard
from osiris_inspect.model.run_types import RunMode


def ordered_steps(drafts: dict[str, StepBuilder], material: RawRun) -> list[StepBuilder]:
    """The drafts in the order of the manifest, then those only the log or the run card knows."""
    ordered = [] if material.manifest is None else _planned(material.manifest, drafts)
    ordered += [draft for draft in drafts.values() if draft not in ordered]
    if material.card is not None:
        known = {draft.id: draft for draft in ordered}
        for card in material.card.steps:
            if card.step_id and card.step_id not in known:
                known[card.step_id] = StepBuilder(card.step_id)
                ordered.append(known[card.step_id])
            if card.step_id:
                _fill_from_run_card(known[card.step_id], card)
    return ordered


def _planned(manifest: Manifest, drafts: Mapping[str, StepBuilder]) -> list[StepBuilder]:
    planned: dict[str, StepBuilder] = {}
    for step in manifest.steps:
        draft = planned.setdefault(step.id, drafts.get(step.id) or StepBuilder(step.id))
        draft.driver = draft.driver or step.driver or None
        draft.needs = tuple(dict.fromkeys((*draft.needs, *step.needs, *_explicit(step.inputs))))
        draft.line = draft.line or step.line
    return list(planned.values())


def _explicit(inputs: Mapping[str, InputRef]) -> tuple[str, ...]:
    return tuple(reference.from_step for reference in inputs.values())


def _fill_from_run_card(draft: StepBuilder, card: StepCard) -> None:
    """Fill in from the run card what the log did not tell."""
    draft.driver = draft.driver or card.driver
    if draft.status == "not_started" and card.status is not None:
        draft.status = card.status
        draft.because = draft.because or card.skipped_because
        if card.status == "failed" and card.error:
            draft.failure = StepFailure(card.error, file=layout.RUN_CARD)
    if draft.duration_s is None and card.duration_ms is not None:
        draft.duration_s = card.duration_ms / 1000


def add_missing_inputs(drafts: Sequence[StepBuilder], material: RawRun) -> None:
    """Add the inputs that a step was to get and that no event accounts for, and needs that only the order tells."""
    requests = {request.step: request.inputs for request in material.requests}
    planned = {step.id: step for step in material.manifest.steps} if material.manifest else {}
    if not planned:
        _infer_needs(drafts, material)
    for draft in drafts:
        if requests.get(draft.id):
            wanted = requests[draft.id]
            _use_requested_names(draft, wanted)
        elif draft.id in planned:
            wanted = _bound(planned[draft.id])
        else:
            wanted = {manifests.input_name(need): InputRef(need) for need in draft.needs}
            wanted = {"df": InputRef(draft.needs[0])} if len(draft.needs) == 1 else wanted
        if draft.was_started and (draft.id in requests or not any(entry.line for entry in draft.inputs)):
            # a log that has one input of a step has all that were looked for: of the others it holds nothing
            got = {entry.from_step for entry in draft.inputs}
            draft.inputs += [
                InputState(name, reference.from_step, "unresolved")
                for name, reference in wanted.items()
                if reference.from_step not in got
            ]


def _use_requested_names(draft: StepBuilder, wanted: Mapping[str, InputRef]) -> None:
    """The worker logs the upstream key of an input; its own name stands in what the host asked for."""
    names = {reference.from_step: name for name, reference in wanted.items()}
    draft.inputs = [
        InputState(
            names.get(entry.from_step or "", entry.name),
            entry.from_step,
            entry.location,
            entry.rows,
            entry.line,
            entry.attempts,
        )
        for entry in draft.inputs
    ]


def _bound(step: manifests.Step) -> Mapping[str, InputRef]:
    try:
        return manifests.bind_inputs(step)
    except ValueError:  # two needs of a foreign manifest would share a name: each keeps that of its step
        return {need: InputRef(need) for need in step.needs}


def _infer_needs(drafts: Sequence[StepBuilder], material: RawRun) -> None:
    """Conclude the needs of a run without a manifest.

    A step's upstream is what it got, what the worker's log says it looked for, or, for a step that failed for want of
    an input, the last step before it whose frame nobody had taken.
    """
    looked_for = _looked_for(material)
    taken: set[str] = set()
    waiting: list[str] = []
    for draft in drafts:
        needs = [entry.from_step for entry in draft.inputs if entry.from_step] + looked_for.get(draft.id, [])
        free = [step for step in waiting if step not in taken]
        if not needs and free and draft.failure is not None and reports_missing_input(draft.failure.message):
            needs, draft.needs_inferred = free[-1:], True
        draft.needs = tuple(dict.fromkeys((*draft.needs, *needs)))
        taken.update(needs)
        waiting.append(draft.id)


def _looked_for(material: RawRun) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in material.log_lines:
        match = UPSTREAM_KEY_MISSING.search(line.text) or UPSTREAM_RESULT_MISSING.search(line.text)
        if match and line.step and line.step != match["step"]:
            found.setdefault(line.step, []).append(match["step"])
    return found


def finish_steps(
    drafts: Sequence[StepBuilder], material: RawRun, mode: RunMode | None
) -> tuple[StepState, ...]:
    """The finished steps."""
    _mark_cascades(drafts)
    _set_next_starts(drafts)
    taken = _consumers(drafts)
    created = _created(material.events)
    counts = _counts(material.metrics)
    records = _records_inputs(drafts, material)
    absence = missing_artifacts(material.events, mode, material.disk)
    states = []
    for draft in drafts:
        card = material.card.for_step(draft.id) if material.card else None
        evidence = StepTraces(
            card=card,
            artifacts=artifacts_of(draft.id, created.get(draft.id, ()), material.disk, absence),
            consumer_input=taken.get(draft.id),
            log_lines=material.log_lines,
            inputs_recorded=records,
        )
        own = [*counts.get(draft.id, ()), *counts.get(None, ())]
        states.append(_state(draft, evidence, own, material.configs.get(draft.id, {})))
    return tuple(states)


def _state(
    draft: StepBuilder, traces: StepTraces, metrics: Sequence[Metric], config: Mapping[str, Any]
) -> StepState:
    is_writer = StepState(draft.id, draft.driver, draft.status).is_writer
    consumed = traces.consumer_input.rows if traces.consumer_input else None
    rows, told_by = rows_out(draft, traces.card, metrics, consumed, is_writer=is_writer)
    return StepState(
        id=draft.id,
        driver=draft.driver,
        status=draft.status,
        needs=draft.needs,
        rows_in=rows_in(draft, traces.card, metrics),
        rows_out=rows,
        rows_out_source=told_by,
        duration_s=draft.duration_s,
        started=draft.started,
        ended=draft.ended,
        storage=frame_location(draft, traces, is_writer=is_writer),
        inputs=tuple(draft.inputs),
        failure=draft.failure,
        skipped_because=draft.because,
        artifacts=traces.artifacts,
        config=config,
        line_range=(draft.first_line, draft.last_line),
        needs_inferred=draft.needs_inferred,
        line=draft.line,
    )


def _set_next_starts(drafts: Sequence[StepBuilder]) -> None:
    """Tell each step when the next one began that counts as it does: extractors what they read, others what they wrote."""
    begun = sorted(
        (draft for draft in drafts if draft.started is not None), key=lambda draft: draft.started or 0.0
    )
    for reads in (True, False):
        alike = [draft for draft in begun if draft.is_extractor is reads]
        for draft, following in pairwise(alike):
            draft.next_start = following.started


def _mark_cascades(drafts: Sequence[StepBuilder]) -> None:
    causes: dict[str, str] = {draft.id: draft.id for draft in drafts if draft.status == "failed"}
    by_id = {draft.id: draft for draft in drafts}
    for draft in drafts:
        if draft.status not in ("failed", "skipped", "not_started"):
            continue
        guilty = next((causes[need] for need in draft.needs if need in causes and need != draft.id), None)
        own = guilty in by_id and _has_own_failure(draft, by_id[guilty])
        if guilty is not None and guilty != draft.id and not own and draft.because is None:
            draft.because = guilty
        if draft.because is not None:
            causes[draft.id] = draft.because


def _has_own_failure(draft: StepBuilder, guilty: StepBuilder) -> bool:
    """Whether a step died of something that no frame from upstream would have spared it, and that no other one met."""
    if draft.failure is None or may_be_missing_input(draft.failure.message):
        return False
    return _normalized_message(draft) != _normalized_message(guilty)


def _normalized_message(draft: StepBuilder) -> str:
    return draft.failure.message.replace(draft.id, "") if draft.failure is not None else ""


def _consumers(drafts: Iterable[StepBuilder]) -> dict[str, InputState]:
    """For each step the input another step made of its frame; one that was found counts before one that was not."""
    taken: dict[str, InputState] = {}
    for draft in drafts:
        for entry in draft.inputs:
            before = taken.get(entry.from_step or "")
            if entry.from_step and (before is None or before.location == "unresolved"):
                taken[entry.from_step] = entry
    return taken


def _records_inputs(drafts: Iterable[StepBuilder], material: RawRun) -> bool:
    """Whether this run would tell where an input was found: it did so once, or a worker wrote its log."""
    if any(entry.location != "unresolved" for draft in drafts for entry in draft.inputs):
        return True
    return any(event.dialect in ("worker", "forwarded", "document", "native") for event in material.events)


def _created(events: Iterable[Event]) -> dict[str, list[Event]]:
    grouped: dict[str, list[Event]] = {}
    for event in events:
        if event.step is not None and event.name == "artifact_created":
            grouped.setdefault(event.step, []).append(event)
    return grouped


def _counts(metrics: Iterable[Metric]) -> dict[str | None, list[Metric]]:
    grouped: dict[str | None, list[Metric]] = {}
    for metric in metrics:
        if metric.name.startswith("rows_"):
            grouped.setdefault(metric.step, []).append(metric)
    return grouped
