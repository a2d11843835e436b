"""A MariaDB server for tests."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.runtime.servers.places import binary, folder_of, free_port, running, user_for

PASSWORD = "p@ss:w/o%r!d#ä"
"""What breaks an address that is put together without quoting."""


@dataclass(frozen=True)
class MariaDb:
    """A running server, its database ``movies``, and the user ``osiris`` who owns it."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

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

    def run(self, *statements: str, user: str = "root") -> None:
        """Statements, as root."""
        with closing(self.session(user)) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def session(self, user: str = "root") -> Any:
        """A session of the client library."""
        password = PASSWORD.encode() if user == "osiris" else b""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, charset="utf8mb4", autocommit=True,
            database="movies", ssl_disabled=True,
        )  # fmt: skip


@contextmanager
def serve(*options: str) -> Iterator[MariaDb]:
    """A server in a folder of its own; gone, with all it holds, when the block ends."""
    install, server = binary("mariadb-install-db"), binary("mariadbd")
    user = user_for("mysql")
    with folder_of(user) as folder:
        data = folder / "data"
        as_user = [f"--user={user}"] if user else []
        made = subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
             "--skip-test-db", *as_user],
            capture_output=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout.decode() + made.stderr.decode()
        port = free_port()
        command = [
            server, "--no-defaults", f"--datadir={data}", "--bind-address=127.0.0.1", f"--port={port}",
            f"--socket={folder}/server.sock", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
            "--character-set-server=utf8mb4", "--max-allowed-packet=64M", f"--pid-file={folder}/server.pid",
            *as_user, *options,
        ]  # fmt: skip
        with running(command, folder, user, lambda: _answers(port)) as process:
            yield _with_users(MariaDb(port, folder, process))


def _with_users(server: MariaDb) -> MariaDb:
    with closing(
        pymysql.connect(host="127.0.0.1", port=server.port, user="root", ssl_disabled=True)
    ) as session:
        with session.cursor() as cursor:
            cursor.execute("CREATE DATABASE movies CHARACTER SET utf8mb4")
            cursor.execute("CREATE USER osiris@'%%' IDENTIFIED BY %s", [PASSWORD])
            cursor.execute("GRANT ALL ON movies.* TO osiris@'%'")
            cursor.execute("CREATE USER guest@'%'")
        session.commit()
    return server


def _answers(port: int) -> bool:
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="root", ssl_disabled=True).close()
    except (pymysql.MySQLError, OSError):
        return False
    return True
