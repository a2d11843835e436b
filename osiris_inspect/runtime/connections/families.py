"""Families of connections: their keys, and the mistakes that are found without connecting."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.model.redaction import mask_by_pattern
from osiris_inspect.runtime.pipeline.component import ConfigKey

COMMON_KEYS: Final = (
    ConfigKey("default", "switch", "use this connection for a reference without an alias"),
    ConfigKey("description", "text", "free text"),
    ConfigKey("not_secret", "list", "keys whose values are not masked"),
    ConfigKey("max_parallel", "whole", "the most steps at a time that use it, with run --jobs", minimum=1),
)
"""Keys of the connections of every family; they are not sent to drivers."""
_SYNONYMS: Final = {
    **dict.fromkeys(("db", "dbname", "database_name"), "database"),
    **dict.fromkeys(("pwd", "pass", "passphrase"), "password"),
    **dict.fromkeys(("login", "uid"), "user"),
    **dict.fromkeys(("server", "address", "addr"), "host"),
    **dict.fromkeys(("url", "uri", "connection_string"), "dsn"),
    **dict.fromkeys(("folder", "directory", "path", "root"), "base_dir"),
    **dict.fromkeys(("file", "filename"), "path"),
    "api_key": "key",
}


@dataclass(frozen=True, slots=True)
class ConnectionFamily:
    """Family of connections.

    Attributes:
        alias: alias of the example.
        example: keys and values of a connection that works as it is written.
        choices: sets of keys, of which a connection needs one. A key of a set is written with its other names,
            separated by ``|``.
        ignored: keys that Osiris accepts and that have no effect.
    """

    name: str
    alias: str
    keys: tuple[ConfigKey, ...]
    example: Mapping[str, str | int]
    choices: tuple[tuple[str, ...], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def needs(self) -> str:
        """The keys that a connection needs, for messages: ``database and user, or dsn``."""
        return ", or ".join(" and ".join(name.split("|")[0] for name in names) for names in self.choices)

    @property
    def inline_example(self) -> str:
        """The example in one line of YAML."""
        return f"{{{', '.join(f'{key}: {_quoted(value)}' for key, value in self.example.items())}}}"

    def lines(self, alias: str = "") -> list[str]:
        """Return the example as lines of YAML, below ``connections``."""
        values = (f"      {key}: {value}" for key, value in self.example.items())
        return [f"  {self.name}:", f"    {alias or self.alias}:", *values]


_DSN_KEYS: Final = "dsn|pg_dsn|sql_url"
FAMILIES: Final = {
    family.name: family
    for family in (
        ConnectionFamily(
            "mysql",
            "db_movies",
            (
                ConfigKey("host", "text", "name or address of the server", default="localhost"),
                ConfigKey("port", "whole", "port of the server", default=3306),
                ConfigKey("database", "text", "name of the database", required=True),
                ConfigKey("user", "text", "name of the user", required=True),
                ConfigKey("password", "text", "password of the user", secret=True),
                ConfigKey("unix_socket", "text", "path of a socket, used instead of host and port"),
                ConfigKey("charset", "text", "character set of the session", default="utf8mb4"),
                ConfigKey(
                    "ssl_mode",
                    "text",
                    "encryption; default: preferred, or verify_ca with ssl_ca",
                    choices=("disabled", "preferred", "required", "verify_ca", "verify_identity"),
                ),
                ConfigKey("ssl_ca", "text", "file with the certificate of the authority"),
                ConfigKey("ssl_cert", "text", "file with the certificate of the client"),
                ConfigKey("ssl_key", "text", "file with the key of the client"),
            ),
            {
                "host": "localhost",
                "port": 3306,
                "database": "movies",
                "user": "app",
                "password": "${MYSQL_PASSWORD}",
            },
            (("database", "user"),),
            (
                *("alias", "connect_timeout", "read_timeout", "write_timeout"),
                *("pool_size", "pool_recycle", "echo"),
            ),
        ),
        ConnectionFamily(
            "postgres",
            "main",
            (
                ConfigKey("host", "text", "name or address of the server", default="localhost"),
                ConfigKey("port", "whole", "port of the server", default=5432),
                ConfigKey("database", "text", "name of the database; required without dsn"),
                ConfigKey("user", "text", "name of the user; required without dsn"),
                ConfigKey("password", "text", "password of the user", secret=True),
                ConfigKey(
                    "dsn",
                    "text",
                    "postgresql://user:password@host:port/database, used instead of the keys above",
                    secret=True,
                ),
                ConfigKey("pg_dsn", "text", "another name of dsn", secret=True),
                ConfigKey("sql_url", "text", "another name of dsn", secret=True),
                ConfigKey("sslmode", "text", "encryption, such as require or verify-full"),
                ConfigKey("sslrootcert", "text", "file with the certificate of the authority"),
                ConfigKey("sslcert", "text", "file with the certificate of the client"),
                ConfigKey("sslkey", "text", "file with the key of the client"),
                ConfigKey("options", "text", "options of the server, such as -c search_path=sales"),
                ConfigKey("channel_binding", "text", "disable, prefer or require"),
                ConfigKey("target_session_attrs", "text", "server to choose, such as read-write"),
            ),
            {
                "host": "localhost",
                "port": 5432,
                "database": "movies",
                "user": "app",
                "password": "${PG_PASSWORD}",
            },
            (("database", "user"), (_DSN_KEYS,)),
            ("alias", "connect_timeout"),
        ),
        ConnectionFamily(
            "sqlite",
            "main",
            (
                ConfigKey("path", "text", "SQLite file", required=True),
                ConfigKey("base_dir", "text", "directory that path is relative to"),
            ),
            {"path": "movies.db"},
            (("path",),),
            ("alias",),
        ),
        ConnectionFamily(
            "supabase",
            "main",
            (
                ConfigKey("url", "text", "https://<project>.supabase.co; required without pg_dsn"),
                ConfigKey("key", "text", "key of the API; required without pg_dsn", secret=True),
                ConfigKey("service_role_key", "text", "another name of key", secret=True),
                ConfigKey("anon_key", "text", "another name of key", secret=True),
                ConfigKey("rest_url", "text", "address of the REST API, if it is not url + /rest/v1"),
                ConfigKey("schema", "text", "schema that connections test reads", default="public"),
                ConfigKey(
                    "pg_dsn",
                    "text",
                    "postgresql://user:password@host:port/database, for writing over SQL",
                    secret=True,
                ),
                ConfigKey("dsn", "text", "another name of pg_dsn", secret=True),
                ConfigKey("sql_url", "text", "another name of pg_dsn", secret=True),
            ),
            {"url": "https://abc.supabase.co", "key": "${SUPABASE_KEY}"},
            (("url|rest_url", "key|service_role_key|anon_key"), ("pg_dsn|dsn|sql_url",)),
            ("alias", "password", "timeout", "retries"),
        ),
        ConnectionFamily(
            "filesystem",
            "local",
            (ConfigKey("base_dir", "text", "directory that paths are relative to"),),
            {"base_dir": "."},
            ignored=("alias",),
        ),
    )
}
"""Families of the built-in components by name."""


def key_mistakes(
    family: ConnectionFamily, values: Mapping[Any, Any], suggestions: Suggestions
) -> Iterator[tuple[str, str | None]]:
    """Yield a message for each mistake in the keys of a connection, and the unknown key if it is about one."""
    names = [key.name for key in (*family.keys, *COMMON_KEYS)]
    meant: set[str] = set()
    for key in map(str, values):
        if key in names or key in family.ignored:
            continue
        near = [name for name in [_SYNONYMS.get(key.casefold(), "")] if name in names]
        near = near or suggestions.near_names(key, names)
        meant.update(near)
        hint = f"did you mean {near[0]!r}?" if near else f"{family.name} has {', '.join(names)}"
        yield f"unknown key {mask_by_pattern(key)!r}; {hint}", key
    present = {str(key) for key, value in values.items() if value not in (None, "")} | meant
    missing = [_missing(names, present) for names in family.choices]
    if missing and all(missing):
        fewest = min(missing, key=len)
        lacking = " and ".join(repr(name) for name in fewest)
        yield f"lacks {lacking}; {family.name} needs {family.needs}, e.g. {family.inline_example}", None


def is_key_of_family(family: str, name: str) -> bool:
    """Return True if a key that is not one of every family belongs to the connections of a family."""
    known = FAMILIES.get(family)
    return known is not None and any(key.name == name for key in known.keys)


def example_lines(families: Collection[str] = ("mysql",)) -> list[str]:
    """Return a connections file for families, as lines of YAML."""
    below = chain.from_iterable(FAMILIES[name].lines() for name in families if name in FAMILIES)
    return ["connections:", *below]


def _missing(names: tuple[str, ...], present: Collection[str]) -> list[str]:
    return [name.split("|")[0] for name in names if not any(other in present for other in name.split("|"))]


def _quoted(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) and not value.isalnum() else str(value)
