"""How many rows of its input a step keeps: as its query's conditions were counted, else by the rows of its frame."""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.run import StepState

KeptRows = tuple[int, int]
"""The rows of an input, and how many of them are kept."""


def counted_conditions(step: StepState, frames: Mapping[str, FrameFacts]) -> tuple[KeptRows, ...]:
    """Return the counts of the conditions of a query, in its order; none if they were not counted."""
    frame = frames.get(step.id)
    return frame.filters if frame is not None else ()


def kept_of_input(step: StepState, frames: Mapping[str, FrameFacts]) -> tuple[KeptRows, ...]:
    """Return the rows of the only input and of the frame of a step that can only leave rows out; else nothing."""
    source = frames.get(step.inputs[0].from_step or "") if len(step.inputs) == 1 else None
    frame, query = frames.get(step.id), query_of(step.config)
    if source is None or frame is None or not source.rows or frame.rows is None or frame.rows > source.rows:
        return ()
    if query is None:
        is_filter = bool(set(source.unique) & set(frame.unique))  # one row of the frame for one of the input
    else:
        is_filter = query.has("where") and not (query.reduces or query.multiplies or query.has("join"))
    return ((source.rows, frame.rows),) if is_filter else ()


def mentions_time(step: StepState) -> bool:
    """Return True if the query of a step, or what it is, may depend on the time."""
    query = query_of(step.config)
    return query is None or any(
        word in _TIMES or word.endswith(("_at", "_on", "_ts", "_date", "_time", "_day")) or word[:2] == "20"
        for word in query.words
    )


_TIMES = frozenset(
    (
        *("date", "day", "time", "timestamp", "month", "year", "week", "hour", "interval", "now", "today"),
        *("current_date", "current_timestamp", "date_trunc", "date_diff", "datediff", "strftime", "dt", "ts"),
        *("created", "updated", "modified", "changed", "weekday", "dayofweek", "isodow"),
    )
)
