"""Values of a CSV file that were read as another value than they are, or that an earlier program changed.

Recorded as ``source`` of ``output_stored``, beside the facts of ``read_facts``. A name is absent if there is nothing.

- ``words_as_missing``: columns of codes, or of a few words, in which a word such as ``NA`` was read as missing. ``value``
  is the word, ``count`` of the ``values`` are it, and ``form`` is what it shares with the others: ``code`` or ``word``.
- ``scientific``: columns in which ``count`` of the ``values`` are whole numbers written with few digits, as spreadsheets
  show them: ``1.23457E+12``. ``different`` of these are different.

``days_read_as_months``, of ``timestamps``, are columns of ``parse_dates`` whose ``dates`` different dates were read in
``format``, with the month first, and have no day above 12; the rest is that of ``swapped_dates``.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import pandas as pd

from osiris_inspect.runtime.drivers.csv.read_facts import MAX_COLUMNS, Fact, is_text
from osiris_inspect.runtime.drivers.csv.reader import CsvFile
from osiris_inspect.runtime.drivers.csv.syntax.dialect import NumberFormat

MIN_ROWS: Final = 10
MAX_FOUND: Final = 5
SAMPLED: Final = 200
MIN_CODES: Final = 3
MAX_WORDS: Final = 20
_WORD_CASES: Final = tuple(map(re.compile, ("[A-Z]{2,12}", "[a-z]{2,12}", "[A-Z][a-z]{1,11}")))
MIN_SHORTENED: Final = 1e9
MIN_SCIENTIFIC: Final = 5
MAX_EXPONENTS: Final = 3
_SCIENTIFIC: Final = r"\s*[+-]?[1-9](?:\.[0-9]{1,6})?[Ee]\+?(?:09|1[0-9]|20)\s*"
COMMAS: Final = "commas between digits"
_DIGITS: Final = re.compile(r"[-+]?[0-9][0-9., ]*")
_FORMATS_WITH_COMMAS: Final = (NumberFormat(",", "."), NumberFormat(",", " "), NumberFormat(".", ","))
_LONG_INTEGER: Final = r"\s*[+-]?[0-9]{10,20}\s*"

Entry = dict[str, int | str]


def value_facts(files: Sequence[CsvFile], frame: pd.DataFrame) -> dict[str, Fact]:
    """Return what is wrong with the values of all files together; ``frame`` has their columns only."""
    if len(frame) < MIN_ROWS:
        return {}
    found = {"words_as_missing": _words_as_missing(files, frame), "scientific": _scientific(files, frame)}
    facts: dict[str, Fact] = {name: [*islice(entries, MAX_FOUND)] for name, entries in found.items()}
    return {name: entries for name, entries in facts.items() if entries}


def columns_with_commas(frame: pd.DataFrame, file: CsvFile) -> list[Any]:
    """Return the columns of text whose values are numbers with a comma, of which one step reads decimals or thousands."""
    if "," in (file.numbers.decimal, file.numbers.thousands):
        return []
    return [
        name
        for name in frame.columns[:MAX_COLUMNS]
        if name not in file.dtypes and is_text(frame[name]) and _are_numbers_with_commas(frame[name])
    ]


def _are_numbers_with_commas(column: "pd.Series[Any]") -> bool:
    sample = column.iloc[:SAMPLED].dropna()
    if not len(sample) or not _DIGITS.fullmatch(str(sample.iloc[0])):
        return False
    return any(
        form.plain_texts(sample) is not None and form.plain_texts(column) is not None
        for form in _FORMATS_WITH_COMMAS
    ) and bool(column.str.contains(",", regex=False).any())


def _words_as_missing(files: Sequence[CsvFile], frame: pd.DataFrame) -> Iterator[Entry]:
    words = files[0].usual_null_words
    for name in frame.columns[:MAX_COLUMNS] if words else ():
        present = frame[name].dropna() if is_text(frame[name]) else frame[name][:0]
        if not MIN_ROWS <= len(present) < len(frame):
            continue
        similar = [word for word in words if _form(word, present)]
        if not similar:
            continue
        texts = _texts(files, name)
        counts = texts[texts.isin(similar)].value_counts()
        if not len(counts) or counts.iloc[0] >= len(present):
            continue
        word = str(counts.index[0])
        if not _marks_missing_values(word, files, frame):
            count = int(counts.iloc[0])
            form = _form(word, present) or ""
            yield {
                "column": str(name),
                "value": word,
                "count": count,
                "values": count + len(present),
                "form": form,
            }


def _form(word: str, present: "pd.Series[Any]") -> str | None:
    """Return ``code`` if all texts have the case and the length of the word, ``word`` if a few have its case."""
    case = next((case for case in _WORD_CASES if case.fullmatch(word)), None)
    if case is None or not all(map(case.fullmatch, map(str, present.iloc[:SAMPLED]))):
        return None
    different = present.unique()
    if not all(map(case.fullmatch, map(str, different))):
        return None
    if len(different) >= MIN_CODES and all(len(text) == len(word) for text in different):
        return "code"
    return "word" if 1 < len(different) <= min(MAX_WORDS, len(present) // 2) else None


def _marks_missing_values(word: str, files: Sequence[CsvFile], frame: pd.DataFrame) -> bool:
    """Return True if the word stands among other values too, as programs such as R write missing values."""
    return any(
        (_texts(files, name) == word).any()
        for name in frame.columns[:MAX_COLUMNS]
        if frame[name].hasnans and not _is_like(word, frame[name].dropna())
    )


def _is_like(word: str, present: "pd.Series[Any]") -> bool:
    return is_text(present) and _form(word, present) is not None


def _scientific(files: Sequence[CsvFile], frame: pd.DataFrame) -> Iterator[Entry]:
    for name in frame.columns[:MAX_COLUMNS]:
        column = frame[name].dropna()
        if len(column) < MIN_ROWS or name in files[0].dtypes:
            continue
        if is_text(column):
            if not column.iloc[:SAMPLED].str.fullmatch(f"{_SCIENTIFIC}|{_LONG_INTEGER}").all():
                continue
            texts = column
        elif column.dtype.kind == "f" and bool(((column.abs() >= MIN_SHORTENED) & (column % 1 == 0)).all()):
            texts = _texts(files, name)
            texts = texts[texts.str.strip() != ""]
        else:
            continue
        shortened = texts[texts.str.fullmatch(_SCIENTIFIC)]
        rest = texts.drop(shortened.index)
        if not _is_shortened(shortened, rest):
            continue
        yield {
            "column": str(name),
            "count": len(shortened),
            "values": len(texts),
            "different": int(shortened.nunique()),
            "value": str(shortened.iloc[0]).strip(),
        }


def _is_shortened(shortened: "pd.Series[Any]", rest: "pd.Series[Any]") -> bool:
    """Return True if the values are long numbers without their last digits, not measures of any size."""
    if not len(shortened) or shortened.str.strip().str[-2:].nunique() > MAX_EXPONENTS:
        return False
    is_most = len(shortened) >= MIN_SCIENTIFIC and len(shortened) >= len(rest)
    return is_most or bool(rest.str.fullmatch(_LONG_INTEGER).all())


def _texts(files: Sequence[CsvFile], name: Any) -> "pd.Series[Any]":
    return pd.concat([file.texts_as_written(name) for file in files], ignore_index=True)
