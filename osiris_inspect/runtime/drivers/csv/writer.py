"""Frames as CSV text with one header, quoted so that every field is read back as one field."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.text_format import check_encoding
from osiris_inspect.runtime.drivers.interface.driver import Config

_ROWS_PER_WRITE: Final = 100_000
_QUOTING: Final[Mapping[str, Literal[0, 1, 2, 3]]] = {
    "minimal": csv.QUOTE_MINIMAL,
    "all": csv.QUOTE_ALL,
    "nonnumeric": csv.QUOTE_NONNUMERIC,
    "none": csv.QUOTE_NONE,
}


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """Format of a CSV file; ``options`` are options of ``DataFrame.to_csv``."""

    encoding: str
    header: bool
    line_end: str
    options: Mapping[str, Any]


def dialect_for(config: Config) -> CsvDialect:
    """Return the format that the step requests.

    Raises:
        DriverError: the delimiter is invalid, or the encoding is unknown.
    """
    delimiter = config["delimiter"]
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise DriverError(
            f"delimiter is {delimiter!r}; it takes one character other than a quote or line break",
            kind="config-value-invalid",
            fix="correct delimiter",
            setting="delimiter",
            value=delimiter,
        )
    check_encoding(config["encoding"])
    return CsvDialect(
        config["encoding"],
        config["header"],
        "\r\n" if config["newline"] == "crlf" else "\n",
        {"sep": delimiter, "quoting": _QUOTING[config["quoting"]], "na_rep": config.get("na_rep") or ""},
    )


def write(
    path: Path, frames: Iterable[pd.DataFrame], dialect: CsvDialect, on_progress: Callable[[int], None]
) -> int:
    """Write the frames one after another under one header; return the number of rows."""
    written, header = 0, dialect.header
    with path.open("w", encoding=dialect.encoding, newline="") as file:
        for frame in frames:
            for start in range(0, len(frame) or 1, _ROWS_PER_WRITE):
                rows = frame.iloc[start : start + _ROWS_PER_WRITE]
                file.write(_text(rows, dialect, header=header))
                header = False
                written += len(rows)
                on_progress(written)
    return written


def _text(rows: pd.DataFrame, dialect: CsvDialect, *, header: bool) -> str:
    lines = StringIO()
    rows.to_csv(lines, index=False, header=header, lineterminator=dialect.line_end, **dialect.options)
    if dialect.line_end == "\n" and "\r" in lines.getvalue():
        # a bare "\r" would end a line; with this line terminator pandas quotes it
        lines = _NewlineNormalizer()
        rows.to_csv(lines, index=False, header=header, lineterminator="\r\n", **dialect.options)
    return lines.getvalue()


class _NewlineNormalizer(StringIO):
    """Text buffer that replaces the carriage return and line feed at the end of each write by a line feed."""

    def write(self, line: str, /) -> int:
        return super().write(line.removesuffix("\r\n") + "\n")


@contextmanager
def csv_write_errors(config: Config) -> Iterator[None]:
    """Convert errors in the block to a ``DriverError`` that names the option to set.

    Raises:
        DriverError: a text cannot be written in the encoding or the format.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise DriverError(
            f"{character!r} cannot be written in {config['encoding']}",
            kind="encoding-wrong",
            fix="set encoding: utf-8",
            encoding=config["encoding"],
            character=character,
        ) from error
    except csv.Error as error:
        raise DriverError(
            f"cannot be written as CSV: {error}",
            kind="config-value-invalid",
            fix="set quoting: minimal",
            setting="quoting",
            value=config["quoting"],
        ) from error
