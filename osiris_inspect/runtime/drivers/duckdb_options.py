"""Options of DuckDB for one step: what it may read, how much memory it may use, and where it writes what does not fit."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from glob import iglob
from pathlib import Path
from typing import Final

import duckdb

from osiris_inspect.base.sql_literals import quote_text
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.files.memory_limit import MemoryLimit

_QUOTED: Final = re.compile(r"'([^'\n\0]{1,1000})'|\"([^\"\n\0]{1,1000})\"")
_MIN_BYTES: Final = 64 << 20
_BYTES_PER_THREAD: Final = 128 << 20
"""Memory below which another thread of DuckDB does more harm than good."""


@contextmanager
def open_database(temp_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory, which is closed at the end of the block; then ``temp_dir`` is removed."""
    # SQL must not read the variables of this program
    options: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": False,
        "temp_directory": str(temp_dir),
    }
    try:
        with closing(duckdb.connect(":memory:", config=options)) as connection:
            yield connection
    finally:
        shutil.rmtree(temp_dir, ignore_errors=True)


def set_limits(connection: duckdb.DuckDBPyConnection, config: Config, memory: MemoryLimit) -> int | None:
    """Limit memory and threads; return the bytes that DuckDB may use if they come from a limit of the process.

    Half of what is free is left for the result and for what DuckDB does not count. Call it when the inputs are in
    memory. Without a limit of the process, DuckDB uses up to 80 % of the memory of the machine.

    Raises:
        DriverError: memory_limit of the step is invalid.
    """
    size = None
    if config.get("memory_limit"):
        _set_memory_limit(connection, str(config["memory_limit"]))
    elif memory.is_set:
        size = max(_MIN_BYTES, memory.free_bytes() // 2)
        connection.execute(f"SET memory_limit = '{size}B'")
    if config.get("threads"):
        connection.execute(f"SET threads = {int(config['threads'])}")
    elif size is not None:
        most = max(1, size // _BYTES_PER_THREAD)
        connection.execute(f"SET threads = least({most}, current_setting('threads'))")
    return size


def search_files_in(connection: duckdb.DuckDBPyConnection, base: Path, query: str) -> None:
    """Let SQL find relative names of files in the folder ``base``.

    DuckDB searches the working directory first, which is another folder only if a Python program runs the worker.

    Raises:
        DriverError: a name that the query contains is a file of the working directory.
    """
    connection.execute(f"SET file_search_path = {quote_text(str(base))}")
    cwd = Path.cwd()
    if cwd == base.resolve():
        return
    for text in dict.fromkeys(match[1] or match[2] for match in _QUOTED.finditer(query)):
        names = iglob(text, root_dir=cwd, recursive=True)  # noqa: PTH207  Path.glob raises for some texts
        found = None if text.startswith("/") else next(names, None)
        if found is not None and (cwd / found).is_file():
            raise DriverError(
                f"DuckDB transformation failed: {text!r} is a file of the working directory {cwd}, which DuckDB reads in "
                f"place of one in {base}",
                kind="config-value-invalid",
                fix=f"write the whole path, or change the working directory to {base}",
                setting="query",
                path=str(cwd / found),
            )


def restrict_files(connection: duckdb.DuckDBPyConnection, paths: list[Path]) -> None:
    """Allow SQL to read the files at ``paths``, but no other file and no network, and lock all options."""
    connection.execute(f"SET allowed_paths = [{', '.join(quote_text(str(path)) for path in paths)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _set_memory_limit(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    try:
        connection.execute(f"SET memory_limit = {quote_text(limit)}")
    except duckdb.Error as error:
        raise DriverError(
            f"DuckDB transformation failed: memory_limit is {limit!r}: {str(error).splitlines()[0]}",
            kind="config-value-invalid",
            fix="write a number with a unit, such as 2GB",
            setting="memory_limit",
            value=limit,
        ) from error
