"""Explains how a filter of a log is answered: by its index, by columns, by its bytes, or by decoding lines."""

from pathlib import Path

from osiris_inspect.inspector.event_log.columns.column_store import ColumnStore
from osiris_inspect.inspector.event_log.filter.filter import EventFilter
from osiris_inspect.inspector.event_log.open_large_log import LARGE_LOG_BYTES, is_large, open_events
from osiris_inspect.inspector.event_log.search.search import (
    SearchPlan,
    candidate_chunks,
    candidate_lines,
    plan_search,
)
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.text.units import format_bytes


def explain_filter(disk: RunFiles, cache: Path | None, query: EventFilter, file: str) -> list[str]:
    """Return a line for each part of the answer; the filter is applied, and columns that it needs are kept."""
    lines = [f"filter   {query}"]
    if not is_large(disk, file) or (log := open_events(disk, cache, file)) is None:
        return [*lines, f"decoding every line: the log has at most {format_bytes(LARGE_LOG_BYTES)}"]
    plan, count = plan_search(log, query), len(log.line_index)
    lines.append(f"index    {plan.candidates:,} of {count:,} lines may match by event, step and time")
    store = ColumnStore(log.descriptor, log.line_index, log.cache)
    lines += _engine(plan, store)
    if plan.columns:
        plan_lines = sum(map(len, candidate_chunks(log.line_index, query, store)))
        store.close()
    else:
        plan_lines = sum(len(batch.lines) for batch in candidate_lines(log, query))
    return [*lines, f"decoding {plan_lines:,} lines, which are compared once more"]


def _engine(plan: SearchPlan, store: ColumnStore) -> list[str]:
    if plan.literal is not None:
        return [
            f"bytes    the log is searched for {' or '.join(repr(text.decode()) for text in plan.literal)}"
        ]
    kept = [key for key in plan.columns if store.are_kept([key])]
    read = [key for key in plan.columns if key not in kept]
    lines = [f"columns  {', '.join(kept)}: kept in the cache"] if kept else []
    return [*lines, *([f"engine   {', '.join(read)}: read from the log by DuckDB and kept"] if read else [])]
