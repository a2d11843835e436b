"""Types of the SQL console, without DuckDB; ``sql_console`` implements them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from osiris_inspect.inspector.run.frame_info import FrameReader

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table.

    Attributes:
        columns: names of the columns and DuckDB's names of their types.
        is_frame: True for the frame of a step, False for the tables that every run has.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    is_frame: bool = False


@dataclass(frozen=True, slots=True)
class SqlError:
    """A rejected, failed or cancelled query.

    Attributes:
        position: index of the character of the query that the error is about; None if unknown.
    """

    text: str
    position: int | None = None


class SqlResult(FrameReader, Protocol):
    """The first rows of a query, kept for paging.

    Attributes:
        is_complete: False if the query has more rows.
    """

    is_complete: bool

    def to_arrow(self) -> "pa.Table":
        """Return the kept rows with the types of the query, secrets masked."""

    def csv(self, out: TextIO) -> None:
        """Write the kept rows as CSV, secrets masked."""


class SqlSession(Protocol):
    """The tables of one run. Not thread-safe, except ``cancel``, which another thread calls."""

    def tables(self) -> Sequence[SqlTable]:
        """Return the tables."""

    def run_query(self, query: str) -> SqlResult | SqlError:
        """Run one SELECT; ``cancel`` ends it."""

    def progress(self) -> str:
        """Return how much of a log was read into its table; empty at other times."""

    def cancel(self) -> None:
        """End the running query; it returns an error."""

    def close(self) -> None:
        """Drop the tables."""
