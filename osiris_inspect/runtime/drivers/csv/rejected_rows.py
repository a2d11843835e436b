"""Rows of CSV files that a step leaves out, recorded as ``rejected_rows.csv`` among its artifacts.

The columns are ``file``, ``line`` (from 1; the first line of the row), ``reason`` and ``text``. Of many rows, the first
``MAX_ROWS`` are recorded; of a long text, the first ``MAX_TEXT`` characters.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime.drivers.csv.reader import READ_ERRORS, CsvFile
from osiris_inspect.runtime.drivers.csv.syntax.dialect import FieldSyntax
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.interface.file_paths import output_file

MAX_ROWS: Final = 1_000
MAX_TEXT: Final = 2_000
_TOO_MANY_FIELDS: Final = "more fields than the header"


class RejectedRow(NamedTuple):
    """Row of a file that was left out; the text is empty if it could not be read again."""

    file: str
    line: int
    reason: str
    text: str


def record_rejected_rows(files: Sequence[CsvFile], ctx: DriverContext) -> int:
    """Write the rows that were left out, if any, and return their number.

    Raises:
        DriverError: the file cannot be written.
    """
    count = sum(len(file.skipped_lines) for file in files)
    if count:
        with (
            output_file({"path": str(ctx.artifacts / layout.REJECTED_ROWS)}, ctx) as path,
            path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
        ):
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(RejectedRow._fields)
            table.writerows(islice((row for file in files for row in _rejected_rows(file)), MAX_ROWS))
    return count


def _rejected_rows(file: CsvFile) -> Iterator[RejectedRow]:
    """Yield the rows that were left out; those that cannot be read again without their text."""
    numbers = iter(file.skipped_lines)
    number = next(numbers, None)
    try:
        for position, row in enumerate(_rows(file), 1):
            if position == number:
                yield row
                number = next(numbers, None)
            if number is None:
                return
    except (csv.Error, *READ_ERRORS):
        pass  # the rows below have no text
    while number is not None:
        yield RejectedRow(str(file.path), number, _TOO_MANY_FIELDS, "")
        number = next(numbers, None)


def _rows(file: CsvFile) -> Iterator[RejectedRow]:
    """Yield all rows of a file as if they were left out; a quoted line break joins two lines."""
    delimiter, width = str(file.config["delimiter"]), len(file.header)
    raw: list[str] = []
    line = 1
    syntax = FieldSyntax.of_config(file.config)
    lines = _recorded(file.physical_lines(), raw)
    for fields in syntax.rows(lines, delimiter) if len(delimiter) == 1 else ([text] for text in lines):
        reason = f"{len(fields)} fields instead of {width}" if len(delimiter) == 1 else _TOO_MANY_FIELDS
        yield RejectedRow(str(file.path), line, reason, "\n".join(raw)[:MAX_TEXT])
        line += len(raw)
        raw.clear()


def _recorded(lines: Iterable[str], raw: list[str]) -> Iterator[str]:
    """Yield lines, and append each to ``raw``."""
    for line in lines:
        raw.append(line)
        yield line
