"""A real PostgREST that somebody runs, named by the environment; whoever asks for it without is skipped with a reason.

``OSIRIS_TEST_POSTGREST_URL`` is its address, ``OSIRIS_TEST_POSTGREST_KEY`` a token it takes, and
``OSIRIS_TEST_POSTGREST_DSN`` the database behind it, as an owner of its schema ``public``.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import httpx
import psycopg
import pytest

URL, KEY, DSN = "OSIRIS_TEST_POSTGREST_URL", "OSIRIS_TEST_POSTGREST_KEY", "OSIRIS_TEST_POSTGREST_DSN"


@dataclass(frozen=True)
class RealPostgRest:
    """A server that was there before the tests, and the database behind it."""

    url: str
    key: str
    dsn: str

    @property
    def connection(self) -> Mapping[str, Any]:
        """What a connections file would say."""
        return {"rest_url": self.url, "key": self.key}

    def run(self, *statements: str) -> None:
        """Statements, as the owner."""
        with psycopg.connect(self.dsn, autocommit=True) as session:
            for statement in statements:
                session.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.dsn, autocommit=True) as session:
            return session.execute(query).fetchall()

    def look(self, table: str) -> None:
        """Let it take a picture of the schema, and wait until the table is in it."""
        self.run("NOTIFY pgrst, 'reload schema'")
        until = monotonic() + 10
        while True:
            answer = httpx.get(
                f"{self.url}/{table}",
                params={"limit": "0"},
                headers={"apikey": self.key, "Authorization": f"Bearer {self.key}"},
            )
            if answer.is_success:
                return
            assert monotonic() < until, answer.text
            sleep(0.1)


def named() -> RealPostgRest:
    """The one the environment names."""
    if not os.environ.get(URL):
        pytest.skip(f"{URL} is not set: no real PostgREST was asked, only the stand-in")
    return RealPostgRest(os.environ[URL].rstrip("/"), os.environ[KEY], os.environ[DSN])
