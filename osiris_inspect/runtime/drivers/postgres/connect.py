"""PostgreSQL sessions, and messages for connection and server errors."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import psycopg
from psycopg import conninfo

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config

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
_MESSAGE_PATTERNS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        _UNREACHABLE,
        "{text}; {host} may have only an IPv6 address, which this machine cannot reach: use an address with IPv4",
    ),
    (_UNKNOWN, "host {host!r} is not known; check host"),
    (("Connection refused",), "connection refused; nothing listens there: check host and port"),
    (_SILENT, "no answer in time; check host, port and firewall"),
    (
        ("password authentication failed", "no password supplied"),
        "{text}; check user and password of the connection",
    ),
)
_IPV6_ONLY_ADVICE: Final = (
    "{text}; {host} is a direct host of Supabase, which has only an IPv6 address, and this machine cannot reach it: "
    "use the address of the pooler, which Supabase shows under Connect (<...>.pooler.supabase.com)"
)
_ADVICE: Final[Mapping[str, str]] = {
    "28P01": "check user and password of the connection",
    "28000": "check user and password of the connection",
    "3D000": "check database of the connection",
    "42501": "the user lacks a privilege; GRANT it, or connect as another user",
    "42601": "check the SQL",
    "42P01": "check the names of tables",
    "42703": "check the names of columns",
    "57014": "it exceeded its time limit",
    "53100": "the server's disk is full",
    "53300": "the server has too many connections",
}


def connect(connection: Config, timeout: int) -> psycopg.Connection[Any]:
    """Open a session in autocommit mode.

    Raises:
        DriverError: the connection failed; names it, the reason and what to do, without any part of the password.
    """
    options = _options(connection)
    try:
        # behind a pooler, the next transaction may use another server without the prepared statement
        return psycopg.connect(**options, connect_timeout=timeout, prepare_threshold=None, autocommit=True)
    except psycopg.Error as error:
        text = f"{connection_label(connection)}: {_reason(error, options)}"
        raise DriverError(f"PostgreSQL connection failed: {text}") from error


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


def explain(error: psycopg.Error) -> str:
    """Return a server error in one line: message, detail, position in the data, what to do."""
    if error.sqlstate is None:
        return f"the connection was lost: {_first_line(str(error))}"
    parts = [f"({error.sqlstate}) {error.diag.message_primary or error}"]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    if error.diag.context and error.diag.context.startswith("COPY"):
        parts.append(_first_line(error.diag.context))
    advice = error.diag.message_hint or _ADVICE.get(error.sqlstate)
    return "; ".join([*parts, advice] if advice else parts)


def _options(connection: Config) -> dict[str, Any]:
    dsn = next((connection[key] for key in ("pg_dsn", "dsn", "sql_url") if connection.get(key)), None)
    if dsn is not None:
        return _parse_dsn(str(dsn))
    for key in ("database", "user"):
        if not connection.get(key):
            raise DriverError(f"connection {connection_name(connection)} has no {key!r} and no dsn")
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
        raise DriverError("the dsn is invalid; write postgresql://user:password@host:port/database") from None


def _reason(error: psycopg.Error, options: Mapping[str, Any]) -> str:
    text, host = _first_line(str(error)), str(options.get("host", "localhost"))
    if _DIRECT.fullmatch(host) and any(words in text for words in (*_UNREACHABLE, *_UNKNOWN, *_SILENT)):
        return _IPV6_ONLY_ADVICE.format(text=text, host=host)
    templates = (
        template for phrases, template in _MESSAGE_PATTERNS if any(words in text for words in phrases)
    )
    return next(templates, "{text}").format(text=text, host=host)


def _first_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0].removeprefix("connection failed: ") if lines else ""
