"""Errors of reading a CSV file: the kind, the fix and the facts."""

import csv
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.syntax.dialect import (
    FieldSyntax,
    Head,
    probable_delimiter,
    wrong_delimiter_error,
)
from osiris_inspect.runtime.drivers.csv.syntax.text_format import compression_of, wrong_format_error
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.interface.file_format import recognized_format, unreadable_file
from osiris_inspect.runtime.files.memory_limit import memory_error

FirstLines = Callable[[], Head]
"""Returns the first lines of the file, from the header on; none if they cannot be read."""
_NUMBER: Final = re.compile(r"[-+]?\d[\d.,:/ -]{0,40}")
_OPEN_QUOTE: Final = re.compile(r"EOF inside string starting at row (\d+)")
_MAX_COUNTED: Final = 1_000_000
"""Records that are read again to find the line of an error."""
_RAGGED: Final = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def read_error(path: Path, config: Config, error: Exception, first_lines: FirstLines) -> DriverError:
    """Return the error for a file that pandas failed to read."""
    match error:
        case pd.errors.EmptyDataError():
            return _no_lines(path, config)
        case pd.errors.ParserError() | pd.errors.ParserWarning():
            return _parser_error(path, config, error, first_lines)
        case UnicodeDecodeError():
            # its position counts from the start of pandas' buffer, not of the file
            sample = error.object[error.start : error.end].hex(" ")
            return DriverError(
                f"{path} is not {config['encoding']}: {error.reason} ({sample})",
                kind="encoding-wrong",
                fix="set encoding to the one that the file was written with, or correct the damaged bytes",
                path=str(path),
                encoding=config["encoding"],
                bytes=sample,
            )
        case OSError() | EOFError() | zlib.error() | lzma.LZMAError() | zipfile.BadZipFile():
            return _file_error(path, config, error)
        case MemoryError():
            return memory_error(f"reading {path}", error, path=str(path))
        case _:
            kind, fix = _other_error(error)
            return DriverError(f"{path} cannot be read: {error}", kind=kind, fix=fix, path=str(path))


def _no_lines(path: Path, config: Config) -> DriverError:
    """Return the error for a file without a line to read."""
    skipped = config.get("skip_rows")
    if skipped and path.stat().st_size:
        return DriverError(
            f"{path} has no line left after skip_rows: {skipped}",
            kind="frame-without-columns",
            fix="lower skip_rows; it counts the lines before the header",
            path=str(path),
            setting="skip_rows",
            value=skipped,
        )
    return DriverError(
        f"{path} is empty; there is not even a header",
        kind="frame-without-columns",
        fix="check the step or the program that writes the file",
        path=str(path),
    )


def _other_error(error: Exception) -> tuple[str, str]:
    """Return the kind of an error of pandas, and what to do."""
    if isinstance(error, ImportError):
        return "dependency-missing", f"install {error.name or 'the module that the message names'}"
    if isinstance(error, UnicodeError):
        return "encoding-wrong", "set encoding to the one that the file was written with, such as utf-16-le"
    if isinstance(error, TypeError):
        return "config-value-invalid", "correct dtype"
    return "value-not-convertible", "correct the value, or read its column as text with dtype: {column: str}"


def _parser_error(path: Path, config: Config, error: Exception, first_lines: FirstLines) -> DriverError:
    message = str(error).replace("Error tokenizing data. C error: ", "").strip()
    if "out of memory" in message:
        return memory_error(f"reading {path}", error, path=str(path))
    ragged = _RAGGED.search(message)
    if ragged is not None:
        return _ragged_error(path, config, ragged, first_lines())
    fix = "check encoding and compression" if "Calling read" in message else "check delimiter and quoting"
    open_quote = _OPEN_QUOTE.search(message)
    if open_quote is not None:
        return _open_quote_error(path, config, int(open_quote[1]))
    return DriverError(f"{path} is not a table: {message}", kind="csv-ragged", fix=fix, path=str(path))


def _open_quote_error(path: Path, config: Config, records: int) -> DriverError:
    """Return the error for a quote that is not closed, after a number of complete records."""
    line = None if compression_of(path, config) else _line_after(path, config, records)
    row = f"the row that begins in line {line}" if line is not None else f"row {records + 1} of the file"
    return DriverError(
        f"{path} is not a table: a quote in {row} is not closed",
        kind="csv-ragged",
        fix="close the quote in the file, or set quote of the step to a character that the file does not use",
        path=str(path),
        **({"line": line} if line is not None else {}),
    )


def _line_after(path: Path, config: Config, records: int) -> int | None:
    """Return the number of the line after so many records; None if it cannot be found quickly."""
    if config.get("comment") or records > _MAX_COUNTED:
        return None
    try:
        with path.open(encoding=config["encoding"], newline="") as file:
            reader = csv.reader(file, delimiter=config["delimiter"], quotechar=config["quote"])
            read = sum(1 for _ in islice(reader, records))
            return reader.line_num + 1 if read == records else None
    except (
        csv.Error,
        OSError,
        TypeError,
        UnicodeError,
    ):  # a field that is too long, a delimiter of several characters
        return None


def _ragged_error(path: Path, config: Config, ragged: re.Match[str], head: Head) -> DriverError:
    expected, line, fields = map(int, ragged.groups())
    delimiter = probable_delimiter(head, config)
    if delimiter is not None:
        return wrong_delimiter_error(path, config, delimiter, head)
    too_long = sum(text.count(config["delimiter"]) >= expected for text in head.lines)
    is_rare = too_long * 2 < len(head.lines) or not head.lines
    fix = "check delimiter, and whether the header names every column"
    if is_rare:
        fix = f"correct line {line}: quote the field that contains the delimiter, or check quote and escape of the step"
    elif _is_header_after_title(head, config, fields):
        fix = f"set skip_rows: {line - 1} if line {line} is the header; the lines before it look like a title"
    return DriverError(
        f"{path} is not a table: {ragged[0]}",
        kind="csv-ragged",
        fix=fix,
        path=str(path),
        line=line,
        fields=fields,
        expected_fields=expected,
    )


def _is_header_after_title(head: Head, config: Config, width: int) -> bool:
    """Return True if the first line of the full width consists of names, and all lines after it have that width."""
    delimiter = config["delimiter"]
    try:
        rows = list(FieldSyntax.of_config(config).rows(head.lines, delimiter)) if len(delimiter) == 1 else []
    except csv.Error:  # a field that is too long for a name
        return False
    start = next((number for number, row in enumerate(rows) if len(row) == width), 0)
    if not start or len(rows) < start + 2 or any(len(row) != width for row in rows[start:]):
        return False
    names = [name.strip() for name in rows[start]]
    return len(set(names)) == width and all(name and not _NUMBER.fullmatch(name) for name in names)


def _file_error(path: Path, config: Config, error: Exception) -> DriverError:
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable_file(path, error)
    compression = compression_of(path, config)
    form = recognized_format(path) if path.is_file() else None
    if compression is not None and (form is None or form.name != compression):
        wrong = wrong_format_error(path, form, {**config, "compression": compression})
        return DriverError(
            f"{path} cannot be read: {error}: it is not {compression} data",
            kind=wrong.kind,
            fix=wrong.fix,
            **wrong.facts,
        )
    return DriverError(
        f"{path} cannot be read: {error}",
        kind="file-unreadable",
        fix="write or copy the file again",
        path=str(path),
    )
