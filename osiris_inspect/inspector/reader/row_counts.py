"""Determines the number of rows of a step and the source of that number.

The original's drivers log most counts without their step. Reliable sources are tried first; a count that is
attributed by its time is marked so.
"""

from collections.abc import Iterator, Sequence
from math import inf

from osiris_inspect.inspector.reader.step_builder import StepBuilder
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.run_card import StepCard

CountSource = tuple[int, str]


def rows_out(
    draft: StepBuilder,
    card: StepCard | None,
    metrics: Sequence[Metric],
    consumer_rows: int | None,
    *,
    is_writer: bool,
) -> tuple[int | None, str | None]:
    """Return the rows that a step returned or wrote and their source; (None, None) if unknown."""
    if draft.status in ("skipped", "not_started"):
        return None, None
    if draft.status == "reused" and draft.rows_out is not None:
        return draft.rows_out, "step_reused event"
    sources = (
        _writer_counts(draft, card, metrics)
        if is_writer
        else _frame_counts(draft, card, metrics, consumer_rows)
    )
    return next(sources, (None, None))


def rows_in(draft: StepBuilder, card: StepCard | None, metrics: Sequence[Metric]) -> int | None:
    """Return the sum of the rows of a step's inputs; None if unknown."""
    counts = [entry.rows for entry in draft.inputs if entry.rows is not None]
    if counts:
        return sum(counts)
    tagged = _from_step_metric(metrics, draft.id, "rows_in")
    if tagged is not None:
        return tagged
    return card.rows_in if card is not None and card.rows_in else None


def _frame_counts(
    draft: StepBuilder, card: StepCard | None, metrics: Sequence[Metric], consumer_rows: int | None
) -> Iterator[CountSource]:
    if draft.rows_out is not None:
        yield draft.rows_out, "rows_out event"
    if (tagged := _from_step_metric(metrics, draft.id, "rows_out")) is not None:
        yield tagged, "rows_out metric"
    if draft.rows_processed:
        yield draft.rows_processed, "step_complete event"
    if consumer_rows is not None:
        yield consumer_rows, "inputs_resolved event of its consumer"
    if card is not None and card.rows_out:
        yield card.rows_out, "run card"
    if draft.status == "succeeded":
        for name in ("rows_written", "rows_read"):
            if (by_time := _from_metric_by_time(metrics, draft, name)) is not None:
                yield by_time, "metric, by time"
    if draft.status == "succeeded" and draft.rows_processed is not None:
        yield draft.rows_processed, "step_complete event"
    if card is not None and card.rows_out is not None and card.status == "succeeded":
        yield card.rows_out, "run card"


def _writer_counts(
    draft: StepBuilder, card: StepCard | None, metrics: Sequence[Metric]
) -> Iterator[CountSource]:
    if draft.rows_written is not None:
        yield draft.rows_written, "write.complete event"
    if draft.rows_out is not None:
        yield draft.rows_out, "rows_out event"
    if (tagged := _from_step_metric(metrics, draft.id, "rows_written")) is not None:
        yield tagged, "rows_written metric"
    if (by_time := _from_metric_by_time(metrics, draft, "rows_written")) is not None:
        yield by_time, "metric, by time"
    if draft.rows_processed:
        yield draft.rows_processed, "step_complete event"
    if card is not None and card.rows_out:
        yield card.rows_out, "run card"
    if draft.has_written and draft.rows_processed is not None:
        yield draft.rows_processed, "step_complete event"
    # the original's worker logs 0 for every writer whose name does not end in '.writer', so 0 is ignored


def _from_step_metric(metrics: Sequence[Metric], step: str, name: str) -> int | None:
    named = (metric for metric in metrics if metric.step == step and metric.name == name)
    return next((int(metric.value) for metric in named if metric.value is not None), None)


def _from_metric_by_time(metrics: Sequence[Metric], draft: StepBuilder, name: str) -> int | None:
    """Return the count with this name that was logged while the step ran, if there is exactly one.

    The original's host logs a count when it receives it, which may be after the step ended. If none was
    logged while the step ran, one from before the next step of its kind counts.
    """
    if draft.started is None or draft.ended is None:
        return None
    counts = _between(metrics, draft.id, name, draft.started, draft.ended)
    if not counts and draft.is_extractor == (name == "rows_read"):
        counts = _between(
            metrics, draft.id, name, draft.ended, inf if draft.next_start is None else draft.next_start
        )
    return counts.pop() if len(counts) == 1 else None


def _between(metrics: Sequence[Metric], step: str, name: str, begin: float, end: float) -> set[int]:
    return {
        int(metric.value)
        for metric in metrics
        if metric.name == name
        and metric.value is not None
        and metric.step in (None, step)
        and metric.ts is not None
        and begin <= metric.ts <= end
    }
