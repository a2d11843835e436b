"""Rows by value of columns with few different values, such as a status or a country.

A value is recorded if it looks like a code or a word; of any other text, and of the columns that may hold names or
contacts of people, only a short hash is recorded.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
import xxhash

from osiris_inspect.model.redaction import is_secret_key, mask_texts

MAX_VALUES: Final = 40
"""Different values of a column that is counted."""
MAX_COLUMNS: Final = 8
MAX_CELL_BYTES: Final = 256
"""Mean size of the cells of a column that is counted."""
MIN_ROWS: Final = 50
MAX_COUNTED_ROWS: Final = 5_000
"""Rows of a frame of which all are counted; of a larger one at most as many are, spread over all of it."""
MAX_FRAME_ROWS: Final = 100_000
"""Rows of a frame above which nothing is counted."""
SAMPLE_ROWS: Final = 128
"""Rows at equal distances of the first slice by which columns with many values are left out."""
HASH_DIGITS: Final = 6
_GOLDEN: Final = 0.6180339887498949
"""Its multiples are spread evenly, modulo 1."""
HASH: Final = "#"
"""First character of a hash; no recorded value begins with it."""
_CODE: Final = re.compile(r"(?=.{1,24}\Z)[^\W_](?:[\w .+&/()-]{0,22}[\w+)])?")
_LONG_NUMBER: Final = re.compile(r"(?:\d[ .+/()-]?){7}")
"""As many digits as a phone or an account number has."""
_OF_PEOPLE: Final = re.compile(
    r"(?!.{0,100}(?:type|kind|status|state|segment|group|class|category|role|level|tier|plan|country|region)\Z)"
    r".{0,100}(?:name|person|phone|mobile|mail|address|street|patient|diagnos|religion|ethnic|gender|sex\b|birth|iban|account"
    r"|employee|customer|member|contact|author|owner|user|agent|driver|doctor)",
    re.IGNORECASE,
)
"""Names of columns whose words may be those of people."""


class ValueCounts:
    """Counts of the values of one frame; ``update`` takes its slices in order.

    ``rows`` is None for a stream of unknown length, which is counted up to ``MAX_COUNTED_ROWS``. No further slices are
    needed once ``is_counting`` is false.
    """

    def __init__(self, names: Sequence[str], rows: int | None) -> None:
        self._names = names
        self._total = rows
        self._rows = 0
        self._step = max(1, -(-(rows or 0) // MAX_COUNTED_ROWS))
        self._counts: dict[int, Counter[Any]] = {}
        self.is_counting = MIN_ROWS <= (rows or MIN_ROWS) <= MAX_FRAME_ROWS

    def update(self, arrays: Sequence[pa.Array], few: Sequence[int]) -> None:
        """Add the columns of the next slice; ``few`` are those with few values in their first rows."""
        length = len(arrays[0]) if len(arrays) else 0
        if not length:
            return
        if not self._rows:
            found = (number for number in few if is_counted(arrays[number].type) and _has_few(arrays[number]))
            first = sorted(found, key=lambda number: bool(kinds.is_integer(arrays[number].type)))
            self._counts = {number: Counter() for number in first[:MAX_COLUMNS]}
        start, self._rows = self._rows, self._rows + length
        if self._total is None and self._rows > MAX_COUNTED_ROWS:
            self._counts = {}
        self.is_counting = bool(self._counts)
        if not self.is_counting:
            return
        rows = _spread(start, length, self._step) if self._step > 1 else None
        for number in list(self._counts):
            if arrays[number].nbytes > MAX_CELL_BYTES * length:
                del self._counts[number]  # of long texts, which would be copied
                continue
            found = pc.value_counts(arrays[number] if rows is None else arrays[number].take(rows))
            self._counts[number].update(
                dict(zip(*(found.field(key).to_pylist() for key in (0, 1)), strict=True))
            )
            if len(self._counts[number]) > MAX_VALUES + 1:  # one of them may be no value
                del self._counts[number]

    @property
    def counts(self) -> dict[str, list[tuple[str, int]]]:
        """The values of each counted column, or their hashes, each with its rows; sorted."""
        if self._rows < MIN_ROWS:
            return {}
        found = {self._names[number]: self._counts[number] for number in sorted(self._counts)}
        return {
            name: texts
            for name, counts in found.items()
            if not is_secret_key(name)
            if 0 < len(texts := _described(name, counts)) <= MAX_VALUES
        }


def is_counted(kind: pa.DataType) -> bool:
    """Return True for a type whose values are counted: text, whole numbers and booleans."""
    return bool(
        kinds.is_string(kind)
        or kinds.is_large_string(kind)
        or kinds.is_integer(kind)
        or kinds.is_boolean(kind)
    )


def describe_values(column: str, values: Sequence[Any]) -> list[str]:
    """Return values as they are recorded: codes and words themselves, of others a hash that does not show them."""
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    is_of_people = _OF_PEOPLE.match(column[:100]) is not None
    return [
        text
        if masked == text
        and (isinstance(value, int) or (not is_of_people and _CODE.fullmatch(text)))
        and not _LONG_NUMBER.search(text)
        else HASH + xxhash.xxh3_64_hexdigest(text.encode(errors="surrogatepass"))[:HASH_DIGITS]
        for value, text, masked in zip(values, texts, mask_texts(texts), strict=True)
    ]


def _described(name: str, counts: Counter[Any]) -> list[tuple[str, int]]:
    values = [value for value in counts if value is not None]
    described: Counter[str] = Counter()
    for text, value in zip(describe_values(name, values), values, strict=True):
        described[text] += counts[value]
    return sorted(described.items())


def _has_few(array: pa.Array) -> bool:
    """Return True if rows at equal distances have few values: the first rows of a sorted column have few as well."""
    if len(array) <= 2 * SAMPLE_ROWS:
        return True
    sample = array.take(pa.array(np.arange(0, len(array), len(array) // SAMPLE_ROWS)))
    return len(sample.unique()) <= MAX_VALUES + 1  # one of them may be no value


def _spread(start: int, length: int, step: int) -> pa.Array:
    """Return one row of each ``step`` rows of a slice, at varying distances, for rows may repeat in equal ones."""
    blocks = np.arange(start // step, (start + length) // step + 1)
    rows = blocks * step + (blocks * _GOLDEN % 1 * step).astype(np.int64) - start
    return pa.array(rows[(rows >= 0) & (rows < length)])
