"""Counts of the rows and values of a step's frame, without the values."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_DATE = LazyRegex(r"\d{4}-\d\d-\d\d(?![^T ])")


class SentinelFacts(NamedTuple):
    """A number at an end of a column's range that may stand for no value, such as -999.

    Attributes:
        rows: rows that have it.
        following: the next value of the column.
    """

    value: float
    rows: int
    following: float


class ColumnFacts(NamedTuple):
    """Counts of one column.

    Attributes:
        dtype: its type as logged; empty if unknown.
        nulls: number of rows without a value; None if unknown.
        distinct: how many different values it has: a number, or ``few`` or ``many``; None if unknown.
        low, high: smallest and largest value as text, of numbers and times; None if unknown.
        is_blank: True if it is text, and its values are all empty or spaces.
        negatives: number of values below 0; None if it is not a column of numbers, or they were not counted.
        sentinel: a repeated number that may stand for no value; None if there is none.
        odd_values: rows of a column of text by a word that stands for no value or an error, and odd forms of values.
        values: rows by value, or by ``#`` and a hash, of a column with few different values, of all rows or of those of a
            sample; empty if not counted.
    """

    name: str
    dtype: str = ""
    nulls: int | None = None
    distinct: int | str | None = None
    low: str | None = None
    high: str | None = None
    is_blank: bool = False
    odd_values: Mapping[str, int] = {}
    negatives: int | None = None
    sentinel: SentinelFacts | None = None
    values: Mapping[str, int] = {}

    @property
    def is_time(self) -> bool:
        """True if it has dates or times, of a type for them or as text."""
        kind = kind_of(self.dtype)
        return kind == "time" or (kind == "text" and _DATE.match(self.low or "") is not None)


class JoinFacts(NamedTuple):
    """Counts of the keys of a join of two inputs.

    Attributes:
        left_rows, right_rows: rows of the inputs.
        matched: rows of the left input with a partner.
        right_matched: rows of the right input with a partner; None if not counted.
        is_filtered: the query joins only some rows of the inputs.
        left_duplicates, right_duplicates: rows whose key occurs earlier in the same input.
        is_whole: all rows of both inputs are joined, although the query goes on with the joined rows.
        left_newer, right_newer: rows without a partner whose key is above all keys of the other input.
        uses: the inputs with columns beside the keys in the result: left, right or both; empty if unknown or none.
    """

    left_rows: int
    right_rows: int
    matched: int
    left_duplicates: int
    right_duplicates: int
    right_matched: int | None = None
    is_filtered: bool = False
    uses: str = ""
    is_whole: bool = False
    left_newer: int = 0
    right_newer: int = 0


class FrameFacts(NamedTuple):
    """Counts of the frame that a step returned.

    Attributes:
        rows: None if unknown.
        columns: in the order of the frame; empty if unknown.
        join: the counts of the join that made the frame; None if there was none or it was not counted.
        repeated: share of the rows that repeat another row; None if unknown.
        unique: columns of which each row has its own value, as far as known.
        garbled: a column of text that was decoded wrong, and how often, by kind.
        source: what the driver noticed in the file that it read, by name.
        checks: mistakes that the query and its inputs show: ``check`` is the kind, and the rest its facts.
        filters: for conditions of the query the rows of the table and how many of them fulfil it.
        file, line: where they are recorded; line 0 if any line of the file.
        gaps: by column of dates or times, the only month or day without rows: its ``unit``, the ``missing`` one, the
            number of ``periods``, and the ``fewest`` rows of another.
        first_keys: a hash of the smallest value of each column of text that is unique.
        fingerprint: a hash of its values; empty if unknown.
    """

    step: str
    rows: int | None
    columns: tuple[ColumnFacts, ...]
    file: str
    line: int = 0
    join: JoinFacts | None = None
    fingerprint: str = ""
    source: Mapping[str, Any] = {}
    repeated: float | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    unique: tuple[str, ...] = ()
    garbled: Mapping[str, Any] = {}
    first_keys: Mapping[str, str] = {}
    filters: tuple[tuple[int, int], ...] = ()
    gaps: Mapping[str, Mapping[str, Any]] = {}

    def column(self, name: str) -> ColumnFacts | None:
        """Return the counts of a column; None if the frame has no such column."""
        return next((column for column in self.columns if column.name == name), None)

    def source_entries(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return the entries of a list in ``source``; none if it is not a list."""
        entries = self.source.get(name)
        return tuple(
            entry for entry in (entries if isinstance(entries, list) else ()) if isinstance(entry, Mapping)
        )

    @property
    def empty_columns(self) -> tuple[str, ...]:
        """The columns without a value in any row, or with nothing but blank text, of a frame with rows."""
        if not self.rows:
            return ()
        return tuple(
            column.name
            for column in self.columns
            if column.nulls == self.rows or column.dtype == "null" or column.is_blank
        )
