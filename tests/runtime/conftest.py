"""Servers that several test modules share, each started once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.runtime.clouds import cloud, transport  # noqa: F401  fixtures of their own modules, known to all tests here
from tests.runtime.processes import nothing_left  # noqa: F401  the same

if TYPE_CHECKING:
    from tests.runtime.servers.mariadb import MariaDb
    from tests.runtime.servers.postgres import Postgres
    from tests.runtime.servers.postgrest import PostgRest


@pytest.fixture(scope="session")
def mariadb() -> "Iterator[MariaDb]":
    """A MariaDB of this test session."""
    from tests.runtime.servers import mariadb

    with mariadb.serve() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """A PostgreSQL of this test session."""
    from tests.runtime.servers import postgres

    with postgres.serve() as server:
        yield server


@pytest.fixture(scope="session")
def postgrest_session(postgres: "Postgres") -> "Iterator[PostgRest]":
    """A stand-in for PostgREST before the PostgreSQL of this test session."""
    from tests.runtime.servers import postgrest

    with postgrest.serve(postgres) as rest:
        yield rest


@pytest.fixture
def postgrest(postgrest_session: "PostgRest") -> "PostgRest":
    """The stand-in with no fault in it, and nothing asked of it yet."""
    rest = postgrest_session
    rest.faults.clear()
    rest.requests.clear()
    rest.is_asleep, rest.longest_ms = False, None
    return rest
