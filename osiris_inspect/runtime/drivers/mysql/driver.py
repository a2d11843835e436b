"""MySQL extractor: the rows of a query as a frame, in exactly the types that the server declares.

PyMySQL connects, authenticates and sends the query, prepared if the server can prepare it, else as text; the rows are
read from its stream as bytes. This uses private attributes of PyMySQL, so pyproject bounds its version.
"""

import logging
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any, Final

import pyarrow as pa
import pymysql
from pymysql.charset import charset_by_name
from pymysql.constants import COMMAND, FIELD_TYPE
from pymysql.protocol import FieldDescriptorPacket

from osiris_inspect.base.near_names import did_you_mean, suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import closing_stream
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.mysql import binary_protocol, wire_protocol
from osiris_inspect.runtime.drivers.mysql.errors import INTERRUPTED, connect_error, query_error, setting_error
from osiris_inspect.runtime.drivers.mysql.types import MysqlColumn, TypeOptions, column_for_field

_LOG: Final = logging.getLogger(__name__)
_NO_SUCH_TABLE: Final = 1146
_NOT_EXECUTED: Final = frozenset({1243, 1615})
"""Errors of a prepared query that is gone or must be prepared again."""
_PREPARED: Final = struct.Struct("<xIHH").unpack_from
"""Reads the number of a prepared query, and how many columns and parameters it has."""
_EXECUTE: Final = struct.Struct("<IBI").pack
"""Returns a command from the number of a prepared query, 0 (without a cursor) and 1 (once)."""
_TLS_MODES: Final = ("disabled", "preferred", "required", "verify_ca", "verify_identity")


class MysqlExtractor:
    """Runs one query."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the rows as a stream of Arrow batches, which has typed columns even without rows.

        Raises:
            DriverError: the server cannot be reached or reports an error. Later errors are raised by the stream.
        """
        del inputs
        connection = config["resolved_connection"]
        options = TypeOptions(
            config["tinyint1"], config["time"], config["zero_dates"], config["wide_decimals"]
        )
        with ExitStack() as stack, errors_name_step(step_id):
            session = stack.enter_context(closing(connect(connection, config["connect_timeout"])))
            _set_query_timeout(session, connection, config.get("query_timeout"))
            stack.enter_context(ctx.cancel.on_cancel(_kill_query(session, connection)))
            query = _StreamingQuery(session, connection, ctx)
            columns = query.send_query(config["query"], options)
            # names in a result need not be unique
            schema = pa.schema([pa.field(column.name, column.type) for column in columns])
            batches = closing_stream(query.batches(columns, schema), stack.pop_all())
            return {"df": pa.RecordBatchReader.from_batches(schema, batches)}


