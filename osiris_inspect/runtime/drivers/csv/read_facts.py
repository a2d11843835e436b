"""Rows and values of a CSV file that do not fit the rest of it.

Recorded as ``source`` of ``output_stored``, beside the signs of ``file_checks``. A name is absent if there is nothing.

- ``short_lines``: lines with fewer fields than the header, of ``checked_lines``.
- ``broken_lines``: short lines that have all fields of a row together with the lines beside them.
- ``padded_lines``: lines with all fields of which the last is empty, so the file does not omit empty fields.
- ``cut_lines``: files that end inside a line.
- ``footer_lines``: files whose last line has one field, as no other line has.
- ``header_repeats``: rows below the first that repeat the column names; ``header_repeat_line`` is the first.
- ``odd_values``: columns that would be numbers but for ``count`` of their ``values``. ``value`` and ``line`` are the first
  of these, ``different`` of which are different; ``decimals`` of the numbers have a decimal point.
- ``total_line``: the last row, if its numbers are the sums of the rows before it; ``total_label`` is its label.
- ``repeated_blocks``: how often the rows come, block after block; repeated headers are not counted.
- ``dtype_inferred``: columns of numbers that stay text, and why: ``text: leading zeros`` and ``text: digits with an E`` are
  codes, see ``number_like_codes``; ``text: commas between digits`` are numbers if the step sets ``decimal`` or ``thousands``.

Instead of a line, a row from 1 is named, as in ``total_row``, if a row has several lines or there are several files.
The lines are checked in the first ``MAX_BYTES`` of each file.
"""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.drivers.csv.file_checks import MAX_BYTES
from osiris_inspect.runtime.drivers.csv.reader import CsvFile
from osiris_inspect.runtime.drivers.csv.syntax.dialect import FieldSyntax
from osiris_inspect.runtime.drivers.csv.syntax.text_format import compression_of, first_bytes
from osiris_inspect.runtime.drivers.interface.repeated_blocks import blocks_of_frame

MAX_COUNTED_BYTES: Final = 64 << 20
"""Bytes of a file up to which its lines are counted, to name the line of a row."""
MAX_COLUMNS: Final = 256
MAX_ODD_COLUMNS: Final = 5
MAX_ODD: Final = 3
MAX_ODD_SHARE: Final = 0.01
MIN_NUMBERS: Final = 20
SAMPLED: Final = 200
MAX_VALUE: Final = 24
_NUMBER: Final = r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*"
_TOTAL: Final = re.compile(
    r"\W{0,3}(?:grand |sub-?|overall )?(?:total|sum|totals|celkem|spolu|summe|gesamt|insgesamt|totale|total général"
    r"|somme|razem|suma|итого)\W{0,3}",
    re.IGNORECASE,
)

Fact = int | str | dict[str, str] | list[dict[str, int | str]]


def line_facts(file: CsvFile, frame: pd.DataFrame) -> dict[str, int | str]:
    """Return counts of the lines of a file; ``frame`` has its columns only."""
    delimiter = str(file.config["delimiter"])
    if len(delimiter) != 1 or len(file.header) < 2 or compression_of(file.source, file.config) is not None:
        return {}
    last = file.header[-1]
    if not len(frame) or (last in frame and not frame[last].isna().any()):
        return {}  # the last field of a short line is null
    start = first_bytes(file.source, MAX_BYTES)
    try:
        text = start.decode(file.config["encoding"], errors="replace")
    except (LookupError, UnicodeError):
        return {}
    is_whole = len(start) < MAX_BYTES
    if not is_whole:
        text = text[: text.rfind("\n") + 1]
    widths = list(_widths(text, file))
    facts = _facts_of_widths(widths, len(file.header))
    is_cut = (
        is_whole and bool(widths) and widths[-1][0] < len(file.header) and not text.endswith(("\n", "\r"))
    )
    is_footer = is_whole and facts["short_lines"] == 1 and widths[-1][0] == 1 and len(file.header) > 2
    facts["footer_lines"] = int(is_footer and not is_cut)
    facts["cut_lines"] = int(is_cut and facts["short_lines"] == 1)
    if is_footer:
        facts["broken_lines"] = 0
    if not facts["short_lines"]:
        return {}
    return {name: count for name, count in facts.items() if count}


