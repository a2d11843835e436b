"""Reasons for which a database server does not let a client in: the kind of the error and the remedy."""

import psycopg
import pymysql
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.mysql.errors import connect_error
from osiris_inspect.runtime.drivers.postgres import connect as postgres

CONNECTION = {"host": "db", "port": 5432, "database": "shop", "user": "etl", "password": "hunter2"}
FATAL = 'connection failed: connection to server at "10.0.0.5", port 5432 failed: FATAL:  {}'
POSTGRES = [
    ('database "shop" is not currently accepting connections', "connection-refused", "ALLOW_CONNECTIONS"),
    ("the database system is not yet accepting connections", "connection-refused", "is ready"),
    ("the database system is not accepting connections", "connection-refused", "is ready"),
    ("the database system is starting up", "connection-refused", "is ready"),
    ('database "shop" does not exist', "database-missing", "check database"),
]
MYSQL = [
    (3118, "Access denied for user 'etl'@'%'. Account is locked.", "authentication-failed", "ACCOUNT UNLOCK"),
    (4151, "Access denied, this account is locked", "authentication-failed", "ACCOUNT UNLOCK"),
    (4150, "User is blocked because of too many credential errors", "authentication-failed", "FLUSH"),
    (1862, "Your password has expired.", "authentication-failed", "new password"),
    (1045, "Access denied for user 'etl'@'%' (using password: YES)", "authentication-failed", "check"),
]


@pytest.mark.parametrize(("text", "kind", "fix"), POSTGRES)
def test_refusal_of_postgres_has_its_remedy(
    monkeypatch: pytest.MonkeyPatch, text: str, kind: str, fix: str
) -> None:
    def refuse(**_options: object) -> None:
        raise psycopg.OperationalError(FATAL.format(text))

    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(DriverError) as raised:
        postgres.connect(CONNECTION, 1)
    assert raised.value.kind == kind
    assert fix in (raised.value.fix or "")


@pytest.mark.parametrize(("code", "text", "kind", "fix"), MYSQL)
def test_refusal_of_mysql_has_its_remedy(code: int, text: str, kind: str, fix: str) -> None:
    error = connect_error(pymysql.OperationalError(code, text), CONNECTION)
    assert error.kind == kind
    assert fix in (error.fix or "")
