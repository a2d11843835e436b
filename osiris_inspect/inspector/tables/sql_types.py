"""What a run is asked in SQL with, and what comes back. ``console`` answers; this room needs nothing to be installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from osiris_inspect.inspector.run.frame_info import FrameReader

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table that can be asked.

    Attributes:
        columns: their names and DuckDB's names of their types.
        is_frame: whether it is the frame of a step, not one of the tables that every run has.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    is_frame: bool = False


@dataclass(frozen=True, slots=True)
class SqlError:
    """Why a query has no answer.

    Attributes:
        at: the character of the query it is about, from 0; None where it is about no place of it.
    """

    text: str
    position: int | None = None


class SqlResult(FrameReader, Protocol):
    """The rows a query gave. They are kept, so that they can be paged through without asking again.

    Attributes:
        is_whole: False where there were more rows than are kept.
    """

    is_complete: bool

    def to_arrow(self) -> "pa.Table":
        """Return the rows that are kept with the types of the query, secrets masked."""

    def csv(self, out: TextIO) -> None:
        """Write all rows that are kept as CSV, secrets masked."""


class SqlSession(Protocol):
    """A run as tables. Not for two threads at once, but for ``stop``, which is for another one."""

    def tables(self) -> Sequence[SqlTable]:
        """What can be asked."""

    def run_query(self, query: str) -> SqlResult | SqlError:
        """The answer to one SELECT. It may take long; ``stop`` ends it."""

    def progress(self) -> str:
        """What is being done before the query itself, in a few words; empty where nothing is."""

    def cancel(self) -> None:
        """End what is being asked: its answer is a refusal."""

    def close(self) -> None:
        """Let go of the tables."""
