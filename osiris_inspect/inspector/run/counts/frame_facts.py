"""Counts of the rows and values of a step's frame, without the values."""

from typing import NamedTuple


class ColumnFacts(NamedTuple):
    """Counts of one column.

    Attributes:
        dtype: its type as logged; empty if unknown.
        nulls: number of rows without a value; None if unknown.
        distinct: how many different values it has: a number, or ``few`` or ``many``; None if unknown.
        high: its largest value as text; None if unknown.
    """

    name: str
    dtype: str = ""
    nulls: int | None = None
    distinct: int | str | None = None
    high: str | None = None


class JoinFacts(NamedTuple):
    """Counts of the keys of a join of two inputs.

    Attributes:
        left_rows, right_rows: rows of the inputs.
        matched: rows of the left input with a partner.
        right_matched: rows of the right input with a partner; None if not counted.
        left_duplicates, right_duplicates: rows whose key occurs earlier in the same input.
    """

    left_rows: int
    right_rows: int
    matched: int
    left_duplicates: int
    right_duplicates: int
    right_matched: int | None = None


class FrameFacts(NamedTuple):
    """Counts of the frame that a step returned.

    Attributes:
        rows: None if unknown.
        columns: in the order of the frame; empty if unknown.
        join: the counts of the join that made the frame; None if there was none or it was not counted.
        file, line: where they are recorded; line 0 if any line of the file.
        fingerprint: a hash of its values; empty if unknown.
    """

    step: str
    rows: int | None
    columns: tuple[ColumnFacts, ...]
    file: str
    line: int = 0
    join: JoinFacts | None = None
    fingerprint: str = ""

    def column(self, name: str) -> ColumnFacts | None:
        """Return the counts of a column; None if the frame has no such column."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def empty_columns(self) -> tuple[str, ...]:
        """The columns without a value in any row, of a frame with rows."""
        if not self.rows:
            return ()
        return tuple(
            column.name for column in self.columns if column.nulls == self.rows or column.dtype == "null"
        )
