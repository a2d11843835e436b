"""Reading one CSV file as a frame: header, columns, ragged lines, errors."""

import codecs
import csv
import lzma
import re
import warnings
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.read_errors import read_error
from osiris_inspect.runtime.drivers.csv.syntax.dialect import (
    AUTO,
    FieldSyntax,
    Head,
    NumberFormat,
    check_dialect,
    header_delimiter,
    probable_delimiter,
    sniffed_delimiter,
    wrong_delimiter_error,
)
from osiris_inspect.runtime.drivers.csv.syntax.text_format import (
    check_encoding,
    check_is_header,
    check_is_text,
    compression_of,
    first_bytes,
)
from osiris_inspect.runtime.drivers.interface.driver import Config

_LINES_PER_CHUNK: Final = 50_000
_SKIPPED_LINE: Final = re.compile(r"^Skipping line (\d+): ", re.MULTILINE)
_NO_DELIMITER: Final = "\x1f"
"""Separates fields of no text file, so that a line is one field."""
_SAMPLED_LINES: Final = 50
_SAMPLED_BYTES: Final = 1 << 16
_MAX_SAMPLED_BYTES: Final = 1 << 20
"""Beginning of a file that shows its delimiter if its lines are long."""
_MIN_LINES: Final = 3
_LINE_END: Final = re.compile(r"\r\n?|\n")
_DEFAULT_NULL_VALUES: Final = (
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
_WIDTHS_ONLY: Final[Mapping[str, Any]] = {"dtype": "S1", "na_filter": False}
"""Options that make pandas keep one character per field, which is fast."""
READ_ERRORS: Final = (
    *(pd.errors.ParserWarning, MemoryError, OSError, ValueError, TypeError, ImportError),
    *(EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """CSV file with a known header and known ragged lines.

    Attributes:
        source: what pandas reads: the path, or the bytes of a file that can be read only once, such as a pipe.
        header: the columns as pandas names them: unique names, or numbers from 0 without a header.
        columns: the columns to read, in the order of the result.
        dtypes: the types that the step requests, by column.
        timestamp_columns: the columns to read as timestamps; True for every column that contains only timestamps.
        skipped_lines: the lines with more fields than the header, from 1, which are not read.
        rows: the maximum number of rows to read.
    """

    path: Path
    config: Config
    source: Path | bytes
    header: tuple[Any, ...]
    columns: tuple[Any, ...]
    dtypes: Mapping[Any, Any]
    timestamp_columns: tuple[Any, ...] | Literal[True]
    skipped_lines: tuple[int, ...]
    rows: int | None

    @property
    def null_values(self) -> list[str]:
        """The texts that mean a missing value."""
        return _null_values(self.config)

    @property
    def numbers(self) -> NumberFormat:
        """The form of numbers in the file."""
        return NumberFormat.of_config(self.config)

    @property
    def usual_null_words(self) -> list[str]:
        """The words that mean a missing value although the step does not name them."""
        usual = _DEFAULT_NULL_VALUES if self.config.get("keep_default_na", True) else ()
        named = {str(value) for value in self.config.get("na_values") or ()}
        return [word for word in usual if word.isalpha() and word not in named]

    def frame(self) -> pd.DataFrame:
        """Return the columns in the types that pandas infers; timestamps are text.

        Raises:
            DriverError: the file is not a table, or a column cannot have the requested type.
        """
        as_text = () if self.timestamp_columns is True else self.timestamp_columns
        with _csv_errors(self.path, self.config):
            grouped = [name for name in self.columns if self._is_requested_number(name)]
        frame = self._read(self.columns, {**self.dtypes, **dict.fromkeys((*as_text, *grouped), "str")})
        for name in grouped:
            frame[name] = self._requested_numbers(frame[name])
        return frame

    def text_columns(self, columns: Iterable[Any], rows: int) -> pd.DataFrame:
        """Return columns as text with null values.

        Raises:
            DriverError: the number of rows is not ``rows`` any more.
        """
        frame = self._read(tuple(columns), "str")
        if len(frame) != rows:
            raise DriverError(
                f"{self.path} changed while it was read",
                kind="file-changed",
                fix="run the step again when the file is complete",
                path=str(self.path),
                rows=rows,
            )
        return frame

    def texts_as_written(self, column: Any) -> "pd.Series[Any]":
        """Return the texts of a column, with those that mean a missing value."""
        texts: pd.Series[Any] = self._read((column,), "str", na_filter=False)[column]
        return texts

    def physical_lines(self) -> Iterator[str]:
        """Yield all lines of the file without their ends; a quoted line break ends a line too.

        Raises:
            READ_ERRORS: the file changed, or a line contains a control character that separates fields.
        """
        return _physical_lines(self.source, self.config, chunksize=_LINES_PER_CHUNK)

    def check_new_column(self, name: str) -> None:
        """Check that a column of this name can be added.

        Raises:
            DriverError: the file already has one.
        """
        if name in map(str, self.columns):
            raise DriverError(
                f"{self.path} already has a column {name!r}",
                kind="config-value-invalid",
                fix="choose another file_column",
                path=str(self.path),
                column=name,
                setting="file_column",
            )

    def _is_requested_number(self, name: Any) -> bool:
        """Return True if the step requests a type of numbers and names a separator between thousands."""
        if self.numbers.thousands is None or name not in self.dtypes:
            return False
        dtype = pd.api.types.pandas_dtype(self.dtypes[name])
        return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)

    def _requested_numbers(self, texts: "pd.Series[Any]") -> "pd.Series[Any]":
        plain = self.numbers.plain_texts(texts)
        if plain is None:
            odd = self.numbers.odd_text(texts)
            raise DriverError(
                f"{self.path}: column {texts.name!r} has {odd!r}, which is not a number with decimal "
                f"{self.numbers.decimal!r} and thousands {self.numbers.thousands!r}",
                kind="value-not-convertible",
                fix="correct the value, or read its column as text with dtype: {column: str}",
                path=str(self.path),
                column=str(texts.name),
                value=odd,
            )
        with _csv_errors(self.path, self.config):
            numbers: pd.Series[Any] = plain.astype(self.dtypes[texts.name])
        return numbers

    def _read(self, columns: tuple[Any, ...], dtype: Any, *, na_filter: bool = True) -> pd.DataFrame:
        skip = self.config.get("skip_rows") or 0
        if self.skipped_lines:
            skip = [*range(skip), *(line - 1 for line in self.skipped_lines)]
        options = {
            "usecols": None if columns == self.header else sorted(map(self.header.index, columns)),
            "dtype": dtype,
            "na_filter": na_filter,
            "nrows": self.rows,
            "skiprows": skip,
        }
        with _csv_errors(self.path, self.config):
            try:
                frame = _frame(self.source, self.config, **options)
            except pd.errors.ParserWarning:
                _ragged_lines(self.source, self.config, self.rows)  # raises an error that names the line
                raise
        return frame[list(columns)]


def open_csv(path: Path, config: Config, rows: int | None) -> CsvFile:
    """Read the header of a file, and find its ragged lines.

    Raises:
        DriverError: the file cannot be read, is not a table, or lacks a column that the step names.
    """
    check_dialect(config)
    check_encoding(config["encoding"])
    with _csv_errors(path, config):
        source = path if path.is_file() else path.read_bytes()
        check_is_text(source, path, config)
        if config["delimiter"] == AUTO:
            config = {**config, "delimiter": sniffed_delimiter(_first_lines(source, config), config)}
    with _csv_errors(path, config):
        header = tuple(_parsed(source, config, nrows=0).columns)
        if config["header"] and header:
            check_is_header(str(header[0]), path)
            _check_splits_header(source, path, config, header)
        # with all columns, pandas finds a ragged line when it reads the rows
        needs_scan = config.get("on_bad_lines", "error") != "error" or config.get("columns")
        skipped_lines = _ragged_lines(source, config, rows) if needs_scan else ()
    selector = _ColumnSelector(path, config, header)
    timestamps, dtypes = config.get("parse_dates") or (), config.get("dtype") or {}
    columns = tuple(selector.select("columns", config["columns"])) if config.get("columns") else header
    requested = dict(zip(selector.select("dtype", dtypes), dtypes.values(), strict=True))
    if timestamps is not True:
        timestamps = tuple(name for name in selector.select("parse_dates", timestamps) if name in columns)
    return CsvFile(path, config, source, header, columns, requested, timestamps, skipped_lines, rows)


def _check_splits_header(source: Path | bytes, path: Path, config: Config, header: tuple[Any, ...]) -> None:
    """Check that a header that is one name does not contain another delimiter, which its rows contain too."""
    if len(header) > 1:
        return
    head = _first_lines(source, config)
    delimiter = header_delimiter(head, config)
    if delimiter is not None:
        raise wrong_delimiter_error(path, config, delimiter, head)


@dataclass(frozen=True, slots=True)
class _ColumnSelector:
    path: Path
    config: Config
    header: tuple[Any, ...]

    def select(self, key: str, requested: Collection[Any]) -> list[Any]:
        """Return the columns that the step names in ``key``; a number that is not a name is a position from 0."""
        names = tuple(map(str, self.header))
        columns = [self._find(name) for name in requested]
        missing = [str(name) for name, column in zip(requested, columns, strict=True) if column is None]
        if missing:
            raise self._missing_error(key, missing, names)
        duplicate = next((name for name, count in Counter(columns).items() if count > 1), None)
        if duplicate is not None:
            raise DriverError(
                f"{key} names column {str(duplicate)!r} twice",
                kind="config-value-invalid",
                fix=f"remove one of them from {key}",
                setting=key,
                column=str(duplicate),
            )
        return columns

    def _missing_error(self, key: str, missing: list[str], names: tuple[str, ...]) -> DriverError:
        head = _first_lines(self.path, self.config) if len(names) == 1 else Head([], is_whole=True)
        delimiter = probable_delimiter(head, self.config)
        if delimiter is not None:
            return wrong_delimiter_error(self.path, self.config, delimiter, head)
        return DriverError(
            f"{self.path} has no column {', '.join(map(repr, missing))}, named in {key}; it has {', '.join(names)}",
            kind="column-missing",
            fix=suggestion(missing[0], names, f"correct {key}"),
            path=str(self.path),
            column=missing[0],
            missing=missing,
            columns=list(names),
            setting=key,
        )

    def _find(self, requested: Any) -> Any:
        by_name = next((name for name in self.header if str(name) == str(requested)), None)
        is_position = type(requested) is int and 0 <= requested < len(self.header)
        return self.header[requested] if by_name is None and is_position else by_name


def _parsed(source: Path | bytes, config: Config, **options: Any) -> Any:
    """Return the frame that pandas reads, or an iterator of frames with ``chunksize``."""
    compression = config.get("compression", "infer")
    defaults: dict[str, Any] = {
        "sep": config["delimiter"],
        "encoding": config["encoding"],
        "header": 0 if config["header"] else None,
        "index_col": False,  # the first field of a line that is too long is not a row label
        "skiprows": config.get("skip_rows"),
        "na_values": _null_values(config),
        "keep_default_na": False,
        "decimal": config.get("decimal", "."),
        **FieldSyntax.of_config(config).pandas_options,
        "compression": None if compression == "none" else compression,
    }
    read: Callable[..., Any] = pd.read_csv  # an overload of its own for each kind of result
    return read(BytesIO(source) if isinstance(source, bytes) else source, **(defaults | options))


def _frame(source: Path | bytes, config: Config, **options: Any) -> pd.DataFrame:
    with warnings.catch_warnings():
        # pandas only warns if the first line has more fields than the header, and drops them
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # a column of mixed types is read again as text
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frame: pd.DataFrame = _parsed(source, config, **options)
    return frame


def _null_values(config: Config) -> list[str]:
    usual = _DEFAULT_NULL_VALUES if config.get("keep_default_na", True) else ()
    return ["", *usual, *map(str, config.get("na_values") or ())]


def _ragged_lines(source: Path | bytes, config: Config, rows: int | None) -> tuple[int, ...]:
    """Return the lines that have more fields than the header, from 1.

    pandas takes the width of the table from the first line after the header, and does not check the width of lines when
    it reads only some columns. So the lines are scanned first.

    Raises:
        ParserError: there is such a line, and the step does not skip such lines; names the first.
    """
    options = {
        "on_bad_lines": "error" if config.get("on_bad_lines", "error") == "error" else "warn",
        "chunksize": _LINES_PER_CHUNK,
        "nrows": rows,
    }
    messages = _parser_warnings(source, config, **options, **_WIDTHS_ONLY)
    if not all(map(_SKIPPED_LINE.match, messages)):
        # each line may end in a delimiter: only a full scan shows whether a field follows it
        messages = _parser_warnings(source, config, **options)
    if not all(map(_SKIPPED_LINE.match, messages)):
        # read as a row, the header determines the width of the table
        options["nrows"] = None if rows is None else rows + int(config["header"])
        messages = _parser_warnings(source, {**config, "header": False}, **options, **_WIDTHS_ONLY)
    return tuple(int(number) for message in messages for number in _SKIPPED_LINE.findall(message))


def _parser_warnings(source: Path | bytes, config: Config, **options: Any) -> list[str]:
    """Read the file in chunks, discard the rows and return pandas' warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        with _parsed(source, config, **options) as chunks:
            deque(chunks, maxlen=0)
    return [str(entry.message) for entry in caught if issubclass(entry.category, pd.errors.ParserWarning)]


@contextmanager
def _csv_errors(path: Path, config: Config) -> Iterator[None]:
    try:
        yield
    except READ_ERRORS as error:
        raise read_error(path, config, error, lambda: _first_lines(path, config)) from error


def _first_lines(source: Path | bytes, config: Config) -> Head:
    """Return the first lines, from the header on; none of a file that can be read only once."""
    if isinstance(source, Path) and not source.is_file():
        return Head([], is_whole=True)
    if compression_of(source, config) is None:
        return _first_lines_of_text(source, config)
    options = {"skiprows": config.get("skip_rows"), "chunksize": _SAMPLED_LINES}
    try:
        lines = list(islice(_physical_lines(source, config, **options), _SAMPLED_LINES))
    except READ_ERRORS:  # reading the table fails with the same error
        return Head([], is_whole=True)
    return Head([line for line in lines if line.strip()], is_whole=len(lines) < _SAMPLED_LINES)


def _first_lines_of_text(source: Path | bytes, config: Config) -> Head:
    start = first_bytes(source, _SAMPLED_BYTES)
    size = _SAMPLED_BYTES
    if len(start) == size and start.count(b"\n") + start.count(b"\r") < _MIN_LINES:
        size = _MAX_SAMPLED_BYTES
        start = first_bytes(source, size)
    text = codecs.getincrementaldecoder(config["encoding"])("replace").decode(start).removeprefix("\ufeff")
    lines = _LINE_END.split(text)
    skipped = config.get("skip_rows") or 0
    sample = lines[skipped : skipped + _SAMPLED_LINES]
    is_whole = len(start) < size and len(lines) <= skipped + _SAMPLED_LINES
    return Head([line for line in sample if line.strip()], is_whole)


def _physical_lines(source: Path | bytes, config: Config, **options: Any) -> Iterator[str]:
    """Yield the lines of a file without their ends; a quoted line break ends a line too."""
    options = {
        "skiprows": None,
        **options,
        "sep": _NO_DELIMITER,
        "header": None,
        "dtype": "str",
        "na_filter": False,
        "comment": None,
    }
    options |= {"quoting": csv.QUOTE_NONE, "escapechar": None, "skip_blank_lines": False}
    with _parsed(source, config, **options) as chunks:
        for chunk in chunks:
            yield from chunk[0]
