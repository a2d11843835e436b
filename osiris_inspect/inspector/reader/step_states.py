"""Builds the final states of steps from the log, manifest, run card, metrics and files."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

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

T = TypeVar("T", Event, Metric)


def ordered_steps(drafts: dict[str, StepBuilder], material: RawRun) -> list[StepBuilder]:
    """Return the steps in the order of the manifest, followed by those only in the log or the run card."""
    ordered = [] if material.manifest is None else _planned(material.manifest, drafts)
    planned = {draft.id for draft in ordered}
    ordered += [draft for draft in drafts.values() if draft.id not in planned]
    if material.card is not None:
        by_id = {draft.id: draft for draft in ordered}
        for card in material.card.steps:
            if card.step_id and card.step_id not in by_id:
                by_id[card.step_id] = StepBuilder(card.step_id)
                ordered.append(by_id[card.step_id])
            if card.step_id:
                _fill_from_run_card(by_id[card.step_id], card)
    return ordered


def _planned(manifest: Manifest, drafts: Mapping[str, StepBuilder]) -> list[StepBuilder]:
    planned: dict[str, StepBuilder] = {}
    for step in manifest.steps:
        draft = planned.setdefault(step.id, drafts.get(step.id) or StepBuilder(step.id))
        draft.driver = draft.driver or step.driver or None
        draft.needs = tuple(
            dict.fromkeys((*draft.needs, *step.needs, *(entry.from_step for entry in step.inputs.values())))
        )
        draft.after = tuple(name for name in dict.fromkeys(step.after) if name not in draft.needs)
        draft.line = draft.line or step.line
    return list(planned.values())


def _fill_from_run_card(draft: StepBuilder, card: StepCard) -> None:
    """Set what the log does not contain from the run card."""
    draft.driver = draft.driver or card.driver
    if draft.status == "not_started" and card.status is not None:
        draft.status = card.status
        draft.because = draft.because or card.skipped_because
        draft.reused_from = draft.reused_from or card.reused_from
        if card.status == "failed" and card.error:
            draft.failure = StepFailure(card.error, file=layout.RUN_CARD)
    if draft.duration_s is None and card.duration_ms is not None:
        draft.duration_s = card.duration_ms / 1000


def add_missing_inputs(drafts: Sequence[StepBuilder], material: RawRun) -> None:
    """Add the expected inputs without an event, and needs that only the order of the steps implies."""
    requests = {request.step: request.inputs for request in material.requests}
    planned = {step.id: step for step in material.manifest.steps} if material.manifest else {}
    if not planned:
        _infer_needs(drafts, material)
    for draft in drafts:
        if requests.get(draft.id):
            expected = requests[draft.id]
            _use_requested_names(draft, expected)
        elif draft.id in planned:
            expected = _bound(planned[draft.id])
        else:
            expected = {manifests.input_name(need): InputRef(need) for need in draft.needs}
            expected = {"df": InputRef(draft.needs[0])} if len(draft.needs) == 1 else expected
        if draft.was_started and (draft.id in requests or not any(entry.line for entry in draft.inputs)):
            # a log that reports one input of a step reports all that were requested
            received = {entry.from_step for entry in draft.inputs}
            draft.inputs += [
                InputState(name, reference.from_step, "unresolved")
                for name, reference in expected.items()
                if reference.from_step not in received
            ]


def _use_requested_names(draft: StepBuilder, requested: Mapping[str, InputRef]) -> None:
    """Replace input names: the worker logs the upstream key, and the request has the input's own name."""
    names = {reference.from_step: name for name, reference in requested.items()}
    draft.inputs = [
        entry._replace(name=names.get(entry.from_step or "", entry.name)) for entry in draft.inputs
    ]


def _bound(step: manifests.Step) -> Mapping[str, InputRef]:
    try:
        return manifests.bind_inputs(step)
    except ValueError:  # two needs have the same input name: use those of the steps
        return {need: InputRef(need) for need in step.needs}


def _infer_needs(drafts: Sequence[StepBuilder], material: RawRun) -> None:
    """Infer the needs of a run without a manifest.

    The upstream of a step is the step whose frame it received, the one that the worker's log says it looked
    for, or, if it failed because of a missing input, the last step whose frame no step received.
    """
    searched = _searched_upstreams(material)
    received: set[str] = set()
    waiting: list[str] = []
    for draft in drafts:
        needs = [entry.from_step for entry in draft.inputs if entry.from_step] + searched.get(draft.id, [])
        unused = [step for step in waiting if step not in received]
        error = draft.failure.message if draft.failure is not None else ""
        if not needs and unused and reports_missing_input(error):
            needs, draft.needs_inferred = unused[-1:], True
        draft.needs = tuple(dict.fromkeys((*draft.needs, *needs)))
        received.update(needs)
        waiting.append(draft.id)


