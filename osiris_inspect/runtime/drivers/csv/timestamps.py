"""Times in CSV files: a column is in one format, or that is an error; no date is made up, and nothing named stays text."""

import warnings
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd
from pandas.tseries.api import guess_datetime_format

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.reader import CsvFile

_OFFSET: Final = r".*(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})\s*"
_ISO: Final = "ISO8601"


def parse_timestamp_columns(frame: pd.DataFrame, file: CsvFile) -> pd.DataFrame:
    """The frame, the columns that are to be times as times; ``file`` is one of those it came from.

    Raises:
        DriverError: a column that the step names has a text that is no time; names the text.
    """
    found = frame.copy(deep=False)
    if file.times is True:
        for name in file.columns:
            if name not in file.dtypes and isinstance(frame[name].dtype, pd.StringDtype):
                times = _first_matching_format(frame[name], _parse_iso(frame[name]))
                found[name] = frame[name] if times is None else times
    else:
        for name in file.times:
            found[name] = _asked_times(file.step_id, frame[name])
    return found


def _asked_times(step_id: str, texts: "pd.Series[Any]") -> "pd.Series[Any]":
    guess = _infer_format(texts)
    times = _first_matching_format(texts, [*_parse_iso(texts), *([{"format": guess}] if guess else [])])
    if times is not None:
        return times
    raise DriverError(f"step {step_id!r}: {_why_not(texts, guess)}; without parse_dates it is read as text")


def _why_not(texts: "pd.Series[Any]", guess: str | None) -> str:
    odd = _unparsable(texts, _ISO)
    if not len(odd):
        return f"column {texts.name!r} has times with and without an offset"
    like = f" of the form {guess}" if guess else ""
    odd = _unparsable(texts, guess) if guess else odd
    return f"column {texts.name!r} has {odd.iloc[0]!r}, which is no time{like}"


def _unparsable(texts: "pd.Series[Any]", form: str) -> "pd.Series[Any]":
    """The texts that are no time of that form."""
    return texts[pd.to_datetime(texts, format=form, errors="coerce", utc=True).isna() & texts.notna()]


def _parse_iso(texts: "pd.Series[Any]") -> Iterator[dict[str, Any]]:
    yield {"format": _ISO}
    if texts.dropna().str.fullmatch(_OFFSET).all():
        yield {
            "format": _ISO,
            "utc": True,
        }  # offsets that change with the season: the instants are one column


def _first_matching_format(texts: "pd.Series[Any]", ways: Any) -> "pd.Series[Any] | None":
    """The texts as times in the first way that all of them take."""
    for way in ways:
        try:
            times = pd.to_datetime(texts, **way)
        except (ValueError, TypeError):
            continue  # not this way; the caller says what it means that none was right
        return times if times.notna().any() else times.astype("datetime64[us]")
    return None


def _infer_format(texts: "pd.Series[Any]") -> str | None:
    """The format of the first text; None where it is not plain, or where the text is no whole date."""
    present = texts.dropna()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # says that 13/02/2024 can only be of a day-first format
        guess = guess_datetime_format(str(present.iloc[0])) if len(present) else None
    # pandas would fill a time of the day up with the date of today
    return guess if guess and "%d" in guess and ("%Y" in guess or "%y" in guess) else None
