"""Messages for MySQL errors: the connection, the reason and what to do."""

import socket
from collections.abc import Mapping
from typing import Final

from osiris_inspect.runtime.drivers.interface.database import connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config

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


def connection_label(connection: Config) -> str:
    """Return a connection's name, user and address for messages, without its password."""
    host = f"{connection.get('host', 'localhost')}:{connection.get('port', 3306)}"
    address = connection.get("unix_socket") or host
    return f"{connection_name(connection)} ({connection.get('user')} at {address})"


def connect_error(error: BaseException, connection: Config) -> str:
    """Return the message of a failed connection attempt."""
    code, text = _code_and_text(error)
    cause = getattr(error, "original_exception", None) or error.__cause__ or error.__context__ or error
    if isinstance(cause, socket.gaierror):
        host = connection.get("host", "localhost")
        text = f"host {host!r} is not known: {cause.strerror}; check host"
    elif isinstance(cause, ConnectionRefusedError):
        text = "connection refused; nothing listens there: check host and port"
    elif isinstance(cause, TimeoutError):
        text = "no answer in time; check host, port and firewall"
    elif code in _ADVICE:
        text += f"; {_ADVICE[code]}"
    return f"MySQL connection failed: {connection_label(connection)}: {text}"


def query_error(error: BaseException, connection: Config) -> str:
    """Return the message of a failed query."""
    code, text = _code_and_text(error)
    if code in _TIMED_OUT:
        text = f"it took longer than query_timeout allows: {text}"
    elif code in _LOST:
        text = f"the connection {connection_label(connection)} was lost: {text}"
    elif code in _QUERY_KILLED:
        text = f"it was stopped: {text}"
    elif code in _ADVICE:
        text += f"; {_ADVICE[code]}"
    return f"MySQL query failed: {text}"


def _code_and_text(error: BaseException) -> tuple[int, str]:
    """Return the code of an error (0 if it has none) and its text."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):
        return error.args[0], f"({error.args[0]}) {error.args[1]}"
    return 0, str(error) or type(error).__name__
