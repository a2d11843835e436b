"""Files of the code of a driver, for a bundle."""

import importlib.util
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.component import Component

MAX_BYTES: Final = 10 << 20
_OWN: Final = "osiris_inspect"


def code_files(component: Component) -> dict[str, bytes]:
    """Return the Python files of the package that a driver is in, by their paths; its module is not imported.

    Raises:
        SettingsError: it is built in, cannot be found, has no Python files, or has more than ``MAX_BYTES``.
    """
    name = component.driver.partition(":")[0].partition(".")[0]
    if name == _OWN:
        raise SettingsError(
            f"--with-code: the driver {component.name} is part of osiris-inspect", fix="leave out the option"
        )
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if folders:
        root = Path(folders[0])
        files = {f"{name}/{path.relative_to(root).as_posix()}": path for path in sorted(root.rglob("*.py"))}
    else:
        files = {f"{name}.py": Path(spec.origin)} if spec is not None and spec.origin else {}
    size = sum(path.stat().st_size for path in files.values())
    if not files or size > MAX_BYTES:
        reason = f"has {size:,} bytes of code, more than {MAX_BYTES:,}" if files else "has no Python files"
        raise SettingsError(
            f"--with-code: the package {name!r} of {component.name} {reason}", fix="leave out the option"
        )
    return {path: file.read_bytes() for path, file in files.items()}
