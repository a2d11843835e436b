"""Errors of MySQL: the connection, the reason, what to do, and the kind by the code or the cause."""

import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final

from osiris_inspect.base.error_codes import error_kind
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import FIXES, connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config

_TIMED_OUT: Final = frozenset({1969, 3024})
_LOST: Final = frozenset({2006, 2013})
_QUERY_KILLED: Final = frozenset({1317, 1927})
_NO_PRIVILEGE: Final = frozenset({1044, 1142, 1143})
_NO_DATABASE_PRIVILEGE: Final = 1044
_KINDS_BY_CLASS: Final[Mapping[str, str]] = {
    "IntegrityError": "constraint-violated",
    "DataError": "value-refused",
}
"""Class of PyMySQL to the kind of a code that the table does not list."""
_NAMES: Final[Mapping[str, re.Pattern[str]]] = {
    "column": re.compile(r"Unknown column '([^'\n]{1,200})'"),
    "table": re.compile(r"(?:Table|for table) [`']([^`'\n]{1,200})[`']"),
    "database": re.compile(r"Unknown database '([^'\n]{1,200})'|to database '([^'\n]{1,200})'"),
}
"""Fact to its place in an English message; servers of other languages do not have it."""


def connection_label(connection: Config) -> str:
    """Return a connection's name, user and address for messages, without its password."""
    host = f"{connection.get('host', 'localhost')}:{connection.get('port', 3306)}"
    address = connection.get("unix_socket") or host
    return f"{connection_name(connection)} ({connection.get('user')} at {address})"


def setting_error(connection: Config, key: str, problem: str, fix: str, *, kind: str) -> DriverError:
    """Return the error for a wrong or missing value of a connection."""
    return DriverError(
        f"{connection_label(connection)}{problem}",
        kind=kind,
        fix=fix,
        setting=key,
        connection=connection_name(connection),
    )


def connect_error(error: BaseException, connection: Config) -> DriverError:
    """Return the error for a failed connection attempt."""
    code, text = _code_and_text(error)
    cause = getattr(error, "original_exception", None) or error.__cause__ or error.__context__ or error
    host = connection.get("host", "localhost")
    kind = error_kind(str(code)) if code else "connection-failed"
    fix = FIXES[kind]
    if isinstance(cause, socket.gaierror):
        kind, text, fix = "host-not-found", f"host {host!r} is not known: {cause.strerror}", "check host"
    elif isinstance(cause, ConnectionRefusedError):
        kind = "connection-refused"
        text, fix = "connection refused", "check host and port, and whether the server runs"
    elif isinstance(cause, UnicodeError):
        kind, text, fix = "config-value-invalid", f"host {host!r} is not a name of a host", "correct host"
    elif isinstance(cause, FileNotFoundError) and connection.get("unix_socket"):
        kind, fix = "connection-refused", "check unix_socket, and whether the server runs"
    elif isinstance(cause, FileNotFoundError):
        kind, fix = "file-missing", "check ssl_ca, ssl_cert and ssl_key of the connection"
    elif isinstance(cause, TimeoutError):
        kind, text, fix = "network-timeout", "no answer in time", "check host, port and firewall"
    elif isinstance(cause, ssl.SSLError):
        kind, fix = "tls-failed", "check ssl_ca and ssl_mode of the connection"
    elif code == _NO_DATABASE_PRIVILEGE:
        text += "; the user may not use this database"
        fix = "check database of the connection, or GRANT its use to the user"
    elif isinstance(cause, RuntimeError):
        kind, fix = "dependency-missing", "install the package that the message names"
    return DriverError(
        f"MySQL connection failed: {connection_label(connection)}: {text}",
        kind=kind,
        fix=fix,
        **_error_facts(code, text, connection),
    )


def query_error(error: BaseException, connection: Config, suggestion: str = "") -> DriverError:
    """Return the error for a failed query; ``suggestion`` is added to what to do."""
    code, text = _code_and_text(error)
    kind = _query_kind(error, code)
    fix = FIXES[kind] + suggestion
    fact_text = text
    if code in _TIMED_OUT:
        text, fix = f"it took longer than query_timeout allows: {text}", "raise query_timeout"
    elif kind == "network-timeout":
        text = f"the connection {connection_label(connection)} did not answer in time: {text}"
    elif code in _QUERY_KILLED:
        text = f"it was stopped: {text}"
    elif kind == "connection-lost":
        text = f"the connection {connection_label(connection)} was lost: {text}"
    elif code in _NO_PRIVILEGE:
        text += "; the user lacks a privilege"
    return DriverError(
        f"MySQL query failed: {text}", kind=kind, fix=fix, **_error_facts(code, fact_text, connection)
    )


def _query_kind(error: BaseException, code: int) -> str:
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, TimeoutError):
        return "network-timeout"
    if code in _LOST or (not code and isinstance(error, OSError)):
        return "connection-lost"
    kind = error_kind(str(code), str(error))
    return _KINDS_BY_CLASS.get(type(error).__name__, kind) if kind == "query-failed" else kind


def _error_facts(code: int, text: str, connection: Config) -> dict[str, Any]:
    names = {
        name: next(group for group in match.groups() if group)
        for name, pattern in _NAMES.items()
        if (match := pattern.search(text))
    }
    return {"code": code or None, "connection": connection_name(connection), **names}


def _code_and_text(error: BaseException) -> tuple[int, str]:
    """Return the code of an error (0 if it has none) and its text."""
    if len(error.args) >= 2 and isinstance(error.args[0], int) and not isinstance(error, OSError):
        return error.args[0], f"({error.args[0]}) {error.args[1]}"
    return 0, str(error) or type(error).__name__
