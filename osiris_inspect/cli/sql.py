"""``osiris-inspect sql``: a run as tables, for questions nobody has thought of yet.

DuckDB is loaded here and nowhere else in the inspecting half. It reads the spilled frames where they lie; nothing else
outside of it can be reached, and nothing is written.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

import typer

from osiris_inspect.cli import places
from osiris_inspect.cli.exits import USAGE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from osiris_inspect.inspector.report import Report
    from osiris_inspect.model.event import Event
    from osiris_inspect.model.metric import Metric

Format = Literal["table", "csv", "json", "parquet"]
Row = Sequence[Any]
_AT_ONCE: Final = 10_000
_WIDEST: Final = 60
_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "events": {"line": "BIGINT", "ts": "TIMESTAMP", "event": "VARCHAR", "step": "VARCHAR", "side": "VARCHAR", "session": "VARCHAR",
               "seq": "BIGINT", "rows": "BIGINT", "duration_s": "DOUBLE", "error": "VARCHAR", "fields": "JSON"},
    "metrics": {"line": "BIGINT", "ts": "TIMESTAMP", "metric": "VARCHAR", "value": "DOUBLE", "step": "VARCHAR", "tags": "JSON"},
    "steps": {"step": "VARCHAR", "driver": "VARCHAR", "status": "VARCHAR", "needs": "VARCHAR[]", "rows_in": "BIGINT", "rows_out": "BIGINT",
              "duration_s": "DOUBLE", "started": "TIMESTAMP", "ended": "TIMESTAMP", "storage": "VARCHAR", "because": "VARCHAR", "error": "VARCHAR"},
    "findings": {"rule": "VARCHAR", "severity": "VARCHAR", "confidence": "VARCHAR", "domain": "VARCHAR", "stage": "VARCHAR", "step": "VARCHAR",
                 "message": "VARCHAR", "because": "VARCHAR", "fix": "VARCHAR", "file": "VARCHAR", "line": "BIGINT", "quote": "VARCHAR"},
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)


def sql(
    path: Annotated[Path, typer.Argument(help="A run; of a folder of runs the newest is taken.")],
    query: Annotated[str, typer.Argument(help="One SELECT, in DuckDB's SQL.")],
    *,
    format_: Annotated[Format, typer.Option("--format", "-f", help="How to print the answer.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file instead of stdout.")
    ] = None,
) -> None:
    """Ask a run in SQL.

    Tables: events, metrics, steps, findings, and every spilled frame under the name of its step, in double quotes where
    it has a hyphen: select * from "extract-movies" limit 5.
    """
    import duckdb

    with duckdb.connect() as connection:
        try:
            answer = _ask(connection, path, query)
            _print(answer, format_, output)
        except duckdb.Error as error:
            sys.stderr.write(f"osiris-inspect: {_first_lines(error)}\n")
            raise typer.Exit(USAGE) from None


def _ask(connection: "DuckDBPyConnection", path: Path, query: str) -> "DuckDBPyRelation":
    _check(connection, query)
    _fill(connection, _report(path), query)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection.sql(query)


def _check(connection: "DuckDBPyConnection", query: str) -> None:
    """A statement that asks; anything that would change something is refused."""
    from duckdb import StatementType

    asking = (StatementType.SELECT, StatementType.EXPLAIN)
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type not in asking:
        raise typer.BadParameter("one SELECT is taken, and nothing that writes", param_hint="QUERY")


def _report(path: Path) -> "Report":
    import time

    from osiris_inspect.inspector.catalog import find_runs
    from osiris_inspect.inspector.report import report

    return report(find_runs(places.here(path))[0], now=time.time(), cache=places.cache())


def _fill(connection: "DuckDBPyConnection", report: "Report", query: str) -> None:
    """Make the tables; of the logs only those that are asked for, since they may be long."""
    rows: Mapping[str, Iterable[Row]] = {
        "events": map(_event, report.run.events),
        "metrics": map(_metric, report.run.metrics),
        "steps": _steps(report),
        "findings": _findings(report),
    }
    for name, columns in _COLUMNS.items():
        kinds = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f'CREATE TABLE "{name}" ({kinds})')
        if name in ("steps", "findings") or name in query.lower():
            _insert(connection, name, rows[name])
    _show_frames(connection, [(step, str(file.resolve())) for step, file in _frames(report, query.lower())])


def _frames(report: "Report", query: str) -> Iterator[tuple[str, Path]]:
    """The spilled frames that can be asked, by step; one that is damaged is said to be."""
    from osiris_inspect.model import layout

    for step in filter(lambda step: layout.is_safe_name(step.id), report.run.steps):
        state = next((item.state for item in step.artifacts if item.path == layout.parquet(step.id)), None)
        file = report.run.path / layout.parquet(step.id)
        if state == "corrupt":
            sys.stderr.write(f"osiris-inspect: the frame of {step.id!r} cannot be read: it is damaged\n")
        elif state == "present" and _is_here(file, asked=step.id.lower() in query):
            yield step.id, file


def _is_here(file: Path, *, asked: bool) -> bool:
    """Whether a frame can be asked; of a run that lies elsewhere those that the query names are fetched."""
    from osiris_inspect.inspector.remote import mirrors

    if asked:
        mirrors.complete(file)
    return mirrors.is_whole(file)


def _show_frames(connection: "DuckDBPyConnection", frames: Sequence[tuple[str, str]]) -> None:
    import duckdb

    for step, file in frames:
        name = f"frame_{step}" if step.lower() in _COLUMNS else step
        try:
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet({_literal(file)})')  # noqa: S608  both are quoted
        except duckdb.Error as error:
            sys.stderr.write(f"osiris-inspect: the frame of {step!r} cannot be read: {_first_lines(error)}\n")
    connection.execute(f"SET allowed_paths = [{', '.join(_literal(file) for _, file in frames)}]")


def _insert(connection: "DuckDBPyConnection", name: str, rows: Iterable[Row]) -> None:
    import pyarrow as pa

    columns = _COLUMNS[name]
    for batch in _batches(rows):
        values = dict(zip(columns, zip(*batch, strict=True), strict=True))
        told = pa.table({column: pa.array(values[column], _kind(kind)) for column, kind in columns.items()})
        connection.register("told", told)
        connection.execute(f'INSERT INTO "{name}" SELECT * FROM told')  # noqa: S608  one of our four names
        connection.unregister("told")


def _kind(kind: str) -> Any:
    import pyarrow as pa

    kinds = {"BIGINT": pa.int64(), "DOUBLE": pa.float64(), "TIMESTAMP": pa.timestamp("us"), "VARCHAR[]": pa.list_(pa.string())}  # fmt: skip
    return kinds.get(kind, pa.string())


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    from itertools import islice

    left = iter(rows)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch


def _event(event: "Event") -> Row:
    from osiris_inspect.cli.masked import fields_of

    return (event.line, _time(event.ts), _text(event.name), _text(event.step), event.side, _text(event.session), _whole(event.seq),
            _whole(event.rows), event.duration_s, _text(event.error), _masked(fields_of(event)))  # fmt: skip


def _metric(metric: "Metric") -> Row:
    return (
        metric.line,
        _time(metric.ts),
        _text(metric.name),
        metric.value,
        _text(metric.step),
        _json(metric.tags),
    )


def _steps(report: "Report") -> Iterator[Row]:
    for step in report.run.steps:
        error = _text(step.failure.message) if step.failure is not None else None
        yield (_text(step.id), _text(step.driver), step.status, [_text(need) for need in step.needs], _whole(step.rows_in), _whole(step.rows_out),
               step.duration_s, _time(step.started), _time(step.ended), step.storage, _text(step.because), error)  # fmt: skip


def _findings(report: "Report") -> Iterator[Row]:
    for found in report.findings:
        proof = found.evidence[0] if found.evidence else None
        place = (
            (_text(proof.file), proof.line, _text(proof.quote)) if proof is not None else (None, None, None)
        )
        yield (found.rule, str(found.severity), str(found.confidence), found.domain, found.stage, _text(found.step), _text(found.message),
               _text(found.because), _text(found.fix), *place)  # fmt: skip


def _text(text: str | None) -> str | None:
    from osiris_inspect.inspector.plain import whole

    return None if text is None else whole(text)


def _time(ts: float | None) -> int | None:
    """Microseconds since 1970; None for a time that no calendar knows."""
    return round(ts * 1_000_000) if ts is not None and abs(ts) < 2e11 else None


def _whole(number: int | None) -> int | None:
    return number if number is not None and abs(number) < 1 << 63 else None


def _json(value: Any) -> str:
    from osiris_inspect.model import redact

    return _masked(redact.mask_keys(dict(value)))


def _masked(value: Any) -> str:
    from osiris_inspect.cli import json_line

    return json_line.line(value).decode()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_lines(error: Exception) -> str:
    from osiris_inspect.inspector.plain import plain

    return plain(" ".join(str(error).splitlines()[:2]))


def _print(answer: "DuckDBPyRelation", format_: Format, output: Path | None) -> None:
    """Write the answer in a format, to a file or to stdout."""
    write = {"table": _table, "csv": _csv, "json": _json_lines, "parquet": _parquet}[format_]
    if output is not None:
        with output.open("wb") as stream:
            write(answer, stream)
        return
    if format_ == "parquet" and sys.stdout.isatty():
        raise typer.BadParameter("parquet is no text; name a file with --output", param_hint="--format")
    try:
        write(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        places.forget_stdout()


def _rows(answer: "DuckDBPyRelation") -> Iterator[Row]:
    """The rows by way of Arrow, which has a form for every type and needs no package for time zones."""
    for batch in answer.to_arrow_reader(_AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        yield from zip(*columns, strict=True)


def _table(answer: "DuckDBPyRelation", out: BinaryIO) -> None:
    from osiris_inspect.inspector.plain import cut, plain

    def shown(value: Any) -> str:
        return "" if value is None else cut(plain(str(value)), _WIDEST)

    rows = [answer.columns, *([shown(value) for value in row] for row in _rows(answer))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("─" * width for width in widths)
    for number, row in enumerate(rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        out.write(f"{line}\n".encode("utf-8", "replace"))
        if number == 0:
            out.write(f"{rule}\n".encode())


def _csv(answer: "DuckDBPyRelation", out: BinaryIO) -> None:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answer.columns)
    for row in _rows(answer):
        writer.writerow(row)
        if text.tell() > 1 << 20:
            out.write(text.getvalue().encode("utf-8", "replace"))
            text.seek(0)
            text.truncate()
    out.write(text.getvalue().encode("utf-8", "replace"))


def _json_lines(answer: "DuckDBPyRelation", out: BinaryIO) -> None:
    from osiris_inspect.cli import json_line

    for row in _rows(answer):
        out.write(json_line.line(dict(zip(answer.columns, row, strict=True))) + b"\n")


def _parquet(answer: "DuckDBPyRelation", out: BinaryIO) -> None:
    from pyarrow import parquet

    parquet.write_table(answer.to_arrow_table(), out)
