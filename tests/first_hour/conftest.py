"""Servers of the tests of the runtime."""

from tests.runtime.conftest import mariadb, postgres  # noqa: F401  fixtures, known to all tests here
