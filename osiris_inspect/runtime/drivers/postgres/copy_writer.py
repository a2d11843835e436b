"""A frame into a table of PostgreSQL: one transaction, all or nothing, counted by the server.

Rows go in by COPY: straight into the table where they are only added, otherwise into a temporary table first, from which
one statement takes them over. Whatever fails, the table is as it was.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pyarrow as pa
import pyarrow.csv as pc
from psycopg import sql

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.interface.writer_input import WriterInput
from osiris_inspect.runtime.drivers.postgres import types as postgres_types
from osiris_inspect.runtime.drivers.postgres.connect import explain
from osiris_inspect.runtime.drivers.postgres.types import DecodeColumn, TargetColumn

_ROWS_AT_A_TIME: Final = 65_536
_STAGING_TABLE: Final = sql.Identifier("osiris_stage")
_COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> ''
    FROM pg_attribute a WHERE a.attrelid = %s::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_UNIQUE: Final = """
    SELECT array_agg(a.attname::text) FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = %s::oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid
"""


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """Where rows go and how.

    Attributes:
        mode: ``append``, ``upsert`` or ``replace``.
        key: the columns that identify a row.
        keeps_last: of two rows with one key the last is taken; otherwise they are an error.
    """

    schema: str
    table: str
    mode: str
    key: tuple[str, ...]
    keep_last_duplicate: bool
    create_if_missing: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "WriteTarget":
        """What a step's configuration says. ``table`` may name its schema: ``sales.orders``."""
        schema, table = str(config["schema"]), str(config["table"])
        if table.count(".") == 1:
            schema, _, table = table.partition(".")
        key = config.get("primary_key") or ()
        mode = "append" if config["write_mode"] == "insert" else str(config["write_mode"])
        return cls(
            schema,
            table,
            mode,
            (key,) if isinstance(key, str) else tuple(key),
            config["on_duplicate_keys"] == "last",
            bool(config["create_if_missing"]),
        )

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.schema}.{self.table}"

    @property
    def identifier(self) -> sql.Identifier:
        """As SQL calls it."""
        return sql.Identifier(self.schema, self.table)


def write(
    session: psycopg.Connection[Any], target: WriteTarget, frames: WriterInput, ctx: DriverContext
) -> int:
    """Write all rows in the session's transaction and give how many the server took.

    If that is not all of them, it is an error, and with the transaction nothing is written.

    Raises:
        DriverError: says what the server said, and what to do.
    """
    schema, batches = frames.batches(_ROWS_AT_A_TIME)
    writing = _TableWriter(session, target, schema, frames.dtypes)
    writing.open()
    return writing.run(batches, frames.rows, ctx)


def create(session: psycopg.Connection[Any], target: WriteTarget, frames: WriterInput) -> None:
    """Make the table, if it is not there, from the frame's columns."""
    schema, _ = frames.batches(1)
    _TableWriter(session, target, schema, frames.dtypes).open()


def write_error(target: WriteTarget, error: psycopg.Error) -> str:
    """What a write that the server ended means."""
    if error.sqlstate is None:
        end = "nothing was written, unless it was lost while the last answer was on its way"
    else:
        end = "nothing was written"
    return f"PostgreSQL write to {target.name} failed: {explain(error)}; {end}"


