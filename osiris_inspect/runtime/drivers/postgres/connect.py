"""A session on PostgreSQL, from what a connections file says; and what its errors mean for a person."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import psycopg
from psycopg import conninfo

from osiris_inspect.model.errors import DriverError

_ADDRESS: Final = re.compile(
    r"(?P<scheme>postgres(?:ql)?://)(?P<user>[^:/@]*):(?P<password>.*)@(?P<rest>[^@]*)\Z", re.S
)
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ACCEPTED_KEYS: Final = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "channel_binding",
    "target_session_attrs",
)
_DIRECT: Final = re.compile(r"db\.[\w-]+\.supabase\.(?:co|com|in|net|red)", re.IGNORECASE)
"""Hosts of Supabase's databases themselves: IPv6 only, unless the project pays for more."""
_UNREACHABLE: Final = (
    "Network is unreachable",
    "No route to host",
    "Cannot assign requested address",
    "Address family not supported",
)
"""What a system says that has no way to an address, as one without IPv6 to an IPv6 address."""
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
        "{text}; {host} may have an IPv6 address only, and this machine does not get there: use an address with IPv4",
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
    "{text}; {host} is a direct host of Supabase, which has an IPv6 address only, and this machine does not get there: "
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
    "57014": "it took longer than it may",
    "53100": "the server's disk is full",
    "53300": "the server has too many connections",
}


def connect(connection: Mapping[str, Any], timeout: int) -> psycopg.Connection[Any]:
    """A session in which a transaction begins where it is said.

    Raises:
        DriverError: says which connection, why and what to do; never shows the password, nor a piece of it.
    """
    options = _options(connection)
    try:
        # a pooler gives each transaction another server, where a prepared statement is not known
        return psycopg.connect(**options, connect_timeout=timeout, prepare_threshold=None, autocommit=True)
    except psycopg.Error as error:
        raise DriverError(
            f"PostgreSQL connection failed: {connection_label(connection)}: {_why(error, options)}"
        ) from error


def connection_label(connection: Mapping[str, Any]) -> str:
    """A connection as messages call it; never its password."""
    called = (
        f"@{connection.get('family')}.{connection.get('alias')}"
        if connection.get("alias")
        else "the connection"
    )
    try:
        options = _options(connection)
    except DriverError:
        return called
    return (
        f"{called} ({options.get('user')} at {options.get('host', 'localhost')}:{options.get('port', 5432)})"
    )


def test_connection(connection: Mapping[str, Any]) -> str:
    """What answers at the other end.

    Raises:
        DriverError: nothing does, or it refuses.
    """
    with connect(connection, 10) as session:
        row = session.execute("SELECT version(), current_database(), current_user").fetchone()
        tls = session.pgconn.ssl_in_use
    assert row is not None  # noqa: S101  it is one row
    return f"{row[0].split(' on ')[0]}, database {row[1]}, user {row[2]}, {'TLS' if tls else 'no TLS'}"


def explain(error: psycopg.Error) -> str:
    """A server's error in one line: its words, its detail, where in the data, what to do."""
    if error.sqlstate is None:
        return f"the connection was lost: {_first_line(str(error))}"
    parts = [f"({error.sqlstate}) {error.diag.message_primary or error}"]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    if error.diag.context and error.diag.context.startswith("COPY"):
        parts.append(_first_line(error.diag.context))
    advice = error.diag.message_hint or _ADVICE.get(error.sqlstate)
    return "; ".join([*parts, advice] if advice else parts)


def _options(connection: Mapping[str, Any]) -> dict[str, Any]:
    dsn = next((connection[key] for key in ("pg_dsn", "dsn", "sql_url") if connection.get(key)), None)
    if dsn is not None:
        return _of_dsn(str(dsn))
    called = f"@{connection.get('family')}.{connection.get('alias')}"
    for key in ("database", "user"):
        if not connection.get(key):
            raise DriverError(f"connection {called} has no {key!r}, and no dsn that says it")
    options = {
        "host": connection.get("host", "localhost"),
        "port": connection.get("port", 5432),
        "dbname": connection["database"],
        "user": connection["user"],
        "password": connection.get("password"),
        **{key: connection[key] for key in _ACCEPTED_KEYS if connection.get(key)},
    }
    return {key: value for key, value in options.items() if value is not None}


def _of_dsn(dsn: str) -> dict[str, Any]:
    """The parts of an address; a password that was not escaped is taken as it is meant, up to the last @."""
    match = _ADDRESS.match(dsn)
    if match is not None:
        password = quote(unquote(_ESCAPE.sub("%25", match["password"])), safe="")
        dsn = f"{match['scheme']}{match['user']}:{password}@{match['rest']}"
    try:
        return dict(conninfo.conninfo_to_dict(dsn))
    except psycopg.Error:
        # its words would show a piece of the password
        raise DriverError(
            "the dsn is no address; write postgresql://user:password@host:port/database"
        ) from None


def _why(error: psycopg.Error, options: Mapping[str, Any]) -> str:
    text, host = _first_line(str(error)), str(options.get("host", "localhost"))
    if _DIRECT.fullmatch(host) and any(words in text for words in (*_UNREACHABLE, *_UNKNOWN, *_SILENT)):
        return _IPV6_ONLY_ADVICE.format(text=text, host=host)
    meanings = (meaning for signs, meaning in _MESSAGE_PATTERNS if any(words in text for words in signs))
    return next(meanings, "{text}").format(text=text, host=host)


def _first_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0].removeprefix("connection failed: ") if lines else ""
