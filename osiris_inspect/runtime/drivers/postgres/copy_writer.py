"""Writing a frame to a PostgreSQL table in one transaction; the server counts the rows.

Rows are sent by COPY: directly to the table in mode ``append``, otherwise to a temporary table that is then merged. After
an error, the table is unchanged.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
import pyarrow as pa
import pyarrow.csv as pc
from psycopg import sql

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import TableTarget
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext
from osiris_inspect.runtime.drivers.interface.frame_columns import (
    check_column_names,
    delimiter_of_header,
    header_error,
)
from osiris_inspect.runtime.drivers.interface.writer_input import UNKNOWN_ROWS, WriterInput, with_outcome
from osiris_inspect.runtime.drivers.postgres.binary_rows import binary_rows, binary_schema
from osiris_inspect.runtime.drivers.postgres.errors import blame_input, read_error
from osiris_inspect.runtime.drivers.postgres.types import TargetColumn, ddl_type, encode_column, nul_error

ROWS_PER_BATCH: Final = 65_536
REJECTED_ROWS_FIX: Final = "look for a trigger, rule or policy of the table that rejects rows"
_STAGING_TABLE: Final = sql.Identifier("osiris_stage")
_COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> ''
    FROM pg_attribute a WHERE a.attrelid = %s::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_UNIQUE: Final = """
    SELECT array_agg(a.attname::text) FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = %s::oid AND i.indisunique AND i.indexprs IS NULL AND (i.indpred IS NULL AND i.indimmediate) = %s
    GROUP BY i.indexrelid
"""
_WRITABLE: Final[Mapping[str, str]] = {
    "r": "a table",
    "p": "a partitioned table",
    "v": "a view",
    "f": "a foreign table",
}
_NOT_WRITABLE: Final[Mapping[str, str]] = {
    "m": "a materialized view",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
    "t": "a TOAST table",
}
"""Value of ``relkind`` to its name."""
_SYSTEM_COLUMNS: Final = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTarget(TableTarget):
    """Table to write to, with its schema, and how."""

    schema: str

    @classmethod
    def from_config(cls, config: Config, **place: str) -> "WriteTarget":
        """Return the target in a step's configuration, whose ``table`` may include the schema: ``sales.orders``."""
        schema, table = str(config["schema"]), str(config["table"])
        if table.count(".") == 1:
            schema, _, table = table.partition(".")
        return super(WriteTarget, cls).from_config(config, schema=schema, table=table, **place)

    @property
    def name(self) -> str:
        """The name of the table with its schema, for messages."""
        return f"{self.schema}.{self.table}"

    @property
    def identifier(self) -> sql.Identifier:
        """The name of the table in SQL."""
        return sql.Identifier(self.schema, self.table)

    def check_frame_columns(self, names: list[str]) -> None:
        """Check that a frame with columns of these names can be written and has the key.

        Raises:
            DriverError: a name is empty or occurs twice, or a column of the key is missing.
        """
        check_column_names(names)
        reserved = next((name for name in names if name in _SYSTEM_COLUMNS), None)
        if reserved is not None:
            raise DriverError(
                f"the frame has a column {reserved!r}, which is the name of a system column of PostgreSQL",
                kind="frame-refused",
                fix="rename it in an earlier step",
                column=reserved,
                columns=names,
                rows_written=0,
            )
        missing = [name for name in self.key if name not in names]
        if missing:
            delimiter = delimiter_of_header(names, self.key)
            if delimiter is not None:
                raise header_error(names[0], delimiter)
            raise DriverError(
                f"the frame has no column {', '.join(map(repr, missing))} of primary_key; it has {', '.join(names)}",
                kind="column-missing",
                fix=suggestion(missing[0], names, "correct primary_key"),
                column=missing[0],
                missing=missing,
                columns=names,
                setting="primary_key",
                rows_written=0,
            )

    def null_key_error(self, rows: int) -> DriverError:
        """Return the error for rows whose key is null."""
        return DriverError(
            f"{rows:,} rows have no value in primary_key ({', '.join(self.key)}); nothing was written",
            kind="null-keys",
            fix="fill the key or drop these rows in an earlier step",
            table=self.name,
            columns=list(self.key),
            rows=rows,
            rows_written=0,
        )

    def duplicate_key_error(self, rows: int, values: Iterable[Any]) -> DriverError:
        """Return the error for several rows with the same key."""
        key = ", ".join(f"{name}={value}" for name, value in zip(self.key, values, strict=True))
        return DriverError(
            f"{rows} rows of the input have the same primary_key ({key}); nothing was written",
            kind="duplicate-keys",
            fix="deduplicate them in an earlier step, or set on_duplicate_keys: last",
            table=self.name,
            columns=list(self.key),
            rows=rows,
            rows_written=0,
        )

    def rejected_rows_message(self, accepted: int, sent: int) -> str:
        """Return the message for a server that did not accept all rows."""
        return f"the server took {accepted:,} of {sent:,} rows (a trigger, rule or policy rejected the rest)"


