"""One CSV file as a frame: which columns, which lines, and what is said of a file that is no table."""

import lzma
import re
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from osiris_inspect.base.near_names import near_names
from osiris_inspect.model.errors import DriverError

_LINES_AT_A_TIME: Final = 50_000
_SKIP_MODE: Final = re.compile(r"^Skipping line (\d+): ", re.MULTILINE)
_DEFAULT_NULL_VALUES: Final = (
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
_WIDTHS_ONLY: Final[Mapping[str, Any]] = {"dtype": "S1", "na_filter": False}
"""Options that make pandas keep a letter of each field: the cheapest way through a file."""
_CORRUPT_HINT: Final = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_REFUSALS: Final = (
    *(pd.errors.ParserWarning, LookupError, OSError, ValueError, TypeError, ImportError),
    *_CORRUPT_HINT,
)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file whose header and bad lines are known.

    Attributes:
        source: where pandas reads it: its path, or its bytes where it can be read only once, such as a pipe.
        header: its columns, named as pandas names them: each name once; numbers from 0 without a header.
        columns: those to read, in the order to give them.
        dtypes: the types the step asks for, by column.
        times: the columns that are to be times; True: each whose every text is one.
        left_out: lines with more fields than the header, from 1; they are not read.
        rows: how many to read at most.
    """

    step_id: str
    path: Path
    config: Mapping[str, Any]
    source: Path | bytes
    header: tuple[Any, ...]
    columns: tuple[Any, ...]
    dtypes: Mapping[Any, Any]
    times: tuple[Any, ...] | Literal[True]
    skipped_lines: tuple[int, ...]
    rows: int | None

    @property
    def null_values(self) -> list[str]:
        """Texts that stand for nothing."""
        return _nothing(self.config)

    def frame(self) -> pd.DataFrame:
        """Its columns in the types that pandas finds; those that are to be times are text.

        Raises:
            DriverError: it is no table, or a column cannot be of the type that is asked for.
        """
        as_text = dict.fromkeys(self.times, "str") if self.times is not True else {}
        return self._read(self.columns, {**self.dtypes, **as_text})

    def text_columns(self, columns: Iterable[Any], rows: int) -> pd.DataFrame:
        """Some of its columns as text, what stands for nothing as nothing.

        Raises:
            DriverError: it has not ``rows`` rows any more.
        """
        frame = self._read(tuple(columns), "str")
        if len(frame) != rows:
            raise DriverError(f"step {self.step_id!r}: {self.path} changed while it was read")
        return frame

    def check_new(self, name: str) -> None:
        """A column of that name can be added.

        Raises:
            DriverError: the file has one.
        """
        if name in map(str, self.columns):
            text = f"{self.path} has a column {name!r} already; choose another name for file_column"
            raise DriverError(f"step {self.step_id!r}: {text}")

    def _read(self, columns: tuple[Any, ...], dtype: Any) -> pd.DataFrame:
        places = {name: place for place, name in enumerate(self.header)}
        skipped = self.config.get("skip_rows") or 0
        options = {
            "usecols": None if columns == self.header else sorted(places[name] for name in columns),
            "dtype": dtype,
            "nrows": self.rows,
            "skiprows": [*range(skipped), *(line - 1 for line in self.skipped_lines)]
            if self.skipped_lines
            else skipped,
        }
        with csv_errors(self.step_id, self.path, self.config):
            try:
                frame = _frame(self.source, self.config, **options)
            except pd.errors.ParserWarning:
                _ragged_lines(self.source, self.config, self.rows)  # says which line it is about
                raise
        return frame[list(columns)]


def open_csv(step_id: str, path: Path, config: Mapping[str, Any], rows: int | None) -> CsvFile:
    """The file, its header and bad lines read.

    Raises:
        DriverError: it cannot be read, is no table, or has not a column that the step names.
    """
    _check_delimiter(step_id, config["delimiter"])
    with csv_errors(step_id, path, config):
        source = path if path.is_file() else path.read_bytes()
        header = tuple(_parsed(source, config, nrows=0).columns)
        # reading all columns finds such lines on its way
        finds = config.get("on_bad_lines", "error") == "error" and not config.get("columns")
        left_out = () if finds else _ragged_lines(source, config, rows)
    named = _ColumnSelector(step_id, path, header)
    times, dtypes = config.get("parse_dates") or (), config.get("dtype") or {}
    columns = tuple(named.all_of("columns", config.get("columns") or header))
    return CsvFile(
        step_id,
        path,
        config,
        source,
        header,
        columns,
        dict(zip(named.all_of("dtype", dtypes), dtypes.values(), strict=True)),
        times
        if times is True
        else tuple(name for name in named.all_of("parse_dates", times) if name in columns),
        left_out,
        rows,
    )


def _check_delimiter(step_id: str, delimiter: Any) -> None:
    if delimiter == r"\s+" or (isinstance(delimiter, str) and delimiter.isascii() and len(delimiter) == 1):
        return
    text = rf"delimiter is {delimiter!r}; it takes one ASCII character, or \s+ for any white space"
    raise DriverError(f"step {step_id!r}: {text}")


@dataclass(frozen=True, slots=True)
class _ColumnSelector:
    step_id: str
    path: Path
    header: tuple[Any, ...]

    def all_of(self, key: str, wanted: Collection[Any]) -> list[Any]:
        """The columns that the step names in ``key``: by name; a number that is no name is a place, from 0."""
        found = [self._named(name) for name in wanted]
        missing = [name for name, places in zip(wanted, found, strict=True) if not places]
        if missing:
            raise DriverError(f"step {self.step_id!r}: {self._without(missing, key)}")
        names = [self.header[places[0]] for places in found]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise DriverError(f"step {self.step_id!r}: {key} names column {str(twice)!r} twice")
        return names

    def _named(self, wanted: Any) -> list[int]:
        """The place of the column of that name; none where there is no such column."""
        by_name = [place for place, name in enumerate(self.header) if str(name) == str(wanted)]
        is_place = type(wanted) is int and 0 <= wanted < len(self.header)
        return by_name or ([wanted] if is_place else [])

    def _without(self, missing: list[Any], key: str) -> str:
        there = [str(name) for name in self.header]
        near = near_names(str(missing[0]), there)
        hint = f"did you mean {near[0]!r} in {key}?" if near else f"look at {key}"
        named = ", ".join(repr(str(name)) for name in missing)
        return f"{self.path} has no column {named}; it has {', '.join(there)}; {hint}"


def _parsed(source: Path | bytes, config: Mapping[str, Any], **more: Any) -> Any:
    """What pandas reads there; a frame, or with ``chunksize`` pieces of one."""
    compression = config.get("compression", "infer")
    options: dict[str, Any] = {
        "sep": config["delimiter"],
        "encoding": config["encoding"],
        "header": 0 if config["header"] else None,
        "index_col": False,  # a line with one field more than the header is no row label
        "skiprows": config.get("skip_rows"),
        "na_values": _nothing(config),
        "keep_default_na": False,
        "comment": config.get("comment"),
        "compression": None if compression == "none" else compression,
    }
    read: Callable[..., Any] = pd.read_csv  # one of several shapes for its types
    return read(BytesIO(source) if isinstance(source, bytes) else source, **(options | more))


def _frame(source: Path | bytes, config: Mapping[str, Any], **more: Any) -> pd.DataFrame:
    with warnings.catch_warnings():
        # a first line with more fields than the header: pandas would cut them off and only warn
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # a column of several kinds: its texts are read again
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frame: pd.DataFrame = _parsed(source, config, **more)
    return frame


def _nothing(config: Mapping[str, Any]) -> list[str]:
    usual = _DEFAULT_NULL_VALUES if config.get("keep_default_na", True) else ()
    return ["", *usual, *map(str, config.get("na_values") or ())]


def _ragged_lines(source: Path | bytes, config: Mapping[str, Any], rows: int | None) -> tuple[int, ...]:
    """The lines that have more fields than the header, from 1.

    pandas takes the first line after the header for as wide as the table, and looks at no line's width when it reads
    only some of the columns: so it is asked for the lines alone, in pieces, before it reads.

    Raises:
        ParserError: there is such a line, and the step does not say to leave it out; names the first.
    """
    mode = config.get("on_bad_lines", "error")
    asked = {
        "on_bad_lines": "error" if mode == "error" else "warn",
        "chunksize": _LINES_AT_A_TIME,
        "nrows": rows,
    }
    said = _parser_warnings(source, config, **asked, **_WIDTHS_ONLY)
    if not _only_left_out(said):
        # perhaps each line ends in a delimiter: what comes after it is looked at before it is called a field
        said = _parser_warnings(source, config, **asked)
    if not _only_left_out(said):
        # read as if it were a line like the others, the header says how wide the table is
        asked["nrows"] = None if rows is None else rows + int(config["header"])
        said = _parser_warnings(source, {**config, "header": False}, **asked, **_WIDTHS_ONLY)
    return tuple(int(number) for text in said for number in _SKIP_MODE.findall(text))


def _only_left_out(said: list[str]) -> bool:
    return all(_SKIP_MODE.match(text) for text in said)


def _parser_warnings(source: Path | bytes, config: Mapping[str, Any], **more: Any) -> list[str]:
    """What pandas says of lines while it reads the file; the rows go as they come."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        with _parsed(source, config, **more) as pieces:
            deque(pieces, maxlen=0)
    return [str(entry.message) for entry in said if issubclass(entry.category, pd.errors.ParserWarning)]


@contextmanager
def csv_errors(step_id: str, path: Path, config: Mapping[str, Any]) -> Iterator[None]:
    """What pandas raises in the block becomes an error that names the file and what to do.

    Raises:
        DriverError: the file cannot be read or is no table.
    """
    try:
        yield
    except _REFUSALS as error:
        raise DriverError(f"step {step_id!r}: {_error_message(error, path, config)}") from error


def _error_message(error: Exception, path: Path, config: Mapping[str, Any]) -> str:
    match error:
        case pd.errors.EmptyDataError():
            text = "is empty; there is not even a header"
        case pd.errors.ParserError() | pd.errors.ParserWarning():
            found = str(error).replace("Error tokenizing data. C error: ", "").strip()
            text = f"is no table: {found}; {_hint(found)}"
        case UnicodeDecodeError():
            # its place counts within what pandas had read at a time, which says nothing of the file
            shown = error.object[error.start : error.end].hex(" ")
            text = f"is not {config['encoding']}: {error.reason} ({shown}); set encoding"
        case LookupError():
            text = f"cannot be read: unknown encoding {config['encoding']!r}"
        case OSError():
            text = f"cannot be read: {error.strerror or error}"
        case _:
            text = f"cannot be read: {error}"
    return f"{path} {text}"


def _hint(text: str) -> str:
    if "fields" in text:
        return "set on_bad_lines: skip to leave such lines out"
    return (
        "a quote is opened and not closed" if "EOF inside string" in text else "check delimiter and quoting"
    )
