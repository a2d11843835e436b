"""DuckDB views of the frames that a step takes: in memory, or in a file for other programs."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    import pyarrow as pa


class InputViews:
    """Database in memory with a view for each Parquet file, or a frame in its place."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        import duckdb

        self._connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
        for name, path in files.items():
            self._connection.execute(_view(name, str(path)))

    def replace(self, name: str, frame: Any) -> None:
        """Show a pandas frame in place of a file."""
        self._connection.execute(f"DROP VIEW IF EXISTS {quote_name(name)}")
        self._connection.register(name, frame)

    def query(self, sql: str) -> Any:
        """Return the result of a query as a pandas frame; None for a statement without one.

        Raises:
            duckdb.Error: DuckDB rejects it.
        """
        result = self._connection.sql(sql)
        return None if result is None else result.df()

    def query_arrow(self, sql: str) -> "pa.Table":
        """Return the result of a query as an Arrow table; it is empty for a statement without one.

        Raises:
            duckdb.Error: DuckDB rejects it.
        """
        import pyarrow as pa

        result = self._connection.sql(sql)
        return pa.table({}) if result is None else result.to_arrow_table()


def write_view_database(path: Path, files: Mapping[str, Path]) -> None:
    """Write a new DuckDB file of views over Parquet files, which are named relative to its folder.

    Raises:
        SettingsError: the file exists, or it cannot be written.
    """
    import duckdb

    if os.path.lexists(path):
        raise SettingsError(f"{path} exists; name a new file")
    folder = path.absolute().parent
    try:
        with duckdb.connect(str(path)) as connection:
            # DuckDB checks each view in the working directory, which may be another folder
            connection.execute(f"SET file_search_path = {quote_text(str(folder))}")
            for name, file in files.items():
                connection.execute(_view(name, os.path.relpath(file.absolute(), folder)))
    except (duckdb.Error, OSError) as error:
        path.unlink(missing_ok=True)
        raise SettingsError(f"cannot write {path}: {str(error).splitlines()[0]}") from None


def table_names(inputs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the names of each input in SQL, as a DuckDB step has them, from pairs of its name and its step."""
    from osiris_inspect.model.manifest import input_name

    pairs = list(inputs)
    more = ("input_df", "df") if len(pairs) == 1 else ()
    return [tuple(dict.fromkeys((name, input_name(step), *more))) for name, step in pairs]


def _view(name: str, path: str) -> str:
    # both are quoted
    return f"CREATE VIEW {quote_name(name)} AS SELECT * FROM read_parquet({quote_text(path)})"  # noqa: S608
