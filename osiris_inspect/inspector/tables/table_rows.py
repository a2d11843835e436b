"""The rows of the tables of a run: events, metrics, steps, findings.

Secrets are masked, text is valid UTF-8, and numbers that do not fit the column are None.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.inspector.text import json_line
from osiris_inspect.inspector.text.event_fields import masked_fields
from osiris_inspect.inspector.text.sanitize import masked_text
from osiris_inspect.model import redaction as redact
from osiris_inspect.model import run_layout as layout

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.run import Run
    from osiris_inspect.model.event import Event
    from osiris_inspect.model.metric import Metric

TableRow = Sequence[Any]
ProgressCallback = Callable[[int, int], bool]
"""Called with the number of processed lines and of all lines; returns False to stop."""
_BATCH_ROWS: Final = 10_000
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "events": {"line": "BIGINT", "ts": "TIMESTAMP", "event": "VARCHAR", "step": "VARCHAR", "side": "VARCHAR", "session": "VARCHAR",
               "seq": "BIGINT", "rows": "BIGINT", "duration_s": "DOUBLE", "error": "VARCHAR", "fields": "JSON"},
    "metrics": {"line": "BIGINT", "ts": "TIMESTAMP", "metric": "VARCHAR", "value": "DOUBLE", "step": "VARCHAR", "tags": "JSON"},
    "steps": {"step": "VARCHAR", "driver": "VARCHAR", "status": "VARCHAR", "needs": "VARCHAR[]", "rows_in": "BIGINT", "rows_out": "BIGINT",
              "duration_s": "DOUBLE", "started": "TIMESTAMP", "ended": "TIMESTAMP", "storage": "VARCHAR", "because": "VARCHAR", "error": "VARCHAR",
              "after": "VARCHAR[]", "attempts": "BIGINT"},
    "findings": {"rule": "VARCHAR", "severity": "VARCHAR", "confidence": "VARCHAR", "domain": "VARCHAR", "stage": "VARCHAR", "step": "VARCHAR",
                 "message": "VARCHAR", "because": "VARCHAR", "fix": "VARCHAR", "file": "VARCHAR", "line": "BIGINT", "quote": "VARCHAR"},
}  # fmt: skip
"""The tables that every run has, and the types of their columns."""


def table_rows(report: "Report", table: str) -> Iterator[TableRow]:
    """Yield the rows of a table, in the order of the log."""
    if table == "events":
        yield from map(_event, report.run.events)
    elif table == "metrics":
        yield from map(_metric, _metrics(report.run))
    else:
        yield from {"steps": _steps, "findings": _findings}[table](report)


def to_arrow_batches(table: str, rows: Iterable[TableRow]) -> Iterator["pa.Table"]:
    """Yield rows of a table as Arrow tables of bounded size."""
    import pyarrow as pa

    columns, remaining = COLUMNS[table], iter(rows)
    while batch := list(islice(remaining, _BATCH_ROWS)):
        values = dict(zip(columns, zip(*batch, strict=True), strict=True))
        yield pa.table({column: pa.array(values[column], _kind(kind)) for column, kind in columns.items()})


def schema(table: str) -> "pa.Schema":
    """Return the Arrow schema of a table."""
    import pyarrow as pa

    return pa.schema([(column, _kind(kind)) for column, kind in COLUMNS[table].items()])


def event_column(column: str, events: Sequence["Event"]) -> "pa.Array":
    """Return a column of the table ``events`` for some events."""
    import pyarrow as pa

    return pa.array(list(map(_EVENT_COLUMNS[column], events)), _kind(COLUMNS["events"][column]))


def _kind(kind: str) -> Any:
    import pyarrow as pa

    kinds = {"BIGINT": pa.int64(), "DOUBLE": pa.float64(), "TIMESTAMP": pa.timestamp("us"), "VARCHAR[]": pa.list_(pa.string())}  # fmt: skip
    return kinds.get(kind, pa.string())


def _event(event: "Event") -> TableRow:
    return tuple(cell(event) for cell in _EVENT_COLUMNS.values())


def _metrics(run: "Run") -> Iterable["Metric"]:
    """Return all metrics; of a long file the run has only those that the rules need."""
    from osiris_inspect.inspector.event_log import open_large_log
    from osiris_inspect.inspector.files.run_files import RunFiles

    disk = RunFiles(run.path)
    return open_large_log.iter_metrics(disk) if open_large_log.is_large(disk, layout.METRICS) else run.metrics


def _metric(metric: "Metric") -> TableRow:
    tags = redact.mask_by_key(dict(metric.tags))
    return (
        metric.line,
        _time(metric.ts),
        as_cell(metric.name),
        metric.value,
        as_cell(metric.step),
        _json(tags),
    )


def _steps(report: "Report") -> Iterator[TableRow]:
    for step in report.run.steps:
        error = as_cell(step.failure.message) if step.failure is not None else None
        yield (as_cell(step.id), as_cell(step.driver), step.status, [as_cell(need) for need in step.needs], _bigint(step.rows_in), _bigint(step.rows_out),
               step.duration_s, _time(step.started), _time(step.ended), step.storage, as_cell(step.skipped_because), error,
               [as_cell(name) for name in step.after], step.retries + 1 if step.started is not None else None)  # fmt: skip


def _findings(report: "Report") -> Iterator[TableRow]:
    for finding in report.findings:
        location = next(
            ((as_cell(piece.file), piece.line, as_cell(piece.quote)) for piece in finding.evidence),
            (None, None, None),
        )
        yield (as_cell(finding.rule), str(finding.severity), str(finding.confidence), finding.domain, finding.stage, as_cell(finding.step),
               as_cell(finding.message), as_cell(finding.caused_by), as_cell(finding.fix), *location)  # fmt: skip


def format_interval(value: Any) -> str:
    """Return an Arrow interval (months, days, nanoseconds) as DuckDB writes it: ``2 days 00:16:39.999``."""
    months, days, nanoseconds = value
    years = int(months / 12)
    months -= 12 * years
    parts = [
        f"{count} {noun}{'' if abs(count) == 1 else 's'}"
        for count, noun in ((years, "year"), (months, "month"), (days, "day"))
        if count
    ]
    seconds, micros = divmod(abs(nanoseconds) // 1_000, 1_000_000)
    if nanoseconds or not parts:
        fraction = f".{micros:06}".rstrip("0") if micros else ""
        sign = "-" if nanoseconds < 0 else ""
        parts.append(f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}")
    return " ".join(parts)


def as_cell(text: str | None) -> str | None:
    """Return a text as a cell of the tables."""
    return None if text is None else masked_text(text)


def _time(ts: float | None) -> int | None:
    """Return microseconds since 1970; None for a time outside the calendar."""
    return round(ts * 1_000_000) if ts is not None and abs(ts) < 2e11 else None


def _bigint(number: int | None) -> int | None:
    return number if number is not None and abs(number) < 1 << 63 else None


def _json(value: Any) -> str:
    return json_line.to_json_line(value).decode()


_EVENT_COLUMNS: Final[Mapping[str, Callable[["Event"], Any]]] = {
    "line": lambda event: event.line,
    "ts": lambda event: _time(event.ts),
    "event": lambda event: as_cell(event.name),
    "step": lambda event: as_cell(event.step),
    "side": lambda event: event.side,
    "session": lambda event: as_cell(event.session),
    "seq": lambda event: _bigint(event.seq),
    "rows": lambda event: _bigint(event.row_count),
    "duration_s": lambda event: None if event.duration_s is None else float(event.duration_s),
    "error": lambda event: as_cell(event.error),
    "fields": lambda event: _json(masked_fields(event)),
}
"""The cell of an event in each column."""
