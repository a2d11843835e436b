"""Opening a SQLite file to read it, which leaves the file and its folder as they are."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.sqlite.errors import not_sqlite, sqlite_error
from osiris_inspect.runtime.pipeline import pipeline_files

_MAGIC: Final = b"SQLite format 3\0"
_WRITE_VERSION: Final = 18
"""Position in the header of the version of the writer: 2 for a file with a write-ahead log."""
_WAL: Final = 2
_HEADER_BYTES: Final = 100


def with_path(config: Config) -> Config:
    """Return the configuration with the ``path`` of the database as its own.

    Raises:
        DriverError: neither the step nor its connection has one.
    """
    connection = config.get("resolved_connection")
    path = pipeline_files.database_path(config, connection)
    if path is None:
        raise DriverError(
            f"{connection_name(connection or {})} has no 'path'",
            kind="config-value-missing",
            fix="set path of the connection to the SQLite file",
            setting="path",
        )
    return {**config, "path": path}


@contextmanager
def read_only(path: Path, lock_timeout: float) -> Iterator[sqlite3.Connection]:
    """Yield a session that reads a file in one transaction; no file is created or changed.

    Raises:
        DriverError: the file is not a database or cannot be opened, or another program changed it meanwhile.
    """
    log = wal_file(path)
    if log is not None and not path.with_name(path.name + "-shm").exists():
        raise DriverError(
            f"{path} cannot be read alone: {log.name} contains changes that a program did not finish",
            kind="file-unreadable",
            fix=f"run sqlite3 '{path}' 'PRAGMA wal_checkpoint(TRUNCATE)', or the program that writes the file",
            path=str(path),
        )
    # without a log, SQLite would create one to read such a file
    is_immutable = log is None and uses_wal(path)
    before = _state(path)
    options = "mode=ro&immutable=1" if is_immutable else "mode=ro"
    try:
        session = connect(path, options, lock_timeout)
    except sqlite3.Error as error:
        raise sqlite_error(error, "querying", path) from error
    with closing(session):
        # a database must not open others, nor VACUUM INTO a new one
        session.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        try:
            session.execute("PRAGMA trusted_schema = OFF")
            session.execute("BEGIN")
            session.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise sqlite_error(error, "querying", path) from error
        yield session
    if is_immutable and (_state(path) != before or wal_file(path) is not None):
        raise DriverError(
            f"{path} changed while it was read",
            kind="file-changed",
            fix="run the step again when the program that writes the file has ended",
            path=str(path),
        )


def connect(path: Path, options: str, lock_timeout: float) -> sqlite3.Connection:
    """Open a file by a URI with ``options``; transactions are begun explicitly."""
    return sqlite3.connect(
        f"file:{quote(os.path.abspath(path))}?{options}",  # noqa: PTH100  Path.absolute keeps '..'
        uri=True,
        timeout=lock_timeout,
        isolation_level=None,
        check_same_thread=False,  # a frame is read by one thread at a time, not always the same
    )


def wal_file(path: Path) -> Path | None:
    """Return the write-ahead log with changes that the file does not contain yet; None without one."""
    log = path.with_name(path.name + "-wal")
    try:
        return log if log.stat().st_size else None
    except FileNotFoundError:
        return None


def uses_wal(path: Path) -> bool:
    """Return True if a file is written with a write-ahead log.

    Raises:
        DriverError: it is not a database; an empty file is one.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if header and not header.startswith(_MAGIC):
        raise not_sqlite(path)
    return len(header) > _WRITE_VERSION and header[_WRITE_VERSION] == _WAL


def test_connection(connection: Config) -> str:
    """Open the file and return a description of it; a relative path starts in the working directory.

    Raises:
        DriverError: the file is missing, or not a database.
    """
    path = Path(with_path({"resolved_connection": connection})["path"])
    if not path.is_file():
        raise DriverError(
            f"SQLite file not found: {path.absolute()}",
            kind="file-missing",
            fix="correct path of the connection, or let sqlite.writer create the file with create_if_missing",
            path=str(path),
            setting="path",
        )
    with read_only(path, 5) as session:
        names = table_names(session)
    count = f"{len(names)} table{'s' * (len(names) != 1)}"
    return f"file {path.resolve()}, {count}, read by SQLite {sqlite3.sqlite_version}"


def table_names(session: sqlite3.Connection) -> list[str]:
    """Return the names of the tables and views of a file."""
    rows: list[tuple[Any, ...]] = session.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    return [str(name) for (name,) in rows]


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
