"""Connection tests by connection family."""

from importlib import import_module
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config

_DATABASES: Final = ("mysql", "postgres", "supabase")
"""Families with a package of this name beside this module, whose client library comes with an extra of this name."""


def test_connection(family: str, connection: Config) -> str:
    """Test a connection and return a description of the server or the folder.

    Raises:
        DriverError: the connection failed, the family is unknown, or its client library is not installed.
    """
    if family == "filesystem":
        return _test_folder(connection)
    if family not in _DATABASES:
        known = ", ".join((*_DATABASES, "filesystem"))
        raise DriverError(f"unknown connection family {family!r}; known are {known}")
    try:
        driver = import_module(f"osiris_inspect.runtime.drivers.{family}.driver")
    except ModuleNotFoundError as error:
        text = f"{error.name} is not installed; pip install 'osiris-inspect[{family}]'"
        raise DriverError(text) from error
    description: str = driver.test_connection(connection)
    return description


def _test_folder(connection: Config) -> str:
    path = Path(str(connection.get("base_dir") or "."))
    if not path.is_dir():
        raise DriverError(f"base_dir {path} is not a folder")
    return f"folder {path.resolve()}"
