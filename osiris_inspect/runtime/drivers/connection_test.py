"""Trying a connection: which driver knows how, by family."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from osiris_inspect.model.errors import DriverError

_TESTERS: Mapping[str, tuple[str, str]] = {
    "mysql": ("osiris_inspect.runtime.drivers.mysql.driver", "mysql"),
    "postgres": ("osiris_inspect.runtime.drivers.postgres.driver", "postgres"),
    "supabase": ("osiris_inspect.runtime.drivers.supabase.driver", "supabase"),
    "filesystem": ("osiris_inspect.runtime.drivers.connection_test", ""),
}


def test_connection(family: str, connection: Mapping[str, Any]) -> str:
    """What answers at the other end of a connection.

    Raises:
        DriverError: nothing does, it refuses, or its client library is missing.
    """
    if family not in _TESTERS:
        raise DriverError(
            f"nothing here knows connections of family {family!r}; known are {', '.join(_TESTERS)}"
        )
    module, extra = _TESTERS[family]
    try:
        found: Callable[[Mapping[str, Any]], str] = getattr(
            import_module(module), "test_connection" if extra else "test_folder"
        )
    except ModuleNotFoundError as error:
        text = f"{error.name} is not installed; pip install 'osiris-inspect[{extra}]'"
        raise DriverError(text) from error
    return found(connection)


def test_folder(connection: Mapping[str, Any]) -> str:
    """The folder of a filesystem connection.

    Raises:
        DriverError: it is not there.
    """
    path = Path(str(connection.get("base_dir") or "."))
    if not path.is_dir():
        raise DriverError(f"base_dir {path} is no folder")
    return f"folder {path.resolve()}"
