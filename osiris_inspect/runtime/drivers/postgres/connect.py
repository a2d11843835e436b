"""PostgreSQL sessions, and the errors of opening them."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

import psycopg
from psycopg import conninfo

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.postgres.errors import first_line

_ADDRESS: Final = re.compile(
    r"(?P<scheme>postgres(?:ql)?://)(?P<user>[^:/@]*):(?P<password>.*)@(?P<rest>[^@]*)\Z", re.S
)
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ACCEPTED_KEYS: Final = (
    *("sslmode", "sslrootcert", "sslcert", "sslkey"),
    *("options", "channel_binding", "target_session_attrs"),
)
_DIRECT: Final = re.compile(r"db\.[\w-]+\.supabase\.(?:co|com|in|net|red)", re.IGNORECASE)
"""Direct hosts of Supabase databases: IPv6 only, unless the project has the IPv4 add-on."""
_UNREACHABLE: Final = (
    "Network is unreachable",
    "No route to host",
    "Cannot assign requested address",
    "Address family not supported",
)
"""Errors of a system without a route to the address, e.g. without IPv6 to an IPv6 address."""
_UNKNOWN: Final = (
    "could not translate host name",
    "Name or service not known",
    "resolve host",
    "No address associated",
)
_SILENT: Final = ("timeout expired", "timed out")


class _Reason(NamedTuple):
    """Phrases of an error text, and the kind, the message and the fix of the error."""

    phrases: tuple[str, ...]
    kind: str
    text: str
    fix: str


_REASONS: Final = (
    _Reason(
        _UNREACHABLE,
        "connection-failed",
        "{text}; {host} may have only an IPv6 address, which this machine cannot reach",
        "use an address with IPv4",
    ),
    _Reason(_UNKNOWN, "host-not-found", "host {host!r} is not known", "check host"),
    _Reason(
        ("Connection refused",),
        "connection-refused",
        "connection refused",
        "check host and port, and whether the server runs",
    ),
    _Reason(
        ("No such file or directory",),
        "connection-refused",
        "{text}",
        "check host, and whether the server runs",
    ),
    _Reason(
        ("out of memory", "annot allocate memory"),
        "out-of-memory",
        "{text}",
        "raise the memory limit of the run or of this machine",
    ),
    _Reason(_SILENT, "network-timeout", "no answer in time", "check host, port and firewall"),
    _Reason(
        ("too many clients", "remaining connection slots", "too many connections"),
        "connection-refused",
        "{text}",
        "run the step again later, or raise the connection limit that is reached: of the server, the role or the database",
    ),
    _Reason(
        ("password authentication failed", "no password supplied", "Tenant or user not found", 'role "'),
        "authentication-failed",
        "{text}",
        "check user and password of the connection",
    ),
    _Reason(
        (
            *("invalid sslmode", "invalid port", "invalid integer value"),
            *("invalid channel_binding", "invalid target_session_attrs", "invalid connection option"),
        ),
        "config-value-invalid",
        "{text}",
        "correct the option of the connection that the message names",
    ),
    _Reason(
        ("no pg_hba.conf entry",),
        "connection-refused",
        "{text}",
        "allow this client in pg_hba.conf of the server",
    ),
    _Reason(
        ("invalid response to SSL negotiation", "expected authentication request from server, but received"),
        "config-value-invalid",
        "another kind of server than PostgreSQL answers there: {text}",
        "correct host and port of the connection",
    ),
    _Reason(
        ("SSL", "certificate"), "tls-failed", "{text}", "check sslmode and sslrootcert of the connection"
    ),
    _Reason(
        ("is starting up", "is shutting down", "not accepting connections", "not yet accepting connections"),
        "connection-refused",
        "{text}",
        "run the step again when the server is ready",
    ),
    _Reason(
        ("permission denied for database",), "permission-denied", "{text}", "GRANT CONNECT on it to the user"
    ),
    _Reason(
        ("not currently accepting connections",),
        "connection-refused",
        "{text}",
        "check database of the connection, or ALTER DATABASE ... ALLOW_CONNECTIONS true",
    ),
    _Reason(('database "',), "database-missing", "{text}", "check database of the connection"),
    _Reason(
        ("closed the connection", "Connection reset"),
        "connection-lost",
        "{text}",
        "check host and port, and look in the log of the server",
    ),
)
"""Reasons of a failed connection; the first whose phrase the text contains counts. libpq reports no SQLSTATE."""
_IPV6_ONLY: Final = _Reason(
    (*_UNREACHABLE, *_UNKNOWN, *_SILENT),
    "connection-failed",
    "{text}; {host} is a direct host of Supabase, which has only an IPv6 address, and this machine cannot reach it",
    "use the address of the pooler, which Supabase shows under Connect (<...>.pooler.supabase.com)",
)
_UNEXPLAINED: Final = _Reason(
    (), "connection-failed", "{text}", "check host, port, user and database of the connection"
)


def connect(connection: Config, timeout: int) -> psycopg.Connection[Any]:
    """Open a session in autocommit mode.

    Raises:
        DriverError: the connection failed; names it, the reason and what to do, without any part of the password.
    """
    options = _options(connection)
    try:
        # behind a pooler, the next transaction may use another server without the prepared statement
        return psycopg.connect(
            **{**options, "client_encoding": "UTF8"},  # drivers send and read UTF-8
            connect_timeout=timeout,
            prepare_threshold=None,
            autocommit=True,
        )
    except psycopg.Error as error:
        raise _connect_error(error, connection, options) from error


def connection_label(connection: Config) -> str:
    """Return a connection's name, user and address for messages, without its password."""
    try:
        options = _options(connection)
    except DriverError:
        return connection_name(connection)
    address = f"{options.get('host', 'localhost')}:{options.get('port', 5432)}"
    return f"{connection_name(connection)} ({options.get('user')} at {address})"