def write(
    session: psycopg.Connection[Any], target: WriteTarget, frames: WriterInput, ctx: DriverContext
) -> int:
    """Write all rows in the session's transaction; return the number of rows that the server counted.

    Raises:
        DriverError: the server reported an error or did not accept all rows.
    """
    schema, batches = frames.batches(ROWS_PER_BATCH)
    writer = _TableWriter(session, target, schema, frames)
    try:
        writer.open()
        return writer.run(batches, frames.rows, ctx)
    except DriverError as error:  # before the commit
        raise with_outcome(error) from error.__cause__


def create(session: psycopg.Connection[Any], target: WriteTarget, frames: WriterInput) -> None:
    """Create the table from the frame's columns if it does not exist."""
    schema, _ = frames.batches(1)
    _TableWriter(session, target, schema, frames).open()


def write_error(
    target: WriteTarget, frames: WriterInput, error: psycopg.Error, *, is_committing: bool
) -> DriverError:
    """Return the error for a write that the server aborted.

    ``is_committing`` says that the commit was sent. If the connection was lost then, its outcome is unknown.
    """
    server = blame_input(read_error(error, "committing" if is_committing else "writing"), frames)
    is_unknown = is_committing and server.kind == "connection-lost"
    outcome = "unknown whether rows were written" if is_unknown else "nothing was written"
    return DriverError(
        f"PostgreSQL write to {target.name} failed: {server.text}; {outcome}",
        kind=server.kind,
        fix="look whether the table has the rows before the step runs again" if is_unknown else server.fix,
        **{"table": target.name, **server.error_facts, "rows_written": UNKNOWN_ROWS if is_unknown else 0},
    )