class _StreamingQuery:
    """Running query whose rows are read in batches."""

    def __init__(self, session: Any, connection: Config, ctx: DriverContext) -> None:
        self._session, self._connection, self._ctx = session, connection, ctx
        self._read_columns: Any = wire_protocol.read_columns
        self._rows = 0

    def send_query(self, sql: str, options: TypeOptions) -> list[MysqlColumn]:
        """Send the query and return its columns."""
        with self._driver_errors():
            fields = list(self._fields(self._execute(sql)))
        if self._read_columns is not binary_protocol.read_columns:
            _warn_of_rounded_floats(fields)
        return [column_for_field(field, options) for field in fields]

    def batches(self, columns: list[MysqlColumn], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches as they arrive."""
        end = wire_protocol.ResultEnd()
        with self._driver_errors():
            for raw in self._read_columns(self._session._rfile.read1, columns, end):
                arrays = [_read(column, array) for column, array in zip(columns, raw, strict=True)]
                batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
                self._rows += batch.num_rows
                self._ctx.progress(self._rows)
                yield batch
            if end.more_results:
                raise DriverError(
                    "the query returns several results; the extractor takes one",
                    kind="query-result-unusable",
                    fix="write one SELECT",
                )
        self._ctx.metric("rows_read", self._rows)

    def _execute(self, sql: str) -> Any:
        """Execute the query, prepared if the server can prepare it; return the first packet of the response."""
        session, statement = self._session, self._prepare(sql)
        try:
            if statement is not None:
                session._execute_command(COMMAND.COM_STMT_EXECUTE, _EXECUTE(statement, 0, 1))
                packet = session._read_packet()
                self._read_columns = binary_protocol.read_columns
                return packet
        except pymysql.MySQLError as error:
            if error.args[0] not in _NOT_EXECUTED:
                raise
        session._execute_command(COMMAND.COM_QUERY, sql)
        return session._read_packet()

    def _prepare(self, sql: str) -> int | None:
        """Return the number of the prepared query; None if the server cannot prepare it, or it has a mistake.

        The server names the mistake when it executes the text of the query.
        """
        session = self._session
        try:
            session._execute_command(COMMAND.COM_STMT_PREPARE, sql)
            statement, columns, parameters = _PREPARED(session._read_packet().get_all_data())
        except pymysql.MySQLError as error:
            if not session.open or error.args[0] in INTERRUPTED:
                raise
            return None
        for count in (parameters, columns):
            for _ in range(count + 1 if count else 0):
                session._read_packet()
        # a "?" is a mistake; the results of CALL are not known before it is executed
        return statement if columns and not parameters else None

    def _fields(self, packet: Any) -> Iterator[Any]:
        if packet.is_ok_packet():
            raise DriverError("the query returns no rows", kind="query-result-unusable", fix="write a SELECT")
        if packet.is_load_local_packet():
            raise DriverError(
                "the query reads a local file, which the extractor does not allow",
                kind="query-reads-files",
                fix="read the file with an extractor in a step of its own",
            )
        for _ in range(packet.read_length_encoded_integer()):
            yield self._session._read_packet(FieldDescriptorPacket)
        self._session._read_packet()

    @contextmanager
    def _driver_errors(self) -> Iterator[None]:
        try:
            yield
        except wire_protocol.ServerErrorPacket as failed:
            error = _packet_error(failed.packet)
            raise query_error(error, self._connection) from error
        except wire_protocol.StreamEnded as lost:
            error = pymysql.OperationalError(2013, "lost connection to the server during the query")
            raise query_error(error, self._connection) from lost
        except (pymysql.MySQLError, OSError) as error:
            raise query_error(error, self._connection, self._nearest_table(error)) from error

    def _nearest_table(self, error: BaseException) -> str:
        if not error.args or error.args[0] != _NO_SUCH_TABLE:
            return ""
        name = str(error.args[1]).split("'")[1].rpartition(".")[2]
        with self._session.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = database()")
            return did_you_mean(name, tuple(str(row[0]) for row in cursor.fetchall()))


def connect(connection: Config, timeout: int) -> Any:
    """Open a session.

    Raises:
        DriverError: the connection failed; names it, the reason and what to do.
    """
    for key in ("database", "user"):
        if not connection.get(key):
            problem, fix = f" has no {key!r}", f"set {key} of the connection"
            raise setting_error(connection, key, problem, fix, kind="config-value-missing")
    charset = str(connection.get("charset") or "utf8mb4")
    if charset_by_name(charset) is None:
        problem = f": charset is {charset!r}, which MySQL does not have"
        raise setting_error(
            connection, "charset", problem, "set charset: utf8mb4", kind="config-value-invalid"
        )
    address: dict[str, Any] = {"host": connection.get("host", "localhost"), "port": _port(connection)}
    if connection.get("unix_socket"):
        address = {"unix_socket": connection["unix_socket"]}
    try:
        session = pymysql.connect(
            **address,
            user=connection["user"],
            password=str(connection.get("password") or "").encode(),  # PyMySQL would encode it as Latin-1
            database=connection["database"],
            # the rows are read as UTF-8, to which the server converts every charset
            charset=charset if charset.startswith("utf8") else "utf8mb4",
            connect_timeout=timeout,
            read_timeout=timeout,  # of the handshake, which PyMySQL would wait for forever
            program_name="osiris-inspect",
            autocommit=True,
            **_tls(connection),
        )
    except (pymysql.MySQLError, OSError, RuntimeError, UnicodeError, LookupError, struct.error) as error:
        raise connect_error(error, connection) from error
    session._read_timeout = None  # a query may take longer than the handshake
    return session


def test_connection(connection: Config) -> str:
    """Connect and return a description of the server.

    Raises:
        DriverError: the connection failed.
    """
    with closing(connect(connection, 10)) as session, session.cursor() as cursor:
        cursor.execute("SELECT version(), database(), current_user()")
        version, database, user = cursor.fetchone()
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        cipher = (cursor.fetchone() or ("", ""))[1]
    product = "" if "MariaDB" in version else "MySQL "
    return f"{product}{version}, database {database}, user {user}, {'TLS ' + cipher if cipher else 'no TLS'}"


def _port(connection: Config) -> int:
    port = str(connection.get("port") or 3306)
    if not port.isdigit() or not 0 < int(port) < 65536:
        problem = f": port is {port!r}; it takes a number from 1 to 65535"
        raise setting_error(connection, "port", problem, "correct port", kind="config-value-invalid")
    return int(port)


def _tls(connection: Config) -> dict[str, Any]:
    default = "verify_ca" if connection.get("ssl_ca") else "preferred"
    mode = str(connection.get("ssl_mode") or default).lower()
    if mode not in _TLS_MODES:
        problem = f": ssl_mode is {mode!r}; it takes one of {', '.join(_TLS_MODES)}"
        fix = suggestion(mode, _TLS_MODES, "correct ssl_mode")
        raise setting_error(connection, "ssl_mode", problem, fix, kind="config-value-invalid")
    if mode == "disabled":
        return {"ssl_disabled": True}
    files = {key: connection[key] for key in ("ssl_ca", "ssl_cert", "ssl_key") if connection.get(key)}
    if mode == "preferred":
        return files
    if mode == "required" and not files:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # encrypted, not authenticated
        return {"ssl": context}
    return {**files, "ssl_verify_cert": mode != "required", "ssl_verify_identity": mode == "verify_identity"}


def _set_query_timeout(session: Any, connection: Config, seconds: float | None) -> None:
    if seconds is None:
        return
    is_maria = "mariadb" in session.get_server_info().lower()
    setting = (
        f"max_statement_time = {seconds:f}" if is_maria else f"MAX_EXECUTION_TIME = {int(seconds * 1000)}"
    )
    try:
        with session.cursor() as cursor:
            cursor.execute(f"SET SESSION {setting}")
    except (pymysql.MySQLError, OSError) as error:
        raise query_error(error, connection) from error


def _kill_query(session: Any, connection: Config) -> Callable[[], None]:
    """Return a function that stops the query on the server, then closes the socket."""
    thread_id, connection_socket = session.thread_id(), session._sock  # a closed session has none

    def stop() -> None:
        with suppress(DriverError, pymysql.MySQLError, OSError), closing(connect(connection, 2)) as other:
            other.kill(thread_id)
        with suppress(OSError):
            connection_socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for rows

    return stop


def _warn_of_rounded_floats(fields: Iterable[Any]) -> None:
    names = [field.name for field in fields if field.type_code == FIELD_TYPE.FLOAT]
    if names:
        _LOG.warning(
            "columns %s have 6 digits, because they are FLOAT and the query cannot be prepared; cast them to DOUBLE",
            names,
        )


def _read(column: MysqlColumn, raw: pa.Array) -> pa.Array:
    try:
        return column.read(raw)
    except MemoryError:  # also an Arrow exception
        raise
    except pa.ArrowException as error:
        is_decimal = pa.types.is_decimal(column.type)
        raise DriverError(
            f"column {column.name!r} contains a value that is not a valid {column.type}: {error}",
            kind="value-not-convertible",
            fix="set wide_decimals: exact" if is_decimal else "exclude it or cast it to text in the query",
            column=column.name,
            type=str(column.type),
        ) from error


def _packet_error(packet: bytes) -> Exception:
    try:
        pymysql.err.raise_mysql_exception(packet)
    except pymysql.MySQLError as error:
        result: Exception = error  # PyMySQL is untyped
        return result
    raise AssertionError("an error packet raises")  # pragma: no cover  PyMySQL guarantees it
