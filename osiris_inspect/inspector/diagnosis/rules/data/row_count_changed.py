"""The row count of a DataFrame differs between its producer and its consumer.

What it finds:
    An input with a different row count than its producer stored or read, a processor that read a different
    number of rows than its input has, or a writer that wrote a different number of rows than it received and
    does not merge them into its target. Also a writer that keeps the last row of each key and so left out more than 5 % of
    its rows, which differ, unless they have a time or a version, or it left out as many in earlier runs.

Why it matters:
    A driver that changes its input in place changes it for every consumer. A writer that wrote only some of
    its rows still succeeds.

How to fix:
    Copy a DataFrame in the driver before changing it. For a writer, check its own log and the target. If it skips or
    merges rows on purpose, allow this rule for the step.

Example:
    `inputs_resolved` reports 14 rows, and the step's own `rows_read` reports 5.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    completion_evidence,
    has_own_row_count,
    input_evidence,
    row_count_evidence,
    step_metrics,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.metric import Metric

NEEDS = ("inputs_resolved", "steps")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "code", "copy a DataFrame in the driver before changing it", Confidence.MEDIUM
)
_WRITTEN = FindingTemplate(
    Severity.WARNING,
    "data",
    "read the step's own log for the reason and check the target; if it skips or merges rows on purpose, allow this rule for the step",
    Confidence.MEDIUM,
)
_KEEPS_ONE = frozenset({"last", "first", "keep_last", "keep_first", "latest", "newest"})
MIN_MERGED = 5
MIN_MERGED_SHARE = 0.05
MIN_RUNS = 2
_LINE = LazyRegex(
    r"(?:\w{1,30}_)?(?:line|item|position|pos|row|detail|sub)_?(?:no|nr|num|number|seq|index|idx)|line|position|line_id",
    2,
)
"""Columns that tell the rows of one key apart, such as the lines of an order."""
_VERSION = LazyRegex(
    r"(?:^|_)(?:updated?|modified|changed?|version|revision|rev|seq|sequence|op|operation|event|ts|timestamp|time|date|day|valid|effective|status)(?:_|$)|_(?:at|on)$",
    2,
)
_END_COUNTS = ("rows_received", "rows_written")
_WRITER_COUNTS = {"write.complete event", "rows_out event", "rows_written metric", "metric, by time"}


def check(run: Run, lineage: Lineage) -> Findings:
    """Find inputs whose row count differs between producer, input and consumer."""
    producers = {edge.producer for edge in lineage.edges}
    for step in run.steps:
        inputs = [entry for entry in resolved_inputs(step) if entry.rows is not None]
        if step.is_source:  # it takes no frame, even if its needs bind one
            continue
        for entry in inputs:
            yield from _compare_producer(run, step, entry)
        is_unnamed_writer = (
            step.id not in producers and query_of(step.config) is None and _own_count(run, step)
        )
        if (step.is_writer or is_unnamed_writer) and inputs and step.status == "succeeded":
            yield from _compare_written(run, step, inputs)
        elif len(inputs) == 1 and step.status == "succeeded":
            yield from _compare_read(run, step, inputs[0])


def _compare_producer(run: Run, step: StepState, entry: InputState) -> Findings:
    """Compare an input with the output of its producer, or with the count of a local extractor."""
    producer = run.step(entry.from_step or "")
    if producer is None:
        return
    if not producer.is_writer and producer.rows_out_source in ("rows_out event", "rows_out metric"):
        if producer.rows_out not in (None, entry.rows) and entry.line:
            yield _difference(step, entry, producer.rows_out or 0)
    elif run.mode == "local" and producer.status == "succeeded" and not producer.needs:
        counted = step_metrics(run, producer, "rows_read")
        if len(counted) == 1 and (producer.driver or "").endswith("extractor"):
            yield from _compare_metric(step, entry, counted[0])


def _compare_read(run: Run, step: StepState, entry: InputState) -> Findings:
    for metric in step_metrics(run, step, "rows_read"):
        yield from _compare_metric(step, entry, metric)


def _compare_metric(step: StepState, entry: InputState, metric: Metric) -> Findings:
    if metric.value is not None and int(metric.value) != entry.rows:
        yield _difference(step, entry, int(metric.value), Evidence(metric.file, metric.line, "value"))


def _difference(step: StepState, entry: InputState, other: int, *evidence: Evidence) -> Finding:
    message = f"the DataFrame of {entry.from_step!r} was logged with {entry.rows or 0:,} rows and with {other:,} rows"
    return TEMPLATE.finding(message, *evidence, *input_evidence(entry), step=step.id)


def _compare_written(run: Run, step: StepState, inputs: list[InputState]) -> Findings:
    """Compare a writer with its inputs, unless it merges rows: targets count those differently."""
    received, written = _logged_counts(run, step, inputs)
    merges = step.config.get("write_mode") == "upsert" or bool(step.config.get("primary_key"))
    if received is None or written is None or written in (0, received):
        return
    if merges:
        yield from _compare_merged(run, step, inputs, received, written)
        return
    missing = received - written
    difference = f"{missing:,} are missing" if missing > 0 else f"{-missing:,} more"
    yield _WRITTEN.finding(
        f"received {received:,} rows and wrote {written:,}: {difference}",
        *(row_count_evidence(run, step, written) or completion_evidence(run, step)),
        *input_evidence(*inputs),
        step=step.id,
    )


def _compare_merged(
    run: Run, step: StepState, inputs: list[InputState], received: int, written: int
) -> Findings:
    """Report rows that a writer left out because several have one key; equal rows and changes of a row do not count."""
    mode = str(step.config.get("on_duplicate_keys") or "").lower()
    frame = run.frames.get(inputs[0].from_step or "") if len(inputs) == 1 else None
    keys = _texts(step.config.get("primary_key"))
    left_out = received - written
    if mode not in _KEEPS_ONE or frame is None or not keys or not frame.columns:
        return
    if (
        left_out < max(MIN_MERGED, MIN_MERGED_SHARE * received)
        or left_out <= (frame.repeated or 0) * received
    ):
        return
    others = [column for column in frame.columns if column.name not in keys]
    line = next((column.name for column in others if _LINE.fullmatch(column.name[:100])), "")
    is_version = any(one.is_time or _VERSION.search(one.name[:100]) for one in others)
    if not line and (is_version or _has_merged(run, step, frame.step, left_out / received)):
        return
    named = ", ".join(map(repr, keys))
    yield _WRITTEN.finding(
        f"received {received:,} rows and wrote {written:,}: {left_out:,} rows were left out, because the key {named} occurs more "
        f"than once and only the {'first' if 'first' in mode else 'last'} row of each key is kept"
        + (f"; {line!r} is not in the key" if line else ""),
        *(row_count_evidence(run, step, written) or completion_evidence(run, step)),
        *input_evidence(*inputs),
        step=step.id,
        fix=f"add {line!r} to primary_key"
        if line
        else "set primary_key to columns that are different in each row; if one row of each key is wanted, allow this rule for the step",
    )


def _has_merged(run: Run, step: StepState, producer: str, share: float) -> bool:
    """Return True if the writer left out a similar share of its rows in earlier runs."""
    counts = [(each.rows.get(producer), each.rows.get(step.id)) for each in run.earlier_runs]
    shares = [1 - written / received for received, written in counts if received and written is not None]
    return len(shares) >= MIN_RUNS and all(one >= share / 2 for one in shares)


def _texts(value: object) -> list[str]:
    return (
        [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []
    )


def _logged_counts(run: Run, step: StepState, inputs: list[InputState]) -> tuple[int | None, int | None]:
    """Return the rows that a writer received and wrote by its own count; None if it did not count them."""
    ends = run.events_named("step_complete", step=step.id)
    received, written = (as_int(ends[-1].fields.get(key)) if ends else None for key in _END_COUNTS)
    if received is None and len(inputs) == len(step.inputs) and (len(inputs) == 1 or written is not None):
        received = sum(entry.rows or 0 for entry in inputs)
    if written is None and step.rows_out_source in _WRITER_COUNTS and has_own_row_count(run):
        written = step.rows_out
    return received, _own_count(run, step) if written is None else written


def _own_count(run: Run, step: StepState) -> int | None:
    """Return the rows that a step counted as written itself, in a metric that names it."""
    counted = {
        int(metric.value)
        for metric in run.metrics
        if metric.name == "rows_written" and metric.step == step.id and metric.value is not None
    }
    return counted.pop() if len(counted) == 1 else None