def _searched_upstreams(material: RawRun) -> dict[str, list[str]]:
    searched: dict[str, list[str]] = {}
    for line in material.log_lines:
        match = UPSTREAM_KEY_MISSING.search(line.text) or UPSTREAM_RESULT_MISSING.search(line.text)
        if match and line.step and line.step != match["step"]:
            searched.setdefault(line.step, []).append(match["step"])
    return searched


def finish_steps(
    drafts: Sequence[StepBuilder], material: RawRun, mode: RunMode | None
) -> tuple[StepState, ...]:
    """Return the final states."""
    _mark_cascades(drafts)
    _set_next_starts(drafts)
    consumers = _consumers(drafts)
    created_events = _by_step(event for event in material.events if event.name == "artifact_created")
    count_metrics = _by_step(metric for metric in material.metrics if metric.name.startswith("rows_"))
    inputs_recorded = _records_inputs(drafts, material)
    missing = missing_artifacts(material.events, mode, material.disk)
    states = []
    for draft in drafts:
        card = material.card.for_step(draft.id) if material.card else None
        evidence = StepTraces(
            card=card,
            artifacts=artifacts_of(draft.id, created_events.get(draft.id, ()), material.disk, missing),
            consumer_input=consumers.get(draft.id),
            log_lines=material.log_lines,
            inputs_recorded=inputs_recorded,
        )
        own = [*count_metrics.get(draft.id, ()), *count_metrics.get(None, ())]
        states.append(_state(draft, evidence, own, material.configs.get(draft.id, {})))
    return tuple(states)


def _state(
    draft: StepBuilder, traces: StepTraces, metrics: Sequence[Metric], config: Mapping[str, Any]
) -> StepState:
    bare = StepState(draft.id, draft.driver, draft.status, config=config, has_written=draft.has_written)
    is_writer = bare.is_writer
    consumer_rows = traces.consumer_input.rows if traces.consumer_input else None
    rows, source = rows_out(draft, traces.card, metrics, consumer_rows, is_writer=is_writer)
    return StepState(
        id=draft.id,
        driver=draft.driver,
        status=draft.status,
        needs=draft.needs,
        rows_in=rows_in(draft, traces.card, metrics),
        rows_out=rows,
        rows_out_source=source,
        duration_s=draft.duration_s,
        started=draft.started,
        ended=draft.ended,
        storage=frame_location(draft, traces, is_writer=is_writer),
        inputs=tuple(draft.inputs),
        failure=draft.failure,
        attempts=tuple(draft.attempts) if draft.failure is not None else (),
        retries=draft.retries,
        retry_errors=tuple(draft.retry_errors),
        after=draft.after,
        skipped_because=draft.because,
        reused_from=draft.reused_from,
        artifacts=traces.artifacts,
        config=config,
        line_range=(draft.first_line, draft.last_line),
        needs_inferred=draft.needs_inferred,
        line=draft.line,
        has_written=draft.has_written,
        checks=tuple(draft.checks),
        captures=() if draft.status == "succeeded" else tuple(draft.captures.values()),
        nodes=tuple(draft.nodes),
        is_waiting=draft.is_sent and draft.status == "not_started" and not draft.nodes,
    )


def _set_next_starts(drafts: Sequence[StepBuilder]) -> None:
    """Set when the next step with the same kind of counts began: extractors read, others write."""
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
        upstream = (*draft.needs, *draft.after)
        cause = next((causes[need] for need in upstream if need in causes and need != draft.id), None)
        own = cause in by_id and _has_own_failure(draft, by_id[cause])
        if cause is not None and cause != draft.id and not own and draft.because is None:
            draft.because = cause
        if draft.because is not None:
            causes[draft.id] = draft.because


def _has_own_failure(draft: StepBuilder, cause: StepBuilder) -> bool:
    """Return True if a missing input cannot explain the failure and the upstream step failed differently."""
    if draft.failure is None or may_be_missing_input(draft.failure.message):
        return False
    return _normalized_message(draft) != _normalized_message(cause)


def _normalized_message(draft: StepBuilder) -> str:
    return draft.failure.message.replace(draft.id, "") if draft.failure is not None else ""


def _consumers(drafts: Iterable[StepBuilder]) -> dict[str, InputState]:
    """Return for each step the input that another step made of its frame, preferably one that was found."""
    consumers: dict[str, InputState] = {}
    for draft in drafts:
        for entry in draft.inputs:
            before = consumers.get(entry.from_step or "")
            if entry.from_step and (before is None or before.location == "unresolved"):
                consumers[entry.from_step] = entry
    return consumers


def _records_inputs(drafts: Iterable[StepBuilder], material: RawRun) -> bool:
    """Return True if this run logs where inputs were found."""
    if any(entry.location != "unresolved" for draft in drafts for entry in draft.inputs):
        return True
    return any(event.dialect in ("worker", "forwarded", "document", "native") for event in material.events)


def _by_step(items: Iterable[T]) -> dict[str | None, list[T]]:
    grouped: dict[str | None, list[T]] = {}
    for item in items:
        grouped.setdefault(item.step, []).append(item)
    return grouped
