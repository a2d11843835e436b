"""The server that a connection names: its host, port and database, without user and password."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_KEYS: Mapping[str, tuple[str, ...]] = {
    "host": ("host", "hostname", "server"),
    "port": ("port",),
    "database": ("database", "dbname", "db", "db_name"),
}
_URL_KEYS = ("url", "dsn", "pg_dsn", "sql_url", "sql_dsn")
_DSN_PART = re.compile(r"(?<!\S)(host|port|dbname)=([^\s']{1,255})")


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
    if not isinstance(value, str):
        return {}
    if "://" not in value:
        return {"database" if key == "dbname" else key: text for key, text in _DSN_PART.findall(value)}
    try:
        parts = urlsplit(value)
        named = {"host": parts.hostname, "port": parts.port, "database": parts.path.strip("/")}
    except ValueError:
        return {}
    return {name: str(text) for name, text in named.items() if text}