def row_facts(files: Sequence[CsvFile], frame: pd.DataFrame) -> dict[str, Fact]:
    """Return what does not fit in the rows of all files together; ``frame`` has their columns only."""
    facts: dict[str, Fact] = {}
    lines = _LineNumbers(files, len(frame))
    repeats = _header_repeats(frame) if files[0].config["header"] else []
    if repeats:
        facts |= {"header_repeats": len(repeats), f"header_repeat_{lines.unit}": lines.number(repeats[0])}
    rows = frame.drop(index=repeats) if repeats else frame
    blocks = blocks_of_frame(rows)
    if blocks > 1:
        facts["repeated_blocks"] = blocks
    odd = list(islice(_odd_columns(rows, {*files[0].dtypes}, lines), MAX_ODD_COLUMNS))
    if odd:
        facts["odd_values"] = odd
    label = _total_label(frame)
    if label is not None:
        facts |= {f"total_{lines.unit}": lines.number(len(frame) - 1), "total_label": label}
    return facts


class _LineNumbers:
    """Numbers of the lines of rows; of the rows, if a row may have several lines or there are several files."""

    def __init__(self, files: Sequence[CsvFile], rows: int) -> None:
        self._files, self._rows = files, rows

    @property
    def unit(self) -> str:
        """``line`` or ``row``."""
        return "row" if self._first_line is None else "line"

    def number(self, row: int) -> int:
        """Return the number of a row, which is counted from 0."""
        return int(row) + (self._first_line or 1)

    @cached_property
    def _first_line(self) -> int | None:
        """The line of the first row; None if the file has another number of lines than of rows."""
        file = self._files[0]
        skipped = file.config.get("skip_rows") or 0
        if len(self._files) > 1 or not isinstance(file.source, Path) or not isinstance(skipped, int):
            return None
        if file.source.stat().st_size > MAX_COUNTED_BYTES or compression_of(file.source, file.config):
            return None
        data = file.source.read_bytes()
        lines = data.count(b"\n") + int(not data.endswith(b"\n"))
        before = skipped + int(bool(file.config["header"]))
        return before + 1 if lines == before + self._rows else None


def _widths(text: str, file: CsvFile) -> Iterator[tuple[int, bool]]:
    """Yield the number of fields of each line below the header, and True if the last is empty."""
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    skipped = file.config.get("skip_rows") or 0
    lines = lines[skipped:] if isinstance(skipped, int) else []
    comment = file.config.get("comment")
    if comment:
        lines = [line for line in lines if comment not in line]
    lines = [line for line in lines if line.strip()][int(bool(file.config["header"])) :]
    delimiter = str(file.config["delimiter"])
    syntax = FieldSyntax.of_config(file.config)
    if not any(sign in text for sign in (syntax.quote, syntax.escape) if sign is not None):
        yield from ((line.count(delimiter) + 1, line.endswith(delimiter)) for line in lines)
        return
    try:
        for row in syntax.rows(StringIO("\n".join(lines)), delimiter):
            yield len(row), not row or not row[-1]
    except csv.Error:
        return


def _facts_of_widths(lines: Sequence[tuple[int, bool]], width: int) -> dict[str, int | str]:
    widths = [fields for fields, _ in lines]
    short = sum(fields < width for fields in widths)
    padded = sum(fields >= width and is_empty for fields, is_empty in lines)
    return {
        "short_lines": short,
        "broken_lines": _broken(widths, width) if short else 0,
        "padded_lines": padded,
        "checked_lines": len(widths),
    }


def _broken(widths: Sequence[int], width: int) -> int:
    """Return the number of short lines that join to whole rows, or that have one field."""
    broken = 0
    fragments: list[int] = []
    for fields in (*widths, width):
        if fields < width:
            fragments.append(fields)
            if sum(part - 1 for part in fragments) == width - 1:
                broken += len(fragments)
                fragments = []
            continue
        broken += sum(part == 1 for part in fragments) if width > 2 else 0
        fragments = []
    return broken


