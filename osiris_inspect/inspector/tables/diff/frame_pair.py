"""Two frames on disk, opened as views of a DuckDB database with bounded memory."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from osiris_inspect.base.sql_literals import quote_text
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.frame_info import Cell
from osiris_inspect.inspector.tables.diff.expressions import column_changes, shared_columns
from osiris_inspect.inspector.tables.parquet_budget import oversized_column
from osiris_inspect.inspector.tables.sql_cells import cell_texts
from osiris_inspect.inspector.tables.sql_memory import scratch_folder
from osiris_inspect.model.errors import OsirisError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MEMORY_LIMIT: Final = "400MB"
"""Memory of DuckDB; Python and the libraries take the rest of 700 MB."""
MAX_SPILLED: Final = "16GB"
MAX_THREADS: Final = 4
_PART_ROWS: Final = 2_000_000
_MAX_CELL: Final = 200
Side = Literal["l", "r"]


class FramesNotComparable(OsirisError):
    """Two frames that cannot be compared; the message says which one and why."""


class FramePair:
    """The views ``l_rows`` and ``r_rows``, each with the column ``file_row_number``. Not thread-safe.

    Attributes:
        rows: the numbers of their rows.
        columns: the columns that both have.
        column_changes: differences of names, types and the order of columns, in words.
        types: the types of the columns of each side, by name.
    """

    def __init__(self, base: Path, other: Path) -> None:
        """Open two Parquet files.

        Raises:
            FramesNotComparable: a file is missing, damaged or too large.
        """
        import duckdb

        files = [_checked(path) for path in (base, other)]
        self._scratch = scratch_folder()
        self.connection: DuckDBPyConnection = duckdb.connect(config=_settings(self._scratch.name))
        with readable_errors():
            for side, file in zip("lr", files, strict=True):
                source = f"read_parquet({quote_text(file)}, hive_partitioning=false, file_row_number=true)"
                self.connection.execute(f"CREATE VIEW {side}_rows AS FROM {source}")
            self.connection.execute(f"SET allowed_paths = [{', '.join(map(quote_text, files))}]")
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("SET enable_external_access = false")
            self.connection.execute("SET lock_configuration = true")
            self.types: Mapping[Side, dict[str, str]] = {"l": self._types("l"), "r": self._types("r")}
            self.rows = self.count("SELECT count(*) FROM l_rows"), self.count("SELECT count(*) FROM r_rows")
        self.columns = shared_columns(self.types["l"], self.types["r"])
        self.column_changes = tuple(column_changes(self.types["l"], self.types["r"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._scratch.cleanup()

    @staticmethod
    def parts_of(rows: int) -> int:
        """Return the number of parts in which rows are grouped, so that each fits in memory."""
        return max(1, -(-rows // _PART_ROWS))

    def count(self, query: str) -> int:
        """Return the only value of a query."""
        ((count,),) = self.connection.execute(query).fetchall()
        return int(count or 0)

    def table(self, query: str) -> "pa.Table":
        """Return the rows of a query."""
        relation = self.connection.sql(query)
        if relation is None:
            raise FramesNotComparable("the frames cannot be compared: a query returned nothing")
        return relation.to_arrow_table()

    def _types(self, side: Side) -> dict[str, str]:
        rows = self.connection.execute(
            f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {side}_rows"
        ).fetchall()
        return {row[0]: row[1] for row in rows}


def _settings(scratch: str) -> dict[str, Any]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": scratch,
        "max_temp_directory_size": MAX_SPILLED,
        "threads": min(MAX_THREADS, os.cpu_count() or 1),
    }


def _checked(path: Path) -> str:
    """Return the real path of a frame that can be read.

    Raises:
        FramesNotComparable: it cannot.
    """
    from pyarrow.parquet import read_metadata

    remote_registry.fetch_all(path)
    try:
        with RunFiles(path.parent).opened_path(path.name) as opened:
            reason = oversized_column(read_metadata(opened))
    except (OSError, ValueError) as error:  # pyarrow raises the last one
        raise FramesNotComparable(f"cannot read the frame {str(path)!r}: {error}") from error
    if reason is not None:
        raise FramesNotComparable(f"the frame {str(path)!r} is too large to read: {reason}")
    return str(path.resolve())


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn errors of DuckDB into ``FramesNotComparable``."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        text = " ".join(str(error).splitlines()[:1])
        raise FramesNotComparable(f"the frames cannot be compared: {text}") from error


def texts(name: str, column: "pa.ChunkedArray") -> list[Cell]:
    """Return the cells of a column as short texts, secrets masked."""
    return [cell for chunk in column.chunks for cell in cell_texts(name, chunk, _MAX_CELL)]