def test_connection(connection: Config) -> str:
    """Connect and return a description of the server.

    Raises:
        DriverError: the connection failed.
    """
    with connect(connection, 10) as session:
        row = session.execute("SELECT version(), current_database(), current_user").fetchone()
        tls = session.pgconn.ssl_in_use
    assert row is not None  # noqa: S101  the query returns one row
    return f"{row[0].split(' on ')[0]}, database {row[1]}, user {row[2]}, {'TLS' if tls else 'no TLS'}"


def _options(connection: Config) -> dict[str, Any]:
    dsn = next((connection[key] for key in ("pg_dsn", "dsn", "sql_url") if connection.get(key)), None)
    if dsn is not None:
        return _parse_dsn(str(dsn))
    for key in ("database", "user"):
        if not connection.get(key):
            raise DriverError(
                f"connection {connection_name(connection)} has no {key!r} and no dsn",
                kind="config-value-missing",
                fix=f"set {key} or dsn of the connection",
                setting=key,
                connection=connection_name(connection),
            )
    options = {
        "host": connection.get("host", "localhost"),
        "port": connection.get("port", 5432),
        "dbname": connection["database"],
        "user": connection["user"],
        "password": connection.get("password"),
        **{key: connection[key] for key in _ACCEPTED_KEYS if connection.get(key)},
    }
    return {key: value for key, value in options.items() if value is not None}


def _parse_dsn(dsn: str) -> dict[str, Any]:
    """Return the options in a DSN; an unescaped password is accepted and ends at the last @."""
    match = _ADDRESS.match(dsn)
    if match is not None:
        password = quote(unquote(_ESCAPE.sub("%25", match["password"])), safe="")
        dsn = f"{match['scheme']}{match['user']}:{password}@{match['rest']}"
    try:
        return dict(conninfo.conninfo_to_dict(dsn))
    except psycopg.Error:
        # the message would contain a part of the password
        raise DriverError(
            "the dsn is invalid",
            kind="config-value-invalid",
            fix="write postgresql://user:password@host:port/database",
            setting="dsn",
        ) from None


def _connect_error(error: psycopg.Error, connection: Config, options: Mapping[str, Any]) -> DriverError:
    text, host = first_line(str(error)), str(options.get("host", "localhost"))
    candidates = (_IPV6_ONLY, *_REASONS) if _DIRECT.fullmatch(host) else _REASONS
    matching = (reason for reason in candidates if any(words in text for words in reason.phrases))
    reason = next(matching, _UNEXPLAINED)
    message = reason.text.format(text=text, host=host)
    return DriverError(
        f"PostgreSQL connection failed: {connection_label(connection)}: {message}",
        kind=reason.kind,
        fix=reason.fix,
        phase="connecting",
        connection=connection_name(connection),
        host=host,
        port=str(options.get("port", 5432)),
    )
