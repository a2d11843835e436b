"""A PostgreSQL server for tests, and pgbouncer before it."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.runtime.servers.places import binary, folder_of, free_port, running, user_for

PASSWORD = "p@ss:w/o%r!d#ä"


@dataclass(frozen=True)
class Postgres:
    """A running server; ``osiris`` owns its database ``movies``."""

    port: int
    folder: Path

    @property
    def connection(self) -> Mapping[str, Any]:
        """What a connections file would say."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "database": "movies",
            "user": "osiris",
            "password": PASSWORD,
        }

    @property
    def dsn(self) -> str:
        """Its address."""
        return self.dsn_at(self.port)

    def dsn_at(self, port: int) -> str:
        """Its address behind another port."""
        return f"postgresql://osiris:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/movies"

    def session(self, user: str = "osiris", database: str = "movies") -> psycopg.Connection[Any]:
        """A session of the client library."""
        password = PASSWORD if user == "osiris" else None
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, dbname=database, autocommit=True
        )

    def run(self, *statements: str, user: str = "osiris") -> None:
        """Statements, by default as the owner."""
        with self.session(user) as session:
            for statement in statements:
                session.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.session() as session:
            return session.execute(query).fetchall()


@contextmanager
def serve(*options: str) -> Iterator[Postgres]:
    """A server in a folder of its own; gone, with all it holds, when the block ends."""
    folders = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    initdb, server = binary("initdb", *folders), binary("postgres", *folders)
    user = user_for("postgres")
    with folder_of(user) as folder:
        data = folder / "data"
        made = subprocess.run(
            [initdb, "-D", str(data), "-U", "root", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            capture_output=True, check=False, user=user, extra_groups=[] if user else None, cwd=folder,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr.decode()
        (data / "pg_hba.conf").write_text(
            "host all osiris 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        )
        port = free_port()
        settings = [
            "fsync=off",
            "listen_addresses=127.0.0.1",
            f"port={port}",
            f"unix_socket_directories={folder}",
        ]
        command = [
            server,
            "-D",
            str(data),
            *(word for item in (*settings, *options) for word in ("-c", item)),
        ]
        with running(command, folder, user, lambda: _answers(port)):
            yield _with_users(Postgres(port, folder))


@contextmanager
def behind_pgbouncer(server: Postgres) -> Iterator[int]:
    """A pooler in transaction mode before the server; gives its port."""
    program = binary("pgbouncer")
    user = user_for("postgres")
    with folder_of(user) as folder:
        port = free_port()
        (folder / "users.txt").write_text(f'"osiris" "{PASSWORD}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\nmovies = host=127.0.0.1 port={server.port} dbname=movies\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = scram-sha-256\nunix_socket_dir =\n"
            f"auth_file = {folder}/users.txt\npool_mode = transaction\nmax_client_conn = 20\ndefault_pool_size = 2\n"
        )
        for path in folder.iterdir():
            path.chmod(0o644)
        dsn = server.dsn_at(port)
        with running([program, str(folder / "pgbouncer.ini")], folder, user, lambda: _opens(dsn)):
            yield port


def _with_users(server: Postgres) -> Postgres:
    with server.session("root", "postgres") as session:
        session.execute(f"CREATE ROLE osiris LOGIN PASSWORD '{PASSWORD}'")
        session.execute("CREATE ROLE guest LOGIN")
        session.execute("CREATE DATABASE movies OWNER osiris")
    with server.session("root") as session:
        session.execute("ALTER SCHEMA public OWNER TO osiris")
    return server


def _answers(port: int) -> bool:
    return _opens(f"host=127.0.0.1 port={port} user=root dbname=postgres")


def _opens(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True
