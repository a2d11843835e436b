"""``osiris-inspect sql``: SQL over the tables and spilled frames of a run. ``SqlConsole`` answers, for the TUI too."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, Literal

import typer

from osiris_inspect.cli.inspect.report_output import unwritable
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import USAGE, WrongUse
from osiris_inspect.cli.support.paths import set_remote_limits
from osiris_inspect.cli.support.typer_adapter import AllowRedirect, MaxBytes, RunPath

if TYPE_CHECKING:
    from osiris_inspect.inspector.tables.sql_console import RowStream

SqlFormat = Literal["table", "csv", "json", "parquet"]
_MAX_CELL_WIDTH: Final = 60
_MEASURED_ROWS: Final = 10_000
"""Rows whose cells determine the widths of the columns."""
_MAX_READ: Final = 2_000
"""Characters of a cell whose secrets are masked before it is cut to its width."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)


def sql(
    path: RunPath,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT in DuckDB's SQL.")],
    *,
    format_: Annotated[SqlFormat, typer.Option("--format", "-f", help="Choose the output format.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file instead of stdout.")
    ] = None,
    csv_safe: Annotated[
        bool,
        typer.Option("--csv-safe", help="Put ' before cells of a CSV that a spreadsheet takes for formulas."),
    ] = False,
    max_bytes: MaxBytes = None,
    allow_redirect: AllowRedirect = None,
) -> None:
    """Query a run with SQL.

    Tables: events, metrics, steps, findings, and each spilled frame under the name of its step, in double quotes if it
    has a hyphen: select * from "extract-movies" limit 5.

    Secrets are masked in every format, as in the viewer: values of columns named like a secret (password, token, key),
    and passwords, tokens and keys inside other text. Times are ISO 8601 in UTC.

    CSV in a file or a pipe has the exact text of the cells. On a terminal, and in the log of a GitHub or Azure job, it lacks
    characters that act there.
    """
    from osiris_inspect.cli.inspect.why import newest_report
    from osiris_inspect.inspector.tables.sql_console import QueryFailed, SqlConsole
    from osiris_inspect.inspector.tables.sql_memory import NO_MEMORY, limited_process_memory

    if query.encode(errors="replace").decode() != query:
        raise typer.BadParameter("it is not UTF-8", param_hint="QUERY")
    if csv_safe and format_ != "csv":
        raise typer.BadParameter("it applies to --format csv only", param_hint="--csv-safe")
    if format_ == "parquet" and output is None and streams.is_stdout_terminal():
        raise typer.BadParameter("parquet is binary; write it to a file with --output", param_hint="--format")
    set_remote_limits(max_bytes, allow_redirect)
    with SqlConsole(newest_report(path), query) as console:
        for step, reason in console.unreadable_frames.items():
            streams.write_message(f"the frame of {step!r} cannot be read: {reason}")
        try:
            with limited_process_memory():
                _write(console.stream(query), format_, output, csv_safe=csv_safe)
        except MemoryError:
            streams.write_message(NO_MEMORY)
            raise typer.Exit(USAGE) from None
        except QueryFailed as failed:
            if (
                KeyboardInterrupt.__name__ in failed.error.text
            ):  # Ctrl-C while a long log was read into its table
                raise KeyboardInterrupt from None
            streams.write_message(failed.error.text)
            raise typer.Exit(USAGE) from None


def _write(rows: "RowStream", format_: SqlFormat, output: Path | None, *, csv_safe: bool) -> None:
    formats: dict[SqlFormat, Callable[[RowStream, BinaryIO], None]]
    formats = {
        "table": _table,
        "csv": partial(_csv, is_safe=csv_safe),
        "json": _json_lines,
        "parquet": _parquet,
    }
    if output is None:
        is_text = format_ == "table" or (format_ == "csv" and streams.is_stdout_shown())
        out = streams.sanitized_stdout() if is_text else streams.stdout_buffer()
        formats[format_](rows, out)
        out.flush()
        return
    try:
        with output.open("wb") as stream:
            formats[format_](rows, stream)
    except OSError as error:
        raise unwritable(output, "--output", error) from error


def _table(rows: "RowStream", out: BinaryIO) -> None:
    from osiris_inspect.inspector.tables.sql_cells import cell_texts
    from osiris_inspect.inspector.text.sanitize import one_line, truncate

    def lines() -> Iterator[tuple[str, ...]]:
        yield tuple(map(one_line, rows.names))
        for batch in rows.batches():
            columns = map(partial(cell_texts, limit=_MAX_READ), rows.names, batch.columns)
            for row in zip(*columns, strict=True):
                yield tuple(truncate(one_line(cell or ""), _MAX_CELL_WIDTH) for cell in row)

    rest = lines()
    table = list(islice(rest, _MEASURED_ROWS))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, tuple("─" * width for width in widths))
    for row in chain(table, rest):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        out.write(f"{line}\n".encode())


def _csv(rows: "RowStream", out: BinaryIO, *, is_safe: bool) -> None:
    import io

    from osiris_inspect.inspector.tables.sql_cells import write_csv

    text = io.TextIOWrapper(out, "utf-8", errors="replace", newline="")
    try:
        write_csv(rows.names, rows.batches(), text, is_safe=is_safe)
    finally:
        text.detach()


def _json_lines(rows: "RowStream", out: BinaryIO) -> None:
    from osiris_inspect.inspector.tables.sql_cells import cell_values
    from osiris_inspect.inspector.text.json_line import to_json_line

    for batch in rows.batches():
        columns = map(cell_values, rows.names, batch.columns)
        for row in zip(*columns, strict=True):
            out.write(to_json_line(dict(zip(rows.names, row, strict=True))) + b"\n")


def _parquet(rows: "RowStream", out: BinaryIO) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    batches = rows.masked_batches()
    try:
        writer = parquet.ParquetWriter(out, next(batches).schema)
    except pa.ArrowNotImplementedError as error:
        text = f"--format: parquet cannot store the result: {error}; cast the column to VARCHAR"
        raise WrongUse(text) from None
    with writer:
        for batch in batches:
            writer.write_batch(batch)
