"""``osiris-inspect sql``: a run as tables, for questions nobody has thought of yet.

DuckDB is loaded here and nowhere else in the inspecting half. It reads the spilled frames where they lie; nothing else
outside of it can be reached, and nothing is written.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

import typer

from osiris_inspect.cli.inspect.report_output import unwritable
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support.exit_codes import USAGE
from osiris_inspect.inspector.tables import table_rows as run_rows
from osiris_inspect.inspector.tables import table_schema as run_tables
from osiris_inspect.inspector.tables.table_rows import COLUMNS, TableRow

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from osiris_inspect.inspector.run.report import Report

SqlFormat = Literal["table", "csv", "json", "parquet"]
_AT_ONCE: Final = 10_000
_WIDEST: Final = 60


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)


def sql(
    path: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run; of a folder of runs the newest is taken.")
    ],
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT, in DuckDB's SQL.")],
    *,
    format_: Annotated[SqlFormat, typer.Option("--format", "-f", help="How to print the answer.")] = "table",
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
            if KeyboardInterrupt.__name__ in str(
                error
            ):  # ctrl+c, while the lines of a long log were made into rows
                raise KeyboardInterrupt from None
            sys.stderr.write(f"osiris-inspect: {_error_text(error, connection)}\n")
            raise typer.Exit(USAGE) from None


def _ask(connection: "DuckDBPyConnection", path: Path, query: str) -> "DuckDBPyRelation":
    from osiris_inspect.cli.inspect.why import newest_report

    _check(connection, query)
    _fill(connection, newest_report(path), query)
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


def _fill(connection: "DuckDBPyConnection", report: "Report", query: str) -> None:
    """Make the tables; of the logs only those that are asked for, since they may be long."""
    for name in sorted(run_tables.create_tables(connection, report, lambda _line, _lines: True)):
        if name in ("steps", "findings") or name in query.lower():
            _insert(connection, name, run_rows.table_rows(report, name))
    _show_frames(connection, [(step, str(file.resolve())) for step, file in _frames(report, query.lower())])


def _frames(report: "Report", query: str) -> Iterator[tuple[str, Path]]:
    """The spilled frames that can be asked, by step; one that is damaged is said to be."""
    from osiris_inspect.model import run_layout as layout

    for step in filter(lambda step: layout.is_safe_name(step.id), report.run.steps):
        state = next((item.state for item in step.artifacts if item.path == layout.spill_path(step.id)), None)
        file = report.run.path / layout.spill_path(step.id)
        if state == "corrupt":
            sys.stderr.write(f"osiris-inspect: the frame of {step.id!r} cannot be read: it is damaged\n")
        elif state == "present" and _is_here(file, asked=step.id.lower() in query):
            yield step.id, file


def _is_here(file: Path, *, asked: bool) -> bool:
    """Whether a frame can be asked; of a run that lies elsewhere those that the query names are fetched."""
    from osiris_inspect.inspector.files import remote_registry as mirrors

    if asked:
        mirrors.fetch_all(file)
    return mirrors.is_complete(file)


def _show_frames(connection: "DuckDBPyConnection", frames: Sequence[tuple[str, str]]) -> None:
    import duckdb

    for step, file in frames:
        name = f"frame_{step}" if step.lower() in COLUMNS else step
        try:
            source = f"read_parquet({_literal(file)}, hive_partitioning = false)"
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {source}')  # noqa: S608  both are quoted
        except duckdb.Error as error:
            sys.stderr.write(f"osiris-inspect: the frame of {step!r} cannot be read: {_first_lines(error)}\n")
    connection.execute(f"SET allowed_paths = [{', '.join(_literal(file) for _, file in frames)}]")


def _insert(connection: "DuckDBPyConnection", name: str, rows: Iterable[TableRow]) -> None:
    for told in run_rows.to_arrow_batches(name, rows):
        connection.register("told", told)
        connection.execute(f'INSERT INTO "{name}" SELECT * FROM told')  # noqa: S608  one of our four names
        connection.unregister("told")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _error_text(error: Exception, connection: "DuckDBPyConnection") -> str:
    """What DuckDB says; of a table that is none the tables that there are, in place of one of DuckDB's own."""
    first, _, rest = str(error).partition("\n")
    if not ("Table with name" in first and "does not exist" in first):
        return _first_lines(error)
    from osiris_inspect.inspector.text.sanitize import one_line

    names = [str(name) for (name,) in connection.execute("SHOW TABLES").fetchall()]
    shown = ", ".join(name if name.isidentifier() else f'"{name}"' for name in names)
    return one_line(f"{first.rstrip('!')}; there are {shown}") if names else one_line(f"{first} {rest}")


def _first_lines(error: Exception) -> str:
    from osiris_inspect.inspector.text.sanitize import one_line

    return one_line(" ".join(str(error).splitlines()[:2]))


def _print(answer: "DuckDBPyRelation", format_: SqlFormat, output: Path | None) -> None:
    """Write the answer in a format, to a file or to stdout."""
    write = {"table": _table, "csv": _csv, "json": _json_lines, "parquet": _parquet}[format_]
    if output is not None:
        try:
            with output.open("wb") as stream:
                write(answer, stream)
        except OSError as error:
            raise unwritable(output, "--output", error) from error
        return
    if format_ == "parquet" and sys.stdout.isatty():
        raise typer.BadParameter("parquet is no text; name a file with --output", param_hint="--format")
    try:
        write(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        places.forget_stdout()


def _rows(answer: "DuckDBPyRelation") -> Iterator[TableRow]:
    """The rows by way of Arrow, which has a form for every type and needs no package for time zones."""
    import duckdb

    reader = answer.to_arrow_reader(_AT_ONCE)
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, ValueError) as error:  # Arrow's, for what goes wrong while rows are made
            raise duckdb.Error(str(error)) from error
        yield from zip(*map(_values, batch.columns), strict=True)


def _values(column: "pa.Array") -> list[Any]:
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    if pa.types.is_interval(column.type):
        return [None if value is None else run_rows.format_interval(value) for value in values]
    return values


def _table(answer: "DuckDBPyRelation", out: BinaryIO) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line, truncate

    def shown(value: Any) -> str:
        return "" if value is None else truncate(one_line(str(value)), _WIDEST)

    rows = [list(map(one_line, answer.columns)), *([shown(value) for value in row] for row in _rows(answer))]
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
    from osiris_inspect.inspector.text import json_line

    for row in _rows(answer):
        out.write(json_line.to_json_line(dict(zip(answer.columns, row, strict=True))) + b"\n")


def _parquet(answer: "DuckDBPyRelation", out: BinaryIO) -> None:
    from pyarrow import parquet

    parquet.write_table(answer.to_arrow_table(), out)
