"""The server that a connection names: its host, port and database, without user and password."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_KEYS: Mapping[str, tuple[str, ...]] = {
    "host": ("host", "hostname", "server"),
    "port": ("port",),
    "database": ("database", "dbname", "db", "db_name"),
}
_URL_KEYS = ("url", "dsn", "pg_dsn", "sql_url")


def connection_server(connection: Mapping[str, Any]) -> dict[str, str]:
    """Return the server that a connection names by its keys or by its URL; empty if it names none."""
    server: dict[str, str] = {}
    for key in _URL_KEYS:
        server |= _server_of_url(connection.get(key)) if not server else {}
    for name, keys in _KEYS.items():
        values = [connection[key] for key in keys if isinstance(connection.get(key), str | int)]
        if values:
            server[name] = str(values[0])
    return server


def _server_of_url(value: Any) -> dict[str, str]:
    if not isinstance(value, str) or "://" not in value:
        return {}
    try:
        parts = urlsplit(value)
        named = {"host": parts.hostname, "port": parts.port, "database": parts.path.strip("/")}
    except ValueError:
        return {}
    return {name: str(text) for name, text in named.items() if text}
