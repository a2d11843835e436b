"""What MySQL's errors mean for a person: which connection, which name, what to do."""

import socket
from collections.abc import Mapping
from typing import Any, Final

_ADVICE: Final[Mapping[int, str]] = {
    1040: "the server has too many connections",
    1044: "the user may not use this database",
    1045: "check user and password of the connection",
    1049: "check database of the connection",
    1054: "check the names of columns in the query",
    1064: "check the SQL",
    1142: "the user lacks a privilege; GRANT it, or connect as another user",
    1143: "the user lacks a privilege; GRANT it, or connect as another user",
    1146: "check the names of tables in the query",
    1698: "check user and password of the connection",
}
_TIMED_OUT: Final = frozenset({1969, 3024})
_LOST: Final = frozenset({2006, 2013})
_QUERY_KILLED: Final = frozenset({1317, 1927})


def connection_label(connection: Mapping[str, Any]) -> str:
    """A connection as messages call it; never its password."""
    called = (
        f"@{connection.get('family')}.{connection.get('alias')}"
        if connection.get("alias")
        else "the connection"
    )
    where = (
        connection.get("unix_socket")
        or f"{connection.get('host', 'localhost')}:{connection.get('port', 3306)}"
    )
    return f"{called} ({connection.get('user')} at {where})"


def connect_error(error: BaseException, connection: Mapping[str, Any]) -> str:
    """Why no connection came about."""
    name, (code, text) = connection_label(connection), _parts(error)
    cause = getattr(error, "original_exception", None) or error.__cause__ or error.__context__ or error
    host = connection.get("host", "localhost")
    if isinstance(cause, socket.gaierror):
        return f"MySQL connection failed: {name}: host {host!r} is not known: {cause.strerror}; check host"
    if isinstance(cause, ConnectionRefusedError):
        return (
            f"MySQL connection failed: {name}: connection refused; nothing listens there: check host and port"
        )
    if isinstance(cause, TimeoutError):
        return f"MySQL connection failed: {name}: no answer in time; check host, port and firewall"
    advice = _ADVICE.get(code)
    return f"MySQL connection failed: {name}: {text}" + (f"; {advice}" if advice else "")


def query_error(error: BaseException, connection: Mapping[str, Any]) -> str:
    """Why a query did not end well."""
    code, text = _parts(error)
    if code in _TIMED_OUT:
        return f"MySQL query failed: it took longer than query_timeout allows: {text}"
    if code in _LOST:
        return f"MySQL query failed: the connection {connection_label(connection)} was lost: {text}"
    if code in _QUERY_KILLED:
        return f"MySQL query failed: it was stopped: {text}"
    advice = _ADVICE.get(code)
    return f"MySQL query failed: {text}" + (f"; {advice}" if advice else "")


def _parts(error: BaseException) -> tuple[int, str]:
    """The code and the words of an error; 0 where it has none."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):
        return error.args[0], f"({error.args[0]}) {error.args[1]}"
    return 0, str(error) or type(error).__name__