class _TableWriter:
    """One write, inside its transaction."""

    def __init__(
        self,
        session: psycopg.Connection[Any],
        target: WriteTarget,
        schema: pa.Schema,
        dtypes: Mapping[str, str],
    ) -> None:
        self._session, self._target, self._schema, self._dtypes = session, target, schema, dtypes
        self._types: dict[str, str] = {}
        self._copies_straight = target.mode == "append"

    def open(self) -> None:
        """Find the table or make it, and see that the rows fit it."""
        if not self._schema.names:
            raise DriverError("the frame has no columns; there is nothing to write")
        self._check_key_in_frame()
        oid = self._find()
        if oid is None:
            self._create()
            oid = self._find()
        columns = self._session.execute(_COLUMNS, [oid]).fetchall()
        self._types = {str(name): str(kind) for name, kind, _ in columns}
        self._check_columns([str(name) for name, _, is_generated in columns if not is_generated])
        if self._target.mode != "append":
            self._check_unique(oid)
        has_policies = self._session.execute("SELECT row_security_active(%s::oid)", [oid]).fetchone()
        if has_policies is not None and has_policies[0]:
            self._copies_straight = False  # COPY does not obey policies, and is refused where there are any

    def run(self, batches: Iterator[pa.RecordBatch], rows: int, ctx: DriverContext) -> int:
        """Send the rows; gives how many the server took."""
        if self._copies_straight:
            taken = self._copy(self._target.identifier, batches, ctx)
        else:
            self._copy_into_stage(batches, ctx)
            wanted = self._deduplicate(rows)
            taken = self._merge_stage()
            rows = wanted
        if taken != rows:
            text = (
                f"the server took {taken:,} of {rows:,} rows (a trigger, rule or policy holds back the rest)"
            )
            raise DriverError(f"PostgreSQL write to {self._target.name} failed: {text}; nothing was written")
        return taken

    # --- before the rows

    def _find(self) -> int | None:
        row = self._session.execute(
            "SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'f')",
            [self._target.schema, self._target.table],
        ).fetchone()
        return int(row[0]) if row is not None else None

    def _create(self) -> None:
        if not self._target.create_if_missing:
            tables = self._session.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", [self._target.schema]
            ).fetchall()
            near = did_you_mean(self._target.table, tuple(str(row[0]) for row in tables))
            text = f"table {self._target.name} does not exist{near or '; set create_if_missing: true to make it'}"
            raise DriverError(text)
        columns = [
            sql.SQL("{} {}").format(
                sql.Identifier(field.name),
                sql.SQL(postgres_types.ddl_type(field.type, self._dtypes.get(field.name, ""))),
            )
            for field in self._schema
        ]
        if self._target.key:
            columns.append(sql.SQL("PRIMARY KEY ({})").format(_names(self._target.key)))
        self._session.execute(
            sql.SQL("CREATE TABLE {} ({})").format(self._target.identifier, sql.SQL(", ").join(columns))
        )
        # PostgREST answers from a picture of the schema; this lets it look again once we are done
        self._session.execute("NOTIFY pgrst, 'reload schema'")

    def _check_key_in_frame(self) -> None:
        missing = [name for name in self._target.key if name not in self._schema.names]
        if missing:
            there = ", ".join(self._schema.names)
            raise DriverError(
                f"the frame has no column {', '.join(map(repr, missing))} of primary_key; it has {there}"
            )

    def _check_columns(self, writable: list[str]) -> None:
        unknown = [name for name in self._schema.names if name not in writable]
        if unknown:
            near = did_you_mean(unknown[0], tuple(writable))
            text = f"table {self._target.name} has no column {', '.join(map(repr, unknown))}{near}"
            raise DriverError(f"{text}; it has {', '.join(writable)}")

    def _check_unique(self, oid: int | None) -> None:
        found = [set(row[0]) for row in self._session.execute(_UNIQUE, [oid]).fetchall()]
        if set(self._target.key) not in found:
            key = ", ".join(self._target.key)
            sets = "; ".join(", ".join(sorted(names)) for names in found) or "none"
            text = f"table {self._target.name} has no unique constraint on ({key}), which {self._target.mode} needs"
            raise DriverError(f"{text}; unique are: {sets}")

    # --- the rows

    def _copy(self, into: sql.Identifier, batches: Iterator[pa.RecordBatch], ctx: DriverContext) -> int:
        command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(into, _names(self._schema.names))
        writers = [self._writer(field) for field in self._schema]
        sent = 0
        with self._session.cursor() as cursor:
            with cursor.copy(command) as copy:
                for batch in batches:
                    copy.write(_csv(batch, writers))
                    sent += batch.num_rows
                    ctx.progress(sent)
            return cursor.rowcount

    def _writer(self, field: pa.Field) -> DecodeColumn:
        dtype, target = self._dtypes.get(field.name, ""), self._types[field.name]
        return postgres_types.encoder_for(TargetColumn(field.name, field.type, dtype, target))

    def _copy_into_stage(self, batches: Iterator[pa.RecordBatch], ctx: DriverContext) -> None:
        self._session.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                _STAGING_TABLE, _names(self._schema.names), self._target.identifier
            )
        )
        self._copy(_STAGING_TABLE, batches, ctx)

    def _deduplicate(self, rows: int) -> int:
        """See that each row has a key of its own; gives how many rows are left."""
        if not self._target.key:
            return rows
        key = _names(self._target.key)
        is_null = sql.SQL(" OR ").join(
            sql.SQL("{} IS NULL").format(sql.Identifier(name)) for name in self._target.key
        )
        (nulls,) = self._one(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(_STAGING_TABLE, is_null))
        if nulls:
            raise DriverError(
                f"{nulls:,} rows have nothing in ({', '.join(self._target.key)}), so they have no key"
            )
        double = sql.SQL("SELECT {}, count(*) FROM {} GROUP BY {} HAVING count(*) > 1 ORDER BY {} LIMIT 1")
        found = self._session.execute(double.format(key, _STAGING_TABLE, key, key)).fetchone()
        if found is None:
            return rows
        if not self._target.keep_last_duplicate:
            shown = ", ".join(f"{name}={value}" for name, value in zip(self._target.key, found, strict=False))
            text = f"{found[-1]} rows of the input have one key ({shown})"
            raise DriverError(f"{text}; make them one row before, or set on_duplicate_keys: last")
        same = sql.SQL(" AND ").join(
            sql.SQL("a.{0} = b.{0}").format(sql.Identifier(name)) for name in self._target.key
        )
        self._session.execute(
            sql.SQL("DELETE FROM {0} a USING {0} b WHERE a.ctid < b.ctid AND {1}").format(
                _STAGING_TABLE, same
            )
        )
        (left,) = self._one(sql.SQL("SELECT count(*) FROM {}").format(_STAGING_TABLE))
        return int(left)

    def _merge_stage(self) -> int:
        names, into = _names(self._schema.names), self._target.identifier
        if self._target.mode == "replace":
            # nobody else writes between our rows going in and the others going out
            self._session.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(into))
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(into, names, names, _STAGING_TABLE)
        if self._target.mode != "append":
            insert = sql.SQL("{} ON CONFLICT ({}) DO UPDATE SET {}").format(
                insert, _names(self._target.key), self._set()
            )
        taken = self._session.execute(insert).rowcount
        if self._target.mode == "replace":
            same = sql.SQL(" AND ").join(
                sql.SQL("s.{0} = t.{0}").format(sql.Identifier(name)) for name in self._target.key
            )
            self._session.execute(
                sql.SQL("DELETE FROM {} t WHERE NOT EXISTS (SELECT FROM {} s WHERE {})").format(
                    into, _STAGING_TABLE, same
                )
            )
        return taken

    def _set(self) -> sql.Composable:
        others = [name for name in self._schema.names if name not in self._target.key]
        # a row of keys alone is set to itself, so that it counts as taken
        names = others or list(self._target.key)
        return sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names
        )

    def _one(self, query: sql.Composed) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._session.execute(query).fetchone()
        assert row is not None  # noqa: S101  an aggregate gives one row
        return row


def _names(names: Any) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _csv(batch: pa.RecordBatch, writers: list[DecodeColumn]) -> bytes:
    """Rows as PostgreSQL's CSV: nothing is an empty field, empty text is a pair of quotes."""
    arrays = [write_(array) for write_, array in zip(writers, batch.columns, strict=True)]
    names = [f"c{place}" for place in range(len(arrays))]
    out = io.BytesIO()
    options = pc.WriteOptions(include_header=False, quoting_style="needed", batch_size=_ROWS_AT_A_TIME)
    pc.write_csv(pa.table(arrays, names=names), out, options)
    return out.getvalue()