class _TableWriter:
    """One write in a transaction."""

    def __init__(
        self,
        session: psycopg.Connection[Any],
        target: WriteTarget,
        schema: pa.Schema,
        frames: WriterInput,
    ) -> None:
        self._session, self._target, self._schema = session, target, schema
        self._frames, self._natural = frames, frames.natural
        self._types: dict[str, str] = {}
        self._relation_kind = "r"
        self._copies_directly = target.mode == "append"

    def open(self) -> None:
        """Find or create the table, and check that the rows fit it."""
        self._target.check_frame_columns(self._schema.names)
        oid = self._find()
        if oid is None:
            self._create()
            oid = self._find()
        columns = self._session.execute(_COLUMNS, [oid]).fetchall()
        self._types = {str(name): str(kind) for name, kind, _ in columns}
        generated = [str(name) for name, _, is_generated in columns if is_generated]
        self._check_columns(list(self._types), generated)
        if self._target.mode != "append":
            self._check_unique(oid)
        has_policies = self._session.execute("SELECT row_security_active(%s::oid)", [oid]).fetchone()
        if has_policies is not None and has_policies[0]:
            self._copies_directly = False  # PostgreSQL rejects COPY to a table with row security policies
        if self._relation_kind == "v":
            self._copies_directly = False  # COPY needs a trigger; INSERT works for most views

    def run(self, batches: Iterator[pa.RecordBatch], rows: int, ctx: DriverContext) -> int:
        """Send the rows; return the number of rows that the server counted."""
        if self._copies_directly:
            accepted = self._copy(self._target.identifier, batches, ctx)
        else:
            self._copy_into_stage(batches, ctx)
            rows = self._deduplicate(rows)
            accepted = self._merge_stage()
        if accepted != rows:
            text = self._target.rejected_rows_message(accepted, rows)
            raise DriverError(
                f"PostgreSQL write to {self._target.name} failed: {text}; nothing was written",
                kind="rows-rejected",
                fix=REJECTED_ROWS_FIX,
                table=self._target.name,
                rows=rows,
                rows_accepted=accepted,
                rows_written=0,
            )
        return accepted

    def _find(self) -> int | None:
        row = self._session.execute(
            "SELECT c.oid::bigint, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            [self._target.schema, self._target.table],
        ).fetchone()
        if row is None:
            return None
        self._relation_kind = str(row[1])
        if self._relation_kind not in _WRITABLE:
            what = _NOT_WRITABLE.get(self._relation_kind, "another kind of relation")
            raise DriverError(
                f"{self._target.name} is {what}, which takes no rows",
                kind="config-value-invalid",
                fix="set table to the name of a table",
                table=self._target.name,
                setting="table",
                rows_written=0,
            )
        return int(row[0])

    def _create(self) -> None:
        if not self._target.create_if_missing:
            tables = self._session.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", [self._target.schema]
            ).fetchall()
            names = [str(row[0]) for row in tables]
            other = self._session.execute(
                "SELECT schemaname FROM pg_tables WHERE tablename = %s ORDER BY schemaname LIMIT 1",
                [self._target.table],
            ).fetchone()
            if other is not None:
                raise DriverError(
                    f"table {self._target.name} does not exist; schema {other[0]!r} has a table of this name",
                    kind="table-missing",
                    fix=f"set schema: {other[0]} if it is that table, or set create_if_missing: true to create another",
                    table=self._target.name,
                    found_schema=str(other[0]),
                    rows_written=0,
                )
            raise DriverError(
                f"table {self._target.name} does not exist",
                kind="table-missing",
                fix=suggestion(self._target.table, names, "set create_if_missing: true to create it"),
                table=self._target.name,
                rows_written=0,
            )
        columns = [
            sql.SQL("{} {}").format(
                sql.Identifier(field.name),
                sql.SQL(ddl_type(field.type, self._natural[field.name])),
            )
            for field in self._schema
        ]
        if self._target.key:
            columns.append(sql.SQL("PRIMARY KEY ({})").format(_names(self._target.key)))
        self._session.execute(
            sql.SQL("CREATE TABLE {} ({})").format(self._target.identifier, sql.SQL(", ").join(columns))
        )
        # PostgREST caches the schema; this makes it reload the schema after the commit
        self._session.execute("NOTIFY pgrst, 'reload schema'")

    def _check_columns(self, known: list[str], generated: list[str]) -> None:
        unknown = [name for name in self._schema.names if name not in known]
        if unknown:
            delimiter = delimiter_of_header(unknown, known)
            if delimiter is not None:
                raise header_error(unknown[0], delimiter)
            raise DriverError(
                f"table {self._target.name} has no column {', '.join(map(repr, unknown))}; it has {', '.join(known)}",
                kind="column-missing",
                fix=suggestion(
                    unknown[0], known, "add the column to the table, or leave it out of the frame"
                ),
                table=self._target.name,
                column=unknown[0],
                missing=unknown,
                columns=known,
                rows_written=0,
            )
        computed = [name for name in self._schema.names if name in generated]
        if computed:
            raise DriverError(
                f"column {', '.join(map(repr, computed))} of table {self._target.name} is generated: "
                "the database computes it, and it cannot be written",
                kind="value-refused",
                fix="leave it out of the frame",
                table=self._target.name,
                column=computed[0],
                columns=computed,
                rows_written=0,
            )

    def _check_unique(self, oid: int | None) -> None:
        if self._relation_kind in ("v", "f"):
            raise DriverError(
                f"{self._target.name} is {_WRITABLE[self._relation_kind]}, which has no unique constraint of its own, "
                f"and {self._target.mode} needs one",
                kind="constraint-missing",
                fix="write to the table behind it, or set write_mode: append",
                table=self._target.name,
                columns=list(self._target.key),
                rows_written=0,
            )
        constraints, unusable = (
            [set(row[0]) for row in self._session.execute(_UNIQUE, [oid, is_usable]).fetchall()]
            for is_usable in (True, False)
        )
        if set(self._target.key) not in constraints:
            key = ", ".join(self._target.key)
            unique = "; ".join(", ".join(sorted(names)) for names in constraints) or "none"
            text = f"table {self._target.name} has no unique constraint on ({key}), which {self._target.mode} needs"
            if set(self._target.key) in unusable:
                text = (
                    f"the unique constraint or index of table {self._target.name} on ({key}) is deferrable or partial, "
                    f"and {self._target.mode} cannot use it"
                )
            raise DriverError(
                f"{text}; unique are: {unique}",
                kind="constraint-missing",
                fix="add a unique constraint on it, or name unique columns in primary_key",
                table=self._target.name,
                columns=list(self._target.key),
                unique=[sorted(names) for names in constraints],
                rows_written=0,
            )

    def _copy(self, into: sql.Identifier, batches: Iterator[pa.RecordBatch], ctx: DriverContext) -> int:
        columns = [
            TargetColumn(field.name, field.type, self._natural[field.name], self._types[field.name])
            for field in self._schema
        ]
        schema = binary_schema(columns)
        if schema is not None:
            try:
                with self._session.transaction():  # a savepoint
                    return self._send(into, "BINARY", binary_rows(schema, batches), ctx)
            except psycopg.OperationalError:
                raise
            except (psycopg.Error, pa.ArrowException):  # as CSV, the server names the value that it refuses
                _, batches = self._frames.batches(ROWS_PER_BATCH)
        return self._send(into, "CSV", ((_csv(batch, columns), batch.num_rows) for batch in batches), ctx)

    def _send(
        self,
        into: sql.Identifier,
        form: LiteralString,
        parts: Iterator[tuple[bytes, int]],
        ctx: DriverContext,
    ) -> int:
        command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
            into, _names(self._schema.names), sql.SQL(form)
        )
        sent = 0
        with self._session.cursor() as cursor:
            with cursor.copy(command) as copy:
                for part, rows in parts:
                    copy.write(part)
                    sent += rows
                    if rows:
                        ctx.progress(sent)
            return cursor.rowcount

    def _copy_into_stage(self, batches: Iterator[pa.RecordBatch], ctx: DriverContext) -> None:
        self._session.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                _STAGING_TABLE, _names(self._schema.names), self._target.identifier
            )
        )
        self._copy(_STAGING_TABLE, batches, ctx)

    def _deduplicate(self, rows: int) -> int:
        """Check that keys are unique, or remove duplicates; return the number of rows that are left."""
        if not self._target.key:
            return rows
        key = _names(self._target.key)
        is_null = self._for_key("{} IS NULL", " OR ")
        (nulls,) = self._one(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(_STAGING_TABLE, is_null))
        if nulls:
            raise self._target.null_key_error(nulls)
        duplicates = sql.SQL(
            "SELECT {}, count(*) FROM {} GROUP BY {} HAVING count(*) > 1 ORDER BY {} LIMIT 1"
        )
        duplicate = self._session.execute(duplicates.format(key, _STAGING_TABLE, key, key)).fetchone()
        if duplicate is None:
            return rows
        if not self._target.keep_last_duplicate:
            raise self._target.duplicate_key_error(duplicate[-1], duplicate[:-1])
        delete = sql.SQL("DELETE FROM {0} a USING {0} b WHERE a.ctid < b.ctid AND {1}")
        self._session.execute(delete.format(_STAGING_TABLE, self._for_key("a.{0} = b.{0}", " AND ")))
        (left,) = self._one(sql.SQL("SELECT count(*) FROM {}").format(_STAGING_TABLE))
        return int(left)

    def _merge_stage(self) -> int:
        names, into = _names(self._schema.names), self._target.identifier
        if self._target.mode == "replace":
            # no other client may write between the insert and the delete
            self._session.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(into))
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(into, names, names, _STAGING_TABLE)
        if self._target.mode != "append":
            insert = sql.SQL("{} ON CONFLICT ({}) DO UPDATE SET {}").format(
                insert, _names(self._target.key), self._assignments()
            )
        accepted = self._session.execute(insert).rowcount
        if self._target.mode == "replace":
            delete = sql.SQL("DELETE FROM {} t WHERE NOT EXISTS (SELECT FROM {} s WHERE {})")
            same_key = self._for_key("s.{0} = t.{0}", " AND ")
            self._session.execute(delete.format(into, _STAGING_TABLE, same_key))
        return accepted

    def _for_key(self, template: LiteralString, separator: LiteralString) -> sql.Composed:
        """Return the template for each column of the key, joined."""
        parts = [sql.SQL(template).format(sql.Identifier(name)) for name in self._target.key]
        return sql.SQL(separator).join(parts)

    def _assignments(self) -> sql.Composable:
        others = [name for name in self._schema.names if name not in self._target.key]
        # a row without other columns is assigned to itself, so that the server counts it
        names = others or list(self._target.key)
        return sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names
        )

    def _one(self, query: sql.Composed) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._session.execute(query).fetchone()
        assert row is not None  # noqa: S101  an aggregate returns one row
        return row


def _names(names: Any) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _csv(batch: pa.RecordBatch, columns: list[TargetColumn]) -> bytes:
    """Return rows as PostgreSQL's CSV: null is an empty field, an empty text is a pair of quotes."""
    arrays = [encode_column(column, array) for column, array in zip(columns, batch.columns, strict=True)]
    names = [f"c{index}" for index in range(len(arrays))]
    out = io.BytesIO()
    options = pc.WriteOptions(include_header=False, quoting_style="needed", batch_size=ROWS_PER_BATCH)
    pc.write_csv(pa.table(arrays, names=names), out, options)
    rows = out.getvalue()
    if b"\0" in rows and (error := nul_error([column.name for column in columns], arrays)) is not None:
        raise error
    return rows
