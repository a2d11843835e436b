"""The explanation of one step: status, input traces, its own frame, and causes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    any_evidence,
    error_evidence,
    event_evidence,
    manifest_evidence,
    row_count_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import failed_for_missing_input
from osiris_inspect.inspector.diagnosis.evidence.quotes import find_quotes
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.inspector.run.settings import recorded_settings, settings_evidence
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.inspector.why.input_trace import InputTrace, TraceStep, trace_input
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import OsirisError
from osiris_inspect.model.finding import Evidence, Finding

MAX_TEXT = 300
MAX_INPUTS = 100
"""Inputs of a step that are traced, first those that were not found."""


class UnknownStep(OsirisError):
    """An unknown step or input; the message names the known ones."""


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """The explanation of one step.

    Attributes:
        verdict: how it ended, in one sentence.
        input_traces: one per input, at most ``MAX_INPUTS``, or only the requested input.
        more_inputs: the number of inputs that are not traced.
        output_trace: the error, the skip, the rows, and the storage of its frame.
        causes: the findings that explain it, its own first, the root cause last.
        consequences: steps that failed or were skipped because of it.
    """

    step: StepState
    verdict: str
    input_traces: tuple[InputTrace, ...]
    output_trace: tuple[TraceStep, ...]
    causes: tuple[Finding, ...]
    consequences: tuple[str, ...]
    more_inputs: int = 0


def explain_step(report: Report, target: str) -> StepExplanation:
    """Return the explanation of ``STEP`` or ``STEP.INPUT``.

    Raises:
        UnknownStep: no such step or input.
    """
    run = report.run
    step, name = _chosen(run, target)
    entries = _inputs(step)
    if name is not None:
        entries = [entry for entry in entries if name in (entry.name, entry.from_step)]
    traced = entries
    if len(entries) > MAX_INPUTS:
        traced = sorted(entries, key=lambda entry: entry.location != "unresolved")[:MAX_INPUTS]
    answer = StepExplanation(
        step=step,
        verdict=_verdict(run, step),
        input_traces=tuple(trace_input(run, step, entry) for entry in traced),
        output_trace=tuple(_turns(run, step)),
        causes=tuple(_causes(report, step)),
        consequences=tuple(other.id for other in run.steps if other.skipped_because == step.id),
        more_inputs=len(entries) - len(traced),
    )
    return _verified(answer, run)


def _chosen(run: Run, target: str) -> tuple[StepState, str | None]:
    """Return the step and the input. A step id may contain dots, so the longest matching id is used."""
    whole = run.step(target)
    if whole is not None:
        return whole, None
    for step in sorted(run.steps, key=lambda step: -len(step.id)):
        name = target.removeprefix(f"{step.id}.")
        if name != target:
            names = [text for entry in _inputs(step) for text in (entry.name, entry.from_step) if text]
            if name not in names:
                there = ", ".join(map(repr, dict.fromkeys(names))) or "none"
                raise UnknownStep(f"step {step.id!r} has no input {name!r}; it has {there}")
            return step, name
    there = ", ".join(repr(step.id) for step in run.steps) or "no steps"
    raise UnknownStep(f"the run has no step {target!r}; it has {there}")


def _inputs(step: StepState) -> list[InputState]:
    """Return the inputs of a step; for one that did not run, the planned ones."""
    bound = {entry.from_step for entry in step.inputs}
    missing = [InputState("", need, "unresolved") for need in step.needs if need not in bound]
    return [*step.inputs, *missing]


def _verdict(run: Run, step: StepState) -> str:
    text = {
        "failed": f"step {step.id!r} failed",
        "interrupted": f"step {step.id!r} was interrupted",
        "skipped": f"step {step.id!r} was skipped",
        "not_started": f"step {step.id!r} was not started",
        "running": f"step {step.id!r} started and did not end",
        "succeeded": f"step {step.id!r} succeeded",
        "reused": f"step {step.id!r} did not run; its result is of {step.reused_from or 'an earlier run'}",
    }[step.status]
    if step.status in ("failed", "skipped", "not_started") and step.skipped_because is not None:
        return f"{text} because of {_named(run, step.skipped_because)}"
    if step.status == "failed":
        return f"{text}: missing input" if failed_for_missing_input(step) else text
    if step.status == "succeeded" and step.rows_out is not None:
        verb = "wrote" if step.is_writer else "produced"
        return f"{text} and {verb} {pluralize(step.rows_out, 'row')}"
    return text


def _named(run: Run, because: str) -> str:
    return f"step {because!r}" if run.step(because) is not None else because


def _turns(run: Run, step: StepState) -> Iterator[TraceStep]:
    yield from _explain_order(run, step)
    yield from _explain_skip(run, step)
    for number, failure in enumerate(step.retry_errors, start=1):
        line = excerpt(" ".join(failure.message.split()), MAX_TEXT)
        cited = Evidence(failure.file, failure.line, failure.message[:120])
        yield TraceStep(f"attempt {number}", line, "miss", (cited,))
    if step.failure is not None:
        line = " ".join(step.failure.message.split())
        yield TraceStep("error", excerpt(line, MAX_TEXT), "miss", error_evidence(step))
    if step.status == "running":
        begun = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
        end = (event_evidence(run.events[-1]),) if run.events else ()
        yield TraceStep("end", "the log stops while the step is running", "miss", (*begun[-1:], *end))
    if step.status == "interrupted" and step.failure is None and run.failure is not None:
        cited = Evidence(run.failure.file, run.failure.line, run.failure.message[:120])
        yield TraceStep("end", "the run was interrupted while the step was running", "miss", (cited,))
    yield from _explain_zero_rows(run, step)
    yield from _explain_storage(run, step)


def _explain_order(run: Run, step: StepState) -> Iterator[TraceStep]:
    """Yield the steps that the step runs after without taking their frames."""
    for name in step.after:
        other = run.step(name)
        outcome = other.status.replace("_", " ") if other is not None else "is not a step of the run"
        failed = other is not None and other.status in ("failed", "skipped")
        cited = manifest_evidence(run, name)
        yield TraceStep("after", f"runs after {name!r}: {outcome}", "miss" if failed else "", (cited,))


def _explain_skip(run: Run, step: StepState) -> Iterator[TraceStep]:
    if step.status not in ("skipped", "not_started"):
        return
    events = [event_evidence(event, "because") for event in run.events_named("step_skipped", step=step.id)]
    failed = run.step(step.skipped_because or "")
    if failed is not None:
        yield TraceStep("skipped", f"did not run, because {failed.id!r} failed", "miss", tuple(events))
        line = excerpt(" ".join(failed.failure.message.split()), MAX_TEXT) if failed.failure else "failed"
        yield TraceStep(failed.id, line, "miss", error_evidence(failed))
    elif events:
        yield TraceStep(
            "skipped",
            f"did not run: {step.skipped_because or 'no reason was logged'}",
            "miss",
            tuple(events),
        )
    else:
        yield TraceStep("start", "the log does not contain its start", "miss", any_evidence(run, step))


def _explain_zero_rows(run: Run, step: StepState) -> Iterator[TraceStep]:
    if step.status != "succeeded" or step.rows_out != 0:
        return
    text = "it produced 0 rows" if step.needs else "the source returned 0 rows"
    if step.rows_in:
        verb = "wrote" if step.is_writer else "produced"
        text = f"it received {pluralize(step.rows_in, 'row')} and {verb} none"
    elif step.rows_in == 0:
        text = "it received 0 rows, so it produced 0"
    yield TraceStep("rows", text, "miss", row_count_evidence(run, step, 0))
    for key in ("query", "path", "table"):
        value = step.config.get(key)
        if isinstance(value, str) and layout.is_safe_name(step.id):
            cited = Evidence(layout.config_path(step.id), 0, f'"{key}"')
            yield TraceStep(key, excerpt(" ".join(value.split()), MAX_TEXT), "", (cited,))


def _explain_storage(run: Run, step: StepState) -> Iterator[TraceStep]:
    """Yield where the frame of the step was stored, and which setting decided it."""
    if step.is_writer or step.status in ("skipped", "not_started"):
        return
    stored = run.events_named("output_stored", step=step.id)
    reused = run.events_named("step_reused", step=step.id)
    if reused:
        text = f"taken over from {step.reused_from or 'an earlier run'}"
        yield TraceStep("stored", text, "", (event_evidence(reused[-1], "from_run", "fingerprint"),))
    elif stored:
        reason = stored[-1].fields.get("reason")
        yield TraceStep(
            "stored", f"{_where(step)}: {reason}", "", (event_evidence(stored[-1], "reason", "storage"),)
        )
    elif step.storage in ("memory", "spill"):
        yield TraceStep(
            "stored", f"{_where(step)}; the run does not record why", "", tuple(_spilled(run, step))
        )
    elif step.storage == "none" and step.status == "succeeded":
        yield TraceStep(
            "stored",
            "not stored: no trace of its frame in memory or on disk",
            "miss",
            any_evidence(run, step),
        )
    if step.storage == "spill":
        yield from _setting(run, step)
    for event in run.events_named("spill_failed", step=step.id):
        yield TraceStep(
            "spill", f"not written: {event.error or 'no reason'}", "miss", (event_evidence(event, "error"),)
        )
    for event in run.events_named("frame_released", step=step.id):
        yield TraceStep(
            "released", str(event.fields.get("reason") or "released"), "", (event_evidence(event, "reason"),)
        )


def _where(step: StepState) -> str:
    return {
        "memory": "in memory",
        "spill": f"spilled to {_file(step)}",
        "none": "not stored",
        "unknown": "unknown",
    }[step.storage]


def _file(step: StepState) -> str:
    spilled = [artifact.path for artifact in step.artifacts if artifact.kind in ("parquet", "pickle")]
    return spilled[0] if spilled else "disk"


def _spilled(run: Run, step: StepState) -> Iterator[Evidence]:
    lines = [entry.line for other in run.steps for entry in other.inputs if entry.from_step == step.id]
    yield from (Evidence(layout.EVENTS, line, "from_") for line in lines if line)
    for artifact in step.artifacts:
        if artifact.line:
            yield Evidence(layout.EVENTS, artifact.line, artifact.path)


def _setting(run: Run, step: StepState) -> Iterator[TraceStep]:
    """Yield the setting that decided, if the run records its settings."""
    settings = recorded_settings(run)
    force, threshold = settings.get("force_spill"), settings.get("spill_threshold")
    budget = settings.get("spill_memory_bytes")
    tests: Iterable[tuple[object, Callable[[], bool]]] = (
        (force, lambda: force is not None and force.value is True),
        (threshold, lambda: threshold is not None and (step.rows_out or 0) > _number(threshold.value)),
        (budget, lambda: budget is not None and budget.value is not None),
    )
    decided = next((str(setting) for setting, holds in tests if holds()), None)
    if decided is not None:
        yield TraceStep("setting", decided, "", settings_evidence(run))


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else float("inf")


def _causes(report: Report, step: StepState) -> Iterator[Finding]:
    """Yield the findings of a step, then their causes up to the root; for a skipped step those of the failed one."""
    by_address = {finding.id: finding for finding in report.findings}
    steps = (
        [step.id] if any(finding.step == step.id for finding in report.findings) else [step.skipped_because]
    )
    waiting = [finding for finding in report.findings if finding.step in steps and finding.step is not None]
    if not waiting and step.status in ("failed", "skipped", "not_started") and report.root_cause is not None:
        waiting = [report.root_cause]
    causes: dict[str, Finding] = {}
    for start in sorted(waiting, key=lambda finding: finding.caused_by is None):
        finding: Finding | None = start
        while finding is not None and finding.id not in causes:
            causes[finding.id] = finding
            finding = by_address.get(finding.caused_by or "")
    yield from sorted(causes.values(), key=lambda finding: finding.caused_by is None)


def _verified(answer: StepExplanation, run: Run) -> StepExplanation:
    """Return the explanation with the exact quotes of its evidence, without evidence that is not in the files."""
    turns = [*answer.output_trace, *(turn for way in answer.input_traces for turn in way.trace_steps)]
    quotes = find_quotes(run, [piece for turn in turns for piece in turn.evidence])

    def proved(turn: TraceStep) -> TraceStep:
        pieces = (quotes[piece] for piece in turn.evidence if piece in quotes)
        return replace(turn, evidence=tuple(dict.fromkeys(pieces)))

    ways = tuple(replace(way, trace_steps=tuple(map(proved, way.trace_steps))) for way in answer.input_traces)
    return replace(answer, input_traces=ways, output_trace=tuple(map(proved, answer.output_trace)))
