"""Frames as CSV text: one header, and every field so that it is read as one field."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from osiris_inspect.model.errors import DriverError

_ROWS_AT_A_TIME: Final = 100_000
_QUOTING: Final[Mapping[str, Literal[0, 1, 2, 3]]] = {
    "minimal": csv.QUOTE_MINIMAL,
    "all": csv.QUOTE_ALL,
    "nonnumeric": csv.QUOTE_NONNUMERIC,
    "none": csv.QUOTE_NONE,
}


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How a CSV file is written."""

    encoding: str
    header: bool
    line_end: str
    options: Mapping[str, Any]


def dialect_for(step_id: str, config: Mapping[str, Any]) -> CsvDialect:
    """The form that the step asks for.

    Raises:
        DriverError: the delimiter cannot be one.
    """
    delimiter = config["delimiter"]
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise DriverError(
            f"step {step_id!r}: delimiter is {delimiter!r}; it takes one character that is no quote"
        )
    return CsvDialect(
        config["encoding"],
        config["header"],
        "\r\n" if config["newline"] == "crlf" else "\n",
        {"sep": delimiter, "quoting": _QUOTING[config["quoting"]], "na_rep": config.get("na_rep") or ""},
    )


def write(
    path: Path, frames: Iterable[pd.DataFrame], form: CsvDialect, progress: Callable[[int], None]
) -> int:
    """Write the frames one after another, under one header; gives the number of rows."""
    written, header = 0, form.header
    with path.open("w", encoding=form.encoding, newline="") as file:
        for frame in frames:
            for start in range(0, len(frame) or 1, _ROWS_AT_A_TIME):
                part = frame.iloc[start : start + _ROWS_AT_A_TIME]
                file.write(_text(part, form, header=header))
                header = False
                written += len(part)
                progress(written)
    return written


def _text(part: pd.DataFrame, form: CsvDialect, *, header: bool) -> str:
    lines = StringIO()
    part.to_csv(lines, index=False, header=header, lineterminator=form.line_end, **form.options)
    if form.line_end == "\n" and "\r" in lines.getvalue():
        # a line could end at a bare "\r"; it is quoted where it is part of the line's end
        lines = _NewlineNormalizer()
        part.to_csv(lines, index=False, header=header, lineterminator="\r\n", **form.options)
    return lines.getvalue()


class _NewlineNormalizer(StringIO):
    """Takes lines that end in carriage return and line feed, one at a time; keeps them with the line feed alone."""

    def write(self, line: str, /) -> int:
        return super().write(line.removesuffix("\r\n") + "\n")


@contextmanager
def csv_write_errors(step_id: str, config: Mapping[str, Any]) -> Iterator[None]:
    """What cannot be written becomes an error that names the reason and what to set.

    Raises:
        DriverError: a text has no place in the encoding or the form, or there is no such encoding.
    """
    try:
        yield
    except LookupError as error:
        raise DriverError(f"step {step_id!r}: unknown encoding {config['encoding']!r}") from error
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        text = f"step {step_id!r}: {letter!r} cannot be written in {config['encoding']}; set encoding: utf-8"
        raise DriverError(text) from error
    except csv.Error as error:
        text = f"step {step_id!r}: cannot be written as CSV: {error}; set quoting: minimal"
        raise DriverError(text) from error
