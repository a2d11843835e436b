"""Connection tests by connection family."""

from importlib import import_module
from pathlib import Path
from typing import Final

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config

_DATABASES: Final = ("mysql", "postgres", "sqlite", "supabase")
"""Families with a package of this name beside this module; a client library comes with an extra of this name."""


def test_connection(family: str, connection: Config) -> str:
    """Test a connection and return a description of the server or the folder.

    Raises:
        DriverError: the connection failed, the family is unknown, or its client library is not installed.
    """
    if family == "filesystem":
        return _test_folder(connection)
    if family not in _DATABASES:
        known = ", ".join((*_DATABASES, "filesystem"))
        raise DriverError(
            f"unknown connection family {family!r}; known are {known}",
            kind="config-value-invalid",
            fix=suggestion(family, (*_DATABASES, "filesystem"), "use one of these families"),
            setting="family",
            value=family,
        )
    try:
        driver = import_module(f"osiris_inspect.runtime.drivers.{family}.driver")
    except ModuleNotFoundError as error:
        raise DriverError(
            f"{error.name} is not installed",
            kind="dependency-missing",
            fix=f"run {install_extras_command(family)}",
            module=error.name,
            extra=family,
        ) from error
    description: str = driver.test_connection(connection)
    return description


def _test_folder(connection: Config) -> str:
    path = Path(str(connection.get("base_dir") or "."))
    if not path.is_dir():
        raise DriverError(
            f"base_dir {path} is not a folder",
            kind="file-missing",
            fix="correct base_dir of the connection",
            path=str(path),
            setting="base_dir",
        )
    return f"folder {path.resolve()}"
