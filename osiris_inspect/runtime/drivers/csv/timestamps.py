"""Timestamps in CSV files: a column has one format, otherwise it is an error if the step names it, else it stays text."""

import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import pandas as pd
from pandas.tseries.api import guess_datetime_format

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.reader import CsvFile
from osiris_inspect.runtime.drivers.interface.month_first import swapped_dates

_OFFSET: Final = r".*(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})\s*"
_ISO: Final = "ISO8601"
_MONTH_FIRST: Final = re.compile(r"%m(\D)%d\1")
MAX_DATES: Final = 2_000


def parse_timestamp_columns(
    frame: pd.DataFrame, file: CsvFile, *, codes: Collection[Any] = ()
) -> pd.DataFrame:
    """Return the frame with the requested columns as timestamps; ``file`` is one of its files.

    ``codes`` are columns of codes: ``0101`` is no year.

    Raises:
        DriverError: a column that the step names contains a text that is not a timestamp; names the text.
    """
    parsed = frame.copy(deep=False)
    if file.timestamp_columns is True:
        for name in file.columns:
            if (
                name not in file.dtypes
                and name not in codes
                and isinstance(frame[name].dtype, pd.StringDtype)
            ):
                times = _first_matching_format(frame[name], _iso_formats(frame[name]))
                parsed[name] = frame[name] if times is None else times
    else:
        for name in file.timestamp_columns:
            parsed[name] = _requested_timestamps(frame[name])
    return parsed


def days_read_as_months(
    texts: pd.DataFrame, parsed: pd.DataFrame, file: CsvFile
) -> list[dict[str, int | str]]:
    """Return the columns that were read with the month first and seem to have the day first, see ``swapped_dates``."""
    found: list[dict[str, int | str]] = []
    for name in () if file.timestamp_columns is True else file.timestamp_columns:
        form = _infer_format(texts[name])
        if form is None or not _MONTH_FIRST.match(form):
            continue
        dates = parsed[name].dropna().dt.normalize().drop_duplicates()
        signs = swapped_dates([one.date() for one in dates]) if len(dates) <= MAX_DATES else None
        if signs is not None:
            found.append({"column": str(name), "format": form, **signs})
    return found


def _requested_timestamps(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    guess = _infer_format(texts)
    times = _first_matching_format(texts, [*_iso_formats(texts), *([{"format": guess}] if guess else [])])
    if times is None:
        odd = _unparsable(texts, guess or _ISO)
        raise DriverError(
            f"{_mismatch(texts, guess)}; without parse_dates it is read as text",
            kind="value-not-convertible",
            fix=f"correct the value, or remove {texts.name!r} from parse_dates",
            column=str(texts.name),
            value=str(odd.iloc[0]) if len(odd) else None,
            format=guess,
        )
    return times


def _mismatch(texts: "pd.Series[Any]", guess: str | None) -> str:
    odd = _unparsable(texts, _ISO)
    if not len(odd):
        return f"column {texts.name!r} has times with and without an offset"
    form = f" of the form {guess}" if guess else ""
    odd = _unparsable(texts, guess) if guess else odd
    return f"column {texts.name!r} has {odd.iloc[0]!r}, which is not a time{form}"


def _unparsable(texts: "pd.Series[Any]", form: str) -> "pd.Series[Any]":
    return texts[pd.to_datetime(texts, format=form, errors="coerce", utc=True).isna() & texts.notna()]


def _iso_formats(texts: "pd.Series[Any]") -> Iterator[dict[str, Any]]:
    yield {"format": _ISO}
    if texts.dropna().str.fullmatch(_OFFSET).all():
        yield {
            "format": _ISO,
            "utc": True,
        }  # offsets that change with the season: only the instants are one column


def _first_matching_format(
    texts: "pd.Series[Any]", formats: Iterable[dict[str, Any]]
) -> "pd.Series[Any] | None":
    """Return the texts as timestamps in the first format that fits all of them, None if none does."""
    for options in formats:
        try:
            times = pd.to_datetime(texts, **options)
        except (ValueError, TypeError):
            continue  # the caller reports that no format fits
        return times if times.notna().any() else times.astype("datetime64[us]")
    return None


def _infer_format(texts: "pd.Series[Any]") -> str | None:
    """Return the format of the first text, None if it is ambiguous or not a complete date."""
    present = texts.dropna()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns that 13/02/2024 can only be day first
        guess = guess_datetime_format(str(present.iloc[0])) if len(present) else None
    # pandas would complete a time of day with the current date
    return guess if guess and "%d" in guess and ("%Y" in guess or "%y" in guess) else None