def is_text(column: "pd.Series[Any]") -> bool:
    """Return True for text, with pandas 2 also for a column of any objects."""
    return column.dtype.kind == "O" and not isinstance(column.dtype, pd.CategoricalDtype)


def _header_repeats(frame: pd.DataFrame) -> list[int]:
    """Return the rows below the first that consist of the column names."""
    names = [str(name) for name in frame.columns]
    if not names or not all(is_text(frame.iloc[:, number]) for number in range(len(names))):
        return []
    rows = frame.index[frame.iloc[:, 0] == names[0]]
    return [row for row in rows if row and [str(cell).strip() for cell in frame.loc[row]] == names]


def _odd_columns(
    rows: pd.DataFrame, requested: Collection[Any], lines: _LineNumbers
) -> Iterator[dict[str, int | str]]:
    """Yield the columns of text with a few values that are not numbers."""
    for name in rows.columns[:MAX_COLUMNS]:
        values = rows[name].dropna()
        if name in requested or not is_text(values) or not _may_be_numbers(values):
            continue
        is_number = _match(values, _NUMBER)
        numbers, odd = values[is_number], values[~is_number]
        if not 0 < len(odd) <= max(MAX_ODD, MAX_ODD_SHARE * len(values)) or len(numbers) < MIN_NUMBERS:
            continue
        value = str(odd.iloc[0])
        is_private = is_secret_key(str(name)) or "@" in value
        yield {
            "column": str(name),
            "count": len(odd),
            "values": len(values),
            "decimals": int(_match(numbers, r"[^.]*\.[^.]*").sum()),
            "different": int(odd.nunique()),
            **({} if is_private else {"value": value[:MAX_VALUE]}),
            lines.unit: lines.number(odd.index[0]),
        }


def _may_be_numbers(values: "pd.Series[Any]") -> bool:
    """Return True if nearly all of the first values are numbers."""
    sample = values.iloc[:SAMPLED]
    if len(values) < MIN_NUMBERS + 1:
        return False
    return int(_match(sample, _NUMBER).sum()) >= len(sample) - MAX_ODD


def _match(values: "pd.Series[Any]", pattern: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each value if the pattern matches all of its text; Arrow needs a tenth of pandas' time."""
    texts = pa.array(values.astype("str"), pa.large_string(), from_pandas=True)
    matches: np.ndarray[Any, np.dtype[np.bool_]] = pc.match_substring_regex(
        texts, f"^(?:{pattern})$"
    ).to_numpy(False)
    return matches.astype(bool)


def _total_label(frame: pd.DataFrame) -> str | None:
    """Return the label of the last row if its numbers are sums of those before; None if it is not a total."""
    if len(frame) < 4:
        return None
    last = frame.iloc[-1]
    texts = [str(cell).strip() for cell in last if isinstance(cell, str)]
    label = next((text for text in texts if len(text) <= MAX_VALUE and _TOTAL.fullmatch(text)), "")
    is_unlabelled = bool(pd.isna(last.iloc[0])) and not frame.iloc[:-1, 0].isna().any()
    if not label and not is_unlabelled:
        return None
    columns = [frame.iloc[:, number] for number in range(min(frame.shape[1], MAX_COLUMNS))]
    numbers = [column for column in columns if column.dtype.kind in "iuf" and column.iloc[:-1].nunique() > 1]
    present = [column for column in numbers if not pd.isna(column.iloc[-1])]
    sums = [_is_sum(column) for column in present]
    enough = any(sums) if label else len(sums) > 0 and all(sums)
    return label if enough else None


def _is_sum(column: "pd.Series[Any]") -> bool:
    total, last = float(column.iloc[:-1].sum()), float(column.iloc[-1])
    return total != 0 and abs(total - last) <= 1e-6 * abs(total) + 0.005
