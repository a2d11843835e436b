"""Writing a frame to a table of a SQLite file in one transaction.

After an error, the file is unchanged. A new file, and in a sandbox any file, is complete before it gets its name.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import TableTarget
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext
from osiris_inspect.runtime.drivers.interface.file_paths import base_dir, input_file, output_file
from osiris_inspect.runtime.drivers.interface.frame_columns import check_column_names
from osiris_inspect.runtime.drivers.interface.writer_input import WriterInput, with_outcome
from osiris_inspect.runtime.drivers.sqlite.connect import connect, table_names, uses_wal
from osiris_inspect.runtime.drivers.sqlite.errors import sqlite_error
from osiris_inspect.runtime.drivers.sqlite.stored_values import StoredColumn, stored_column

_STAGE: Final = "temp.osiris_stage"
_GENERATED: Final = (2, 3)
"""Values of ``hidden`` in ``table_xinfo`` for computed columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteTarget(TableTarget):
    """Table of a SQLite file to write to, and how."""

    def error(self, message: str, kind: str, fix: str, **facts: Any) -> DriverError:
        """Return an error of the write, which names the table."""
        return DriverError(message, kind=kind, fix=fix, table=self.table, **facts)


def write(config: Config, frames: WriterInput, ctx: DriverContext) -> int:
    """Write all rows in one transaction; return how many SQLite counted.

    Raises:
        DriverError: the file or the table is missing, a value would change, or SQLite reports an error.
    """
    target = SqliteTarget.from_config(config)
    path = base_dir(config, ctx) / config["path"]
    try:
        with _transaction(config, ctx, path) as session, ctx.cancel.on_cancel(session.interrupt):
            return _SqliteTableWriter(session, target, frames, ctx).run()
    except sqlite3.Error as error:
        raise with_outcome(sqlite_error(error, "writing", path)) from error
    except DriverError as error:
        raise with_outcome(error) from error.__cause__


