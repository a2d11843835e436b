"""CSV files in and out."""

import csv
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers import Context, files, incoming
from osiris_inspect.runtime.keep.resolved import Resolved

_ROWS_AT_A_TIME: Final = 100_000
_WHOLE: Final = r"\s*[+-]?\d{1,18}\s*"
_QUOTING: Mapping[str, Literal[0, 1, 2, 3]] = {
    "minimal": csv.QUOTE_MINIMAL,
    "all": csv.QUOTE_ALL,
    "nonnumeric": csv.QUOTE_NONNUMERIC,
    "none": csv.QUOTE_NONE,
}


class CsvExtractor:
    """Reads CSV files."""

    def run(
        self, *, step_id: str, config: Mapping[str, Any], inputs: Mapping[str, Resolved], ctx: Context
    ) -> Mapping[str, Any]:
        """The files' rows as a frame; a file with a header alone gives its columns and no row."""
        del inputs
        frames: list[pd.DataFrame] = []
        rows = 0
        for path in files.to_read(step_id, config, ctx, "CSV"):
            frame = _read(step_id, path, config)
            if config.get("file_column"):
                frame[config["file_column"]] = str(path)
            _check_same(step_id, path, frame, frames)
            frames.append(frame)
            rows += len(frame)
            ctx.progress(rows)
        frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        limit = config.get("limit")
        frame = frame if limit is None else frame.head(limit)
        ctx.metric("rows_read", len(frame))
        return {"df": frame}


class CsvWriter:
    """Writes one CSV file, whole or not at all."""

    def run(
        self, *, step_id: str, config: Mapping[str, Any], inputs: Mapping[str, Resolved], ctx: Context
    ) -> Mapping[str, Any]:
        """Write the input; the old file stands until the new one is whole."""
        frames = incoming.of(step_id, config, inputs)
        written = 0
        with files.written_whole(step_id, config, ctx) as path:
            try:
                with path.open("w", encoding=config["encoding"], newline="") as file:
                    for frame in frames.frames():
                        for start in range(0, len(frame) or 1, _ROWS_AT_A_TIME):
                            part = frame.iloc[start : start + _ROWS_AT_A_TIME]
                            _write(part, file, config, header=config["header"] and written == start == 0)
                            written += len(part)
                            ctx.progress(written)
            except LookupError as error:
                raise DriverError(f"step {step_id!r}: unknown encoding {config['encoding']!r}") from error
            except UnicodeEncodeError as error:
                letter = error.object[error.start]
                text = f"step {step_id!r}: {letter!r} cannot be written in {config['encoding']}; set encoding: utf-8"
                raise DriverError(text) from error
            except csv.Error as error:
                raise DriverError(
                    f"step {step_id!r}: cannot be written as CSV: {error}; set quoting: minimal"
                ) from error
        ctx.metric("rows_written", written)
        return {"rows_written": written}


def _write(part: pd.DataFrame, file: Any, config: Mapping[str, Any], *, header: bool) -> None:
    part.to_csv(
        file,
        index=False,
        sep=config["delimiter"],
        header=header,
        lineterminator="\r\n" if config["newline"] == "crlf" else "\n",
        quoting=_QUOTING[config["quoting"]],
        na_rep=config.get("na_rep") or "",
    )