@contextmanager
def _transaction(config: Config, ctx: DriverContext, path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a session in a transaction, which is committed at the end of the block and rolled back after an error."""
    staged = ctx.outputs.get(str(path))
    if staged is not None and staged.refused is not None:
        raise staged.refused
    is_present = staged.has_old if staged is not None else os.path.lexists(path)
    if not is_present and not config["create_if_missing"]:
        raise _missing_file(config, ctx, path)
    if is_present and staged is None:
        existing = input_file(config, ctx, "SQLite")
        if not os.access(existing, os.W_OK):
            raise DriverError(
                f"cannot write {path}: permission denied",
                kind="permission-denied",
                fix="give the user that runs the step the right to write it and its folder",
                path=str(path),
            )
        uses_wal(existing)  # an error names a file of another format
        with _session(existing, config) as session:
            yield session
        return
    with (
        output_file(config, ctx, append=True) as temporary,
        _session(temporary, config, is_private=True) as session,
    ):
        yield session


@contextmanager
def _session(path: Path, config: Config, *, is_private: bool = False) -> Iterator[sqlite3.Connection]:
    with closing(connect(path, "mode=rw", config["lock_timeout"])) as session:
        if is_private:  # it is thrown away after an error, and synced before it gets its name
            session.execute("PRAGMA synchronous = OFF")
            if not uses_wal(path):
                session.execute("PRAGMA journal_mode = MEMORY")
        session.execute("PRAGMA trusted_schema = OFF")
        session.execute("BEGIN IMMEDIATE")
        try:
            yield session
            session.execute("COMMIT")
        except BaseException:
            if session.in_transaction:
                session.execute("ROLLBACK")
            raise


def _missing_file(config: Config, ctx: DriverContext, path: Path) -> DriverError:
    fix = "set create_if_missing: true to create it"
    try:
        input_file(config, ctx, "SQLite")
    except DriverError as error:
        return DriverError(
            error.message, kind=error.kind, fix=f"{error.fix}; {fix} if it is new", **error.facts
        )
    return DriverError(f"SQLite file not found: {path}", kind="file-missing", fix=fix, path=str(path))


class _SqliteTableWriter:
    """One write in a transaction."""

    def __init__(
        self, session: sqlite3.Connection, target: SqliteTarget, frames: WriterInput, ctx: DriverContext
    ) -> None:
        self._session, self._target, self._ctx, self._rows = session, target, ctx, frames.rows
        self._schema, self._batches = frames.batches()
        self._natural = frames.natural
        self._into = f"main.{quote_name(target.table)}"
        self._names = ", ".join(map(quote_name, self._schema.names))

    def run(self) -> int:
        """Write the rows; return how many SQLite counted."""
        target = self._target
        self._check_frame()
        columns = self._open()
        if target.mode == "replace":
            self._session.execute(f"DELETE FROM {self._into}")  # noqa: S608  quoted
        if not target.key or target.mode == "append":
            written, sent = self._insert(self._into, columns), self._rows
        else:
            self._session.execute(
                f"CREATE TEMP TABLE osiris_stage AS SELECT {self._names} FROM {self._into} WHERE 0"  # noqa: S608  quoted
            )
            self._insert(_STAGE, columns)
            self._check_keys()
            written, sent = self._merge()
        if written != sent:
            raise target.error(
                f"the table {target.table} took {written:,} of {sent:,} rows; a trigger rejected the rest",
                "rows-rejected",
                "look for a trigger of the table that rejects rows",
                rows=sent,
                rows_accepted=written,
            )
        return written

    def _check_frame(self) -> None:
        names, key = self._schema.names, self._target.key
        check_column_names(names)
        folded: dict[str, str] = {}
        for name in names:
            other = folded.setdefault(name.lower(), name)
            if other != name or "\0" in name:
                reason = (
                    "contains the character NUL" if "\0" in name else f"differs from {other!r} in case only"
                )
                raise self._target.error(
                    f"the name of column {name!r} {reason}, which SQLite does not accept",
                    "frame-refused",
                    "rename it in an earlier step",
                    column=name,
                )
        missing = [name for name in key if name not in names]
        if missing:
            raise self._target.error(
                f"the frame has no column {', '.join(map(repr, missing))} of primary_key; it has {', '.join(names)}",
                "column-missing",
                suggestion(missing[0], names, "correct primary_key"),
                column=missing[0],
                missing=missing,
                columns=names,
                setting="primary_key",
            )

    def _open(self) -> list[StoredColumn]:
        """Find or create the table; return its columns that are written."""
        target = self._target
        row = self._session.execute(
            "SELECT type FROM main.sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
            [target.table],
        ).fetchone()
        if row is None:
            return self._create()
        if row[0] == "view":
            raise target.error(
                f"{target.table} is a view, which takes no rows",
                "config-value-invalid",
                "set table to the name of a table",
                setting="table",
            )
        rows = self._session.execute(
            "SELECT name, type, hidden FROM pragma_table_xinfo(?, 'main')", [target.table]
        ).fetchall()
        self._check_columns(
            [str(name) for name, _, _ in rows], [str(row[0]) for row in rows if row[2] in _GENERATED]
        )
        declared = {str(name).lower(): str(kind or "") for name, kind, _ in rows}
        if target.mode == "upsert":
            self._check_unique()
        return [
            stored_column(field, self._natural[field.name], declared[field.name.lower()])
            for field in self._schema
        ]

    def _create(self) -> list[StoredColumn]:
        target = self._target
        if not target.create_if_missing:
            raise target.error(
                f"table {target.table} does not exist",
                "table-missing",
                suggestion(
                    target.table, table_names(self._session), "set create_if_missing: true to create it"
                ),
            )
        columns = [stored_column(field, self._natural[field.name], None) for field in self._schema]
        parts = [f"{quote_name(column.name)} {column.ddl}" for column in columns]
        if target.key:
            parts.append(f"PRIMARY KEY ({self._key()})")
        self._session.execute(f"CREATE TABLE {self._into} ({', '.join(parts)})")
        return columns

    def _check_columns(self, known: list[str], generated: list[str]) -> None:
        target, names = self._target, self._schema.names
        folded = {name.lower() for name in known}
        unknown = [name for name in names if name.lower() not in folded]
        if unknown:
            raise target.error(
                f"table {target.table} has no column {', '.join(map(repr, unknown))}; it has {', '.join(known)}",
                "column-missing",
                suggestion(unknown[0], known, "add the column to the table, or leave it out of the frame"),
                column=unknown[0],
                missing=unknown,
                columns=known,
            )
        computed = [name for name in names if name.lower() in {each.lower() for each in generated}]
        if computed:
            raise target.error(
                f"column {', '.join(map(repr, computed))} of table {target.table} is generated and cannot be written",
                "value-refused",
                "leave it out of the frame",
                column=computed[0],
                columns=computed,
            )

    def _check_unique(self) -> None:
        """Check that the table has a unique constraint on the key."""
        target = self._target
        indexes = self._session.execute(
            'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial', [target.table]
        ).fetchall()
        unique = [
            {
                str(column).lower()
                for (column,) in self._session.execute("SELECT name FROM pragma_index_info(?)", index)
            }
            for index in indexes
        ]
        primary = self._session.execute(
            "SELECT name FROM pragma_table_info(?) WHERE pk", [target.table]
        ).fetchall()
        unique.append({str(name).lower() for (name,) in primary})
        if {name.lower() for name in target.key} in unique:
            return
        shown = "; ".join(sorted(", ".join(sorted(names)) for names in unique if names)) or "none"
        raise target.error(
            f"table {target.table} has no unique constraint on ({', '.join(target.key)}), which upsert needs; unique are: {shown}",
            "constraint-missing",
            "add a unique constraint on it, or name unique columns in primary_key",
            columns=list(target.key),
        )

    def _insert(self, into: str, columns: list[StoredColumn]) -> int:
        """Insert all rows; return how many SQLite counted."""
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {into} ({self._names}) VALUES ({marks})"  # noqa: S608  quoted
        done = written = 0
        for batch in self._batches:
            cells = [
                column.values(array, done + 1) for column, array in zip(columns, batch.columns, strict=True)
            ]
            if batch.num_rows:
                written += self._session.executemany(statement, zip(*cells, strict=True)).rowcount
            done += batch.num_rows
            self._ctx.progress(done)
        return written

    def _check_keys(self) -> None:
        """Check that the keys of the rows are unique and not null, or remove all but the last row of each."""
        target, key = self._target, self._key()
        is_null = " OR ".join(f"{quote_name(name)} IS NULL" for name in target.key)
        (nulls,) = self._session.execute(f"SELECT count(*) FROM {_STAGE} WHERE {is_null}").fetchone()  # noqa: S608  quoted
        names = ", ".join(target.key)
        if nulls:
            raise target.error(
                f"{nulls:,} rows have no value in primary_key ({names})",
                "null-keys",
                "fill the key or drop these rows in an earlier step",
                columns=list(target.key),
                rows=nulls,
            )
        duplicate = self._session.execute(
            f"SELECT {key}, count(*) FROM {_STAGE} GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 1"  # noqa: S608  quoted
        ).fetchone()
        if duplicate is None:
            return
        if not target.keep_last_duplicate:
            shown = ", ".join(f"{name}={value}" for name, value in zip(target.key, duplicate, strict=False))
            raise target.error(
                f"{duplicate[-1]} rows of the input have the same primary_key ({shown})",
                "duplicate-keys",
                "deduplicate them in an earlier step, or set on_duplicate_keys: last",
                columns=list(target.key),
                rows=duplicate[-1],
            )
        self._session.execute(
            f"DELETE FROM {_STAGE} WHERE rowid NOT IN (SELECT max(rowid) FROM {_STAGE} GROUP BY {key})"  # noqa: S608  quoted
        )

    def _merge(self) -> tuple[int, int]:
        """Write the staged rows; return how many rows SQLite counted, and how many were staged."""
        (staged,) = self._session.execute(f"SELECT count(*) FROM {_STAGE}").fetchone()  # noqa: S608  a name of this module
        others = [name for name in self._schema.names if name not in self._target.key]
        # a row without other columns is assigned to itself, so that SQLite counts it
        assignments = ", ".join(
            f"{quote_name(name)} = excluded.{quote_name(name)}" for name in others or self._target.key
        )
        conflict = ""
        if self._target.mode == "upsert":
            conflict = f" ON CONFLICT ({self._key()}) DO UPDATE SET {assignments}"
        written = self._session.execute(
            f"INSERT INTO {self._into} ({self._names}) SELECT {self._names} FROM {_STAGE} WHERE true{conflict}"  # noqa: S608  quoted
        ).rowcount
        return written, staged

    def _key(self) -> str:
        return ", ".join(map(quote_name, self._target.key))