def _read(step_id: str, path: Path, config: Mapping[str, Any]) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # a first line with more fields than the header: pandas would cut them off and only warn
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = _parsed(path, config, config.get("dtype"))
            frame = _with_whole_numbers(frame, path, config)
    except pd.errors.EmptyDataError:
        raise DriverError(f"step {step_id!r}: {path} is empty; there is not even a header") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        text = str(error).replace("Error tokenizing data. C error: ", "").strip()
        hint = (
            "set on_bad_lines: skip to leave such lines out"
            if "fields" in text
            else "check delimiter and quoting"
        )
        raise DriverError(f"step {step_id!r}: {path} is no table: {text}; {hint}") from error
    except UnicodeDecodeError as error:
        # its place counts within what pandas had read at a time, which says nothing of the file
        shown = error.object[error.start : error.end].hex(" ")
        text = f"{path} is not {config['encoding']}: {error.reason} ({shown}); set encoding"
        raise DriverError(f"step {step_id!r}: {text}") from error
    except LookupError as error:
        raise DriverError(f"step {step_id!r}: unknown encoding {config['encoding']!r}") from error
    except OSError as error:
        raise DriverError(f"step {step_id!r}: {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise DriverError(f"step {step_id!r}: {_missing_columns(path, config, str(error))}") from error
    wanted: list[str] = config.get("columns") or list(frame.columns)
    return frame[wanted]


def _parsed(
    path: Path, config: Mapping[str, Any], dtype: Any, columns: list[str] | None = None
) -> pd.DataFrame:
    compression = config.get("compression", "infer")
    parse_dates = config.get("parse_dates") or False
    options: dict[str, Any] = {
        "sep": config["delimiter"],
        "encoding": config["encoding"],
        "header": 0 if config["header"] else None,
        "usecols": columns or config.get("columns"),
        "dtype": dtype,
        "index_col": False,  # a line with one field more than the header is no row label
        "skiprows": config.get("skip_rows"),
        "nrows": config.get("limit"),
        "on_bad_lines": config.get("on_bad_lines", "error"),
        "na_values": config.get("na_values"),
        "comment": config.get("comment"),
        "compression": None if compression == "none" else compression,
        "parse_dates": parse_dates if isinstance(parse_dates, list) and columns is None else False,
    }
    read: Callable[..., pd.DataFrame] = (
        pd.read_csv
    )  # one of several shapes for its types; with these options a frame
    frame = read(path, **options)
    return _with_times(frame) if parse_dates is True and columns is None else frame


def _with_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns whose every text is a time, as times."""
    found = frame.copy(deep=False)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype):
            found[name] = _as_times(frame[name])
    return found


def _as_times(column: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return pd.to_datetime(column, format="ISO8601")
    except (ValueError, TypeError):
        return column  # text that is no time stays text: that is what parse_dates: true means


def _with_whole_numbers(frame: pd.DataFrame, path: Path, config: Mapping[str, Any]) -> pd.DataFrame:
    """Whole numbers with gaps as whole numbers: pandas reads them as floats, which changes those beyond 2^53."""
    asked = config.get("dtype") or {}
    suspects = [
        name
        for name in frame.columns
        if frame[name].dtype == "float64" and name not in asked and _looks_whole(frame[name])
    ]
    if not suspects:
        return frame
    raw = _parsed(path, config, str, suspects)
    for name in suspects:
        texts = raw[name].dropna()
        if texts.str.fullmatch(_WHOLE).all():
            frame[name] = pd.to_numeric(raw[name].str.strip(), dtype_backend="numpy_nullable").astype("Int64")
    return frame


def _looks_whole(column: "pd.Series[Any]") -> bool:
    present = column.dropna()
    return len(present) < len(column) and bool(len(present)) and bool((present % 1 == 0).all())


def _check_same(step_id: str, path: Path, frame: pd.DataFrame, before: list[pd.DataFrame]) -> None:
    if before and list(frame.columns) != list(before[0].columns):
        has, first = (", ".join(map(str, found.columns)) for found in (frame, before[0]))
        raise DriverError(f"step {step_id!r}: {path} has columns {has}; the files before it have {first}")


def _missing_columns(path: Path, config: Mapping[str, Any], text: str) -> str:
    if not re.search(r"usecols", text, re.IGNORECASE):
        return f"{path} cannot be read: {text}"
    header = {key: value for key, value in config.items() if key != "columns"} | {"limit": 0}
    there = _parsed(path, header, None).columns
    missing = [name for name in config["columns"] if name not in there]
    return f"{path} has no column {', '.join(map(repr, missing))}; it has {', '.join(map(str, there))}"
